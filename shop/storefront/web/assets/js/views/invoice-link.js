// The way from an order to its invoice, once there is one: it is written some moments after the order is paid.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { pause } from "../api.js";
import { invoiceOf } from "../invoicing.js";
import { region } from "./region.js";

const TRIES = 6;
const PAUSE_MS = 1_200;

/** `paid` tells with a "paid" event when the order is paid while it is looked at. */
export function invoiceLink(order, paid, signal) {
  let tries = 1;
  const link = region({
    signal,
    label: "The invoice",
    compact: "The invoice can't be shown right now.",
    load: (mine) => withPatience(order, tries, mine),
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

async function withPatience(order, tries, signal) {
  for (let left = tries; ; left -= 1) {
    try {
      return await invoiceOf(order, signal);
    } catch (error) {
      if (error.kind !== "missing" || left <= 1) throw error;
      await pause(PAUSE_MS, signal);
    }
  }
}
