// How much of a product can be had. It is a hint: what is not there any more when an order comes, the order tells. While
// inventory is away nothing is said, and the line stays empty so that nothing moves.

import { h } from "../dom.js";
import { stockOf, stockWords } from "../inventory.js";

export function stock(product, signal) {
  const node = h("p", { class: "stock", role: "status" });
  stockOf(product.id, signal).then(({ available }) => {
    const { state, words } = stockWords(available);
    node.dataset.stock = state;
    node.textContent = words;
  }).catch(() => {});
  return node;
}
