// What sells best: ordering knows which products, the catalogue what they are.

import { productById } from "./catalog.js";
import { sales } from "./ordering.js";

let isKnown = true;

/** The products that sold best, each with its sales; none where ordering does not count by product. */
export async function bestSellers({ limit, from, to }, signal) {
  if (!isKnown) return [];
  let items;
  try {
    ({ items } = await sales({ by: "product", limit, from, to }, signal));
  } catch (error) {
    if (error.kind !== "refused") throw error;
    isKnown = false;
    return [];
  }
  const best = items.slice(0, limit);
  const products = await Promise.allSettled(best.map((item) => productById(item.key, signal)));
  return best.map((item, at) => ({ ...item, product: products[at].value }));
}
