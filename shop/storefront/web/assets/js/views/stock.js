// How much of a product can be had. It is a hint: what is not there any more when an order comes, the order tells. While
// inventory is away nothing is said, and the line stays empty so that nothing moves.

import { first } from "../composed.js";
import { h } from "../dom.js";
import { stockOf, stockWords } from "../inventory.js";

/** `brought` is what came with the product, if anything. */
export function stock(product, brought, signal) {
  const node = h("p", { class: "stock", role: "status" });
  first(brought, (mine) => stockOf(product.id, mine))(signal).then(({ available }) => {
    const { state, words } = stockWords(available);
    node.dataset.stock = state;
    node.textContent = words;
  }).catch(() => {});
  return node;
}
