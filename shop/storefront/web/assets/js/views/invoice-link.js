// The way from an order to its invoice, once there is one: it is written some moments after the order is paid.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { invoiceOf } from "../invoicing.js";
import { whenThere } from "../patience.js";
import { region } from "./region.js";

const TRIES = 6;

/** `paid` tells with a "paid" event when the order is paid while it is looked at. */
export function invoiceLink(order, paid, signal) {
  let tries = 1;
  const link = region({
    signal,
    label: "The invoice",
    compact: "The invoice can't be shown right now.",
    load: (mine) => whenThere(() => invoiceOf(order, mine), { tries, signal: mine }),
    missing: () => [],
    bones: () => [],
    show: ({ number }) => h("a", { class: "button quiet", href: `/invoices/${encodeURIComponent(number)}`, "data-testid": "invoice" }, icon("receipt"), `Invoice ${number}`),
  });
  paid.addEventListener("paid", () => {
    tries = TRIES;
    link.reload();
  });
  return link.node;
}
