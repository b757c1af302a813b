// Products that others put into the same cart. It is absent where nobody can say which.

import { first } from "../composed.js";
import { h } from "../dom.js";
import { asProducts, similarTo } from "../recommendations.js";
import { productBones, productCard } from "./product-card.js";
import { region } from "./region.js";

const FEW = 5;

/** `brought` are those that came with the product, if any. */
export function similar(product, brought, signal) {
  return region({
    signal,
    label: "Similar products",
    load: first(brought && asProducts(brought.items), (mine) => similarTo(product.id, { limit: FEW }, mine)),
    bones: () => productBones(FEW),
    show: (items) => (items.length === 0 ? [] : h("section", { class: "stack", "aria-labelledby": "similar", "data-testid": "similar" },
      h("h2", { id: "similar" }, "Similar products", h("span", { class: "aside" }, "bought together with this")),
      h("ul", { class: "products" }, items.map(productCard)))),
  }).node;
}
