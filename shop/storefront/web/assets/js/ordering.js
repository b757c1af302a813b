// The order desk's API.

import { command, get } from "./api.js";

const ORDERS = "/web/ordering/orders";

export const orderPath = (id) => `${ORDERS}/${encodeURIComponent(id)}`;

/** Places an order, if it costs `totalCents`: what the person has seen. */
export const placeOrder = ({ orderId, customerId, lines, totalCents, key }, { onRetry } = {}) =>
  command(ORDERS, { order_id: orderId, customer_id: customerId, lines, expected_total_cents: totalCents }, { key, onRetry });

/** What an order would cost: ordering's own price, for the catalogue's may be some moments ahead of it. */
export const priceOf = (id, signal) => get(`/web/ordering/products/${encodeURIComponent(id)}`, { signal, ownWrites: false });

export const orderById = (id, signal) => get(orderPath(id), { signal });

export const cancelOrder = (id, reason, key) => command(`${orderPath(id)}/cancel`, { reason }, { key });

export const ordersOf = (customerId, { after, limit = 20 } = {}, signal) =>
  get(`/web/ordering/customers/${encodeURIComponent(customerId)}/orders`, { signal, params: { after, limit } });

export const sales = ({ by, from, to, limit }, signal, { timeless } = {}) => get("/web/ordering/sales", { signal, timeless, params: { by, from, to, limit } });
