// One attempt to place one order. Its key and order id are made once and kept until the order is known to be placed,
// so that a double click, a retry, a reload or a second tab all mean the same order.

import { newId } from "./ids.js";
import { forget, load, save } from "./storage.js";

/** The attempt for exactly this customer and these lines: the one under way if it is for the same, else a new one. */
export function attemptFor(customerId, lines) {
  const what = JSON.stringify([customerId, lines]);
  const kept = load("attempt", null);
  if (kept?.what === what) return kept;
  const attempt = { what, key: newId(), orderId: newId() };
  save("attempt", attempt);
  return attempt;
}

export const finishAttempt = () => forget("attempt");
