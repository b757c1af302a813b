// Inventory's API, and what to say of it.

import { get } from "./api.js";

/** Of how many units it is worth saying that there are few. */
const FEW = 10;

/** What is there of a product, as of now. It is a hint, so it is asked for once. */
export const stockOf = (id, signal) => get(`/web/inventory/products/${encodeURIComponent(id)}`, { signal, ownWrites: false, timeless: true, pauses: [] });

/** What to say of so many units that can be had: a state for the eye, and words. */
export function stockWords(available) {
  if (available <= 0) return { state: "out", words: "Sold out" };
  return available < FEW ? { state: "few", words: `Only ${available} left` } : { state: "in", words: "In stock" };
}
