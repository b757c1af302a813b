// The way from an order to its invoice, once there is one: it is written some moments after the order is paid.

import { first } from "../composed.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { invoiceOf } from "../invoicing.js";
import { whenThere } from "../patience.js";
import { region } from "./region.js";

const TRIES = 6;

/**
 * `paid` tells with a "paid" event when the order is paid while it is looked at. `brought` is what came with the order,
 * once it is there: the invoice, or nothing.
 */
export function invoiceLink(order, paid, brought, signal) {
  let tries = 1;
  const load = first(brought, async () => undefined);
  const link = region({
    signal,
    label: "The invoice",
    compact: "The invoice can't be shown right now.",
    load: async (mine) => (await load(mine)) ?? whenThere(() => invoiceOf(order, mine), { tries, signal: mine }),
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
