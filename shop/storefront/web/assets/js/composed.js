// Pages that come in one call: the gateway asks the services, each page's part one of them, and puts their answers
// together. A part whose service did not answer is not there, and whatever shows it asks for it by itself.

import { get } from "./api.js";
import { moment } from "./moment.js";
import { productById } from "./catalog.js";
import { orderById } from "./ordering.js";

/** `product`, and with it `prices`, `rating`, `reviews`, `stock` and `similar`. On another day the product alone. */
export const productView = (id, signal) => (moment.isPast ? productById(id, signal).then((product) => ({ product })) : view("products", "catalog", id, signal));

/** `order`, with its timeline, and its `invoice` once there is one. On another day the order alone. */
export const orderView = (id, signal) => (moment.isPast ? orderById(id, signal).then((order) => ({ order })) : view("orders", "ordering", id, signal));

/** What has been brought along stands in for the first `load`; after that, or if nothing was, it is loaded. */
export function first(brought, load) {
  let waiting = brought;
  return (signal) => {
    const here = waiting;
    waiting = undefined;
    return here === undefined ? load(signal) : Promise.resolve(here);
  };
}

// The service without which there is no page. The gateway itself remembers what this browser has written, and where.
const view = (what, service, id, signal) => get(`/web/${what}/${encodeURIComponent(id)}`, { signal, service, ownWrites: false });
