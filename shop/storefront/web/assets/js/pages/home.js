// The entrance: the departments, those that sell best first, what sells best, and a shelf of each of the first few.

import { bestSellers } from "../bestsellers.js";
import { allDepartments } from "../catalog.js";
import { lookOf } from "../departments.js";
import { h, s } from "../dom.js";
import { plural } from "../format.js";
import { icon } from "../icons.js";
import { sales } from "../ordering.js";
import { productBones, productCard } from "../views/product-card.js";
import { bone, region } from "../views/region.js";
import { shelf } from "../views/shelf.js";

// Two rows of tiles, so that products are in sight.
const FIRST = 8;
const SHELVES = 3;
const BEST = 5;

export function homePage({ signal }) {
  const departments = region({
    signal,
    label: "The list of departments",
    compact: "The departments can't be shown right now.",
    load: (mine) => departmentsBySales(mine),
    bones: () => h("div", { class: "department-grid" }, Array.from({ length: 6 }, () => bone("100%", "5.5rem"))),
    show: (all) => [
      h("section", { class: "stack", "aria-labelledby": "departments" },
        h("div", { class: "page-head" }, h("h2", { id: "departments" }, "Departments", all.areRanked ? h("span", { class: "aside" }, "best sellers first") : null), h("a", { href: "/products" }, "All products")),
        h("ul", { class: "department-grid" }, all.slice(0, FIRST).map(departmentTile)),
        all.length > FIRST ? h("details", { class: "more-departments" }, h("summary", {}, `${all.length - FIRST} more departments`), h("ul", { class: "department-grid" }, all.slice(FIRST).map(departmentTile))) : null),
      all.slice(0, SHELVES).map(({ name }) => shelf(name, signal)),
    ],
  });
  departments.node.classList.add("page");
  const best = region({
    signal,
    label: "What sells best",
    compact: "What sells best can't be shown right now.",
    load: (mine) => bestSellers({ limit: BEST }, mine),
    bones: () => productBones(BEST),
    show: (sellers) => {
      const known = sellers.filter(({ product }) => product);
      return known.length ? h("section", { class: "stack shelf", "aria-labelledby": "best" },
        h("h2", { id: "best" }, "What sells best"), h("ul", { class: "products" }, known.map(({ product }) => productCard(product)))) : [];
    },
  });
  return { title: "", node: [hero(), best.node, departments.node] };
}

// Which sell best is nice to know, and nothing that the departments wait for in vain.
async function departmentsBySales(signal) {
  const [departments, sold] = await Promise.allSettled([allDepartments(signal), sales({ by: "department" }, signal)]);
  if (departments.status === "rejected") throw departments.reason;
  const cents = new Map(sold.value?.items.map((item) => [item.key, item.sales_cents]));
  const ranked = departments.value.toSorted((a, b) => (cents.get(b.name) ?? 0) - (cents.get(a.name) ?? 0) || b.products - a.products);
  return Object.assign(ranked, { areRanked: cents.size > 0 });
}

function departmentTile({ name, products }) {
  const look = lookOf(name);
  const tile = h("span", { class: "tile", "aria-hidden": "true" }, icon(look.icon));
  tile.style.setProperty("--hue", look.hue);
  return h("li", {}, h("a", { class: "department", href: `/products?${new URLSearchParams({ department: name })}`, "data-department": name },
    tile, h("span", { class: "department-text" }, h("span", { class: "department-name" }, look.label), h("span", { class: "muted small" }, plural(products, "product")))));
}

function hero() {
  return h("section", { class: "hero", "aria-label": "Welcome" },
    h("h1", {}, "Fresh groceries, followed live to your door"),
    h("p", {}, "Fill a cart, place the order, and watch it pass all six stages as they happen."),
    s("svg", { class: "hero-art", viewBox: "0 0 240 180", "aria-hidden": "true" },
      s("path", { class: "wave", d: "M4 152c12 8 24 8 36 0s24-8 36 0 24 8 36 0 24-8 36 0 24 8 36 0 24-8 36 0" }),
      s("path", { class: "sail", d: "M124 14c40 26 60 62 62 106l-62 6z" }),
      s("path", { class: "jib", d: "M114 44v80l-50-4c8-30 25-56 50-76z" }),
      s("path", { class: "hull", d: "M52 132c46 9 96 9 142 0-8 18-24 28-46 28H98c-22 0-38-10-46-28z" })));
}
