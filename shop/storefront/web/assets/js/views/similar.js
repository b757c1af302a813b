// Products that others put into the same cart. It is absent where nobody can say which.

import { h } from "../dom.js";
import { similarTo } from "../recommendations.js";
import { productBones, productCard } from "./product-card.js";
import { region } from "./region.js";

const FEW = 5;

export function similar(product, signal) {
  return region({
    signal,
    label: "Similar products",
    load: (mine) => similarTo(product.id, { limit: FEW }, mine),
    bones: () => productBones(FEW),
    show: (items) => (items.length === 0 ? [] : h("section", { class: "stack", "aria-labelledby": "similar", "data-testid": "similar" },
      h("h2", { id: "similar" }, "Similar products", h("span", { class: "aside" }, "bought together with this")),
      h("ul", { class: "products" }, items.map(productCard)))),
  }).node;
}
