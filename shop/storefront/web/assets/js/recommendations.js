// What is bought together: an extra, so that no page waits for it in vain or shows an error in its place.

import { get } from "./api.js";
import { moment } from "./moment.js";

/** Each as a list of products shows it. */
export const asProducts = (items) => items.map(({ product_id, orders_together, ...product }) => ({ ...product, id: product_id, ordersTogether: orders_together }));

/** Products similar to one, as the catalogue gives them; none where nobody can say, or on another day. */
export async function similarTo(id, { limit = 5 } = {}, signal) {
  if (moment.isPast) return [];
  try {
    // Its positions are ordering's.
    const { items } = await get(`/web/recommendations/products/${encodeURIComponent(id)}/similar`, { signal, params: { limit }, ownWrites: false, timeless: true });
    return asProducts(items);
  } catch (error) {
    if (signal?.aborted) throw error;
    return [];
  }
}
