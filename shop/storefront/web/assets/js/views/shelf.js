// A row of a few products of one department, the best rated first, with the way to all of them.

import { findProducts } from "../catalog.js";
import { lookOf } from "../departments.js";
import { h } from "../dom.js";
import { productBones, productCard } from "./product-card.js";
import { region } from "./region.js";

const FEW = 5;

export function shelf(department, signal) {
  const { label } = lookOf(department);
  return region({
    signal,
    label,
    compact: `${label} can't be shown right now.`,
    load: (mine) => findProducts({ department, sort: "rating", limit: FEW }, mine),
    bones: () => productBones(FEW),
    show: ({ items }) => (items.length < FEW ? [] : h("section", { class: "stack shelf", "aria-label": label },
      h("div", { class: "page-head" },
        h("h2", {}, label),
        h("a", { href: `/products?${new URLSearchParams({ department })}` }, "See all", h("span", { class: "visually-hidden" }, ` in ${label}`))),
      h("ul", { class: "products" }, items.map(productCard)))),
  }).node;
}
