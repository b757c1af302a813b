// One attempt to place one order. Its key and order id are made once and kept until the order is known to be placed,
// so that a double click, a retry, a reload or a second tab all mean the same order.

import { newId } from "./ids.js";
import { forget, load, save } from "./storage.js";

/**
 * The attempt for exactly this customer, these lines and this total: the one under way if it is for the same, else a
 * new one. At another total it is another request, with a key of its own, but for the same order id: should the earlier
 * try have arrived after all, ordering says that the order exists, and there are not two.
 */
export function attemptFor(customerId, lines, totalCents) {
  const what = JSON.stringify([customerId, lines]);
  const kept = load("attempt", null);
  const same = kept?.what === what;
  if (same && kept.totalCents === totalCents) return kept;
  const attempt = { what, totalCents, key: newId(), orderId: same ? kept.orderId : newId() };
  save("attempt", attempt);
  return attempt;
}

/** Forgets the attempt; one that has been begun since for something else stays. */
export function finishAttempt({ orderId }) {
  if (load("attempt", null)?.orderId === orderId) forget("attempt");
}
