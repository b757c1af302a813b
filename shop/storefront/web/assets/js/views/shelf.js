// A row of a few products of one department, with the way to all of them.

import { findProducts } from "../catalog.js";
import { lookOf } from "../departments.js";
import { h } from "../dom.js";
import { productBones, productCard } from "./product-card.js";
import { region } from "./region.js";

const FEW = 5;

export function shelf(department, title, signal) {
  return region({
    signal,
    label: title,
    compact: `${title} can't be shown right now.`,
    load: (mine) => findProducts({ department, limit: FEW }, mine),
    bones: () => productBones(FEW),
    show: ({ items }) => (items.length < FEW ? [] : h("section", { class: "stack shelf", "aria-label": title },
      h("div", { class: "page-head" },
        h("h2", {}, title),
        h("a", { href: `/?${new URLSearchParams({ department })}` }, `All in ${lookOf(department).label}`)),
      h("ul", { class: "products" }, items.map(productCard)))),
  }).node;
}
