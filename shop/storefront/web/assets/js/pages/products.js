// Search and browse: what was found, what it can be narrowed by, and what is set. All of it stands in the address; the
// words come from the search box in the frame.

import { findProducts } from "../catalog.js";
import { lookOf } from "../departments.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { moment } from "../moment.js";
import { go } from "../router.js";
import { announce } from "../shell.js";
import { facetList } from "../views/facets.js";
import { filterChips } from "../views/filter-chips.js";
import { moreButton } from "../views/more.js";
import { empty } from "../views/notice.js";
import { productBones, productCard } from "../views/product-card.js";
import { region } from "../views/region.js";
import { filtersOf, labelOf, pathOf, SORTS, wantedOf, withoutFilter } from "../wanted.js";

export function productsPage({ query, signal }) {
  let wanted = wantedOf(query);
  const open = { isOpen: false };
  const results = region({
    signal,
    label: "The search",
    load: (mine) => findProducts({ ...wanted, facets: true }, mine),
    bones: productBones,
    show: (found) => foundList(found, wanted, open, signal),
  });
  return {
    get title() {
      return wanted.q ? `“${wanted.q}”` : wanted.department ? lookOf(wanted.department).label : "All products";
    },
    node: results.node,
    update(next) {
      wanted = wantedOf(next);
      results.reload();
    },
  };
}

/** What was looked for, as a heading. */
export function headingOf(wanted, total) {
  const place = wanted.department ? lookOf(wanted.department).label : "";
  if (wanted.q) return `${plural(total, "product")} for “${wanted.q}”${place ? ` in ${place}` : ""}`;
  return wanted.category ? labelOf("category", wanted.category) : place || "All products";
}

function foundList({ items, total, next, facets }, wanted, open, signal) {
  const found = total ?? items.length;
  announce(items.length ? `${plural(found, "product")} found` : "Nothing found");
  const heading = items.length || !wanted.q ? headingOf(wanted, found) : "Nothing found";
  const list = h("ul", { class: "products" }, items.map(productCard));
  const side = facetList(facets, wanted, open);
  return h("div", { class: `browse${side ? "" : " alone"}` },
    h("div", { class: "browse-head" },
      h("div", { class: "page-head" }, h("h1", { tabindex: -1 }, heading), h("div", { class: "row" }, wanted.q || !items.length ? null : h("p", { class: "muted" }, plural(found, "product")), facets && items.length > 1 ? sortField(wanted) : null)),
      filterChips(wanted)),
    side,
    h("section", { class: "stack", "aria-labelledby": "found" },
      h("h2", { class: "visually-hidden", id: "found" }, "Products"),
      items.length ? list : nothing(wanted),
      next ? moreButton({ list, next, signal, row: productCard, label: "Show more products", load: (after, mine) => findProducts({ ...wanted, after }, mine) }) : null));
}

function sortField(wanted) {
  const choose = (event) => go(pathOf({ ...wanted, sort: event.target.value || undefined }), { replace: true });
  return h("label", { class: "sort" }, h("span", { class: "muted small" }, "Sort"), h("select", { "data-keep": "sort", onchange: choose },
    SORTS.map(([sort, label]) => h("option", { value: sort, selected: sort === (wanted.sort ?? "") }, label))));
}

function nothing(wanted) {
  const filters = filtersOf(wanted);
  const way = (label, there) => h("a", { class: "button quiet", href: pathOf(there) }, label);
  const title = wanted.q ? `Nothing found for “${wanted.q}”` : "There is nothing here";
  const text = filters.length ? "Nothing fits all of the filters that are set."
    : wanted.q ? "Try fewer or shorter words, such as “milk” or “bread”."
      : moment.isPast ? "Nothing was sold here on that day yet." : "The catalogue may still be filling. Try again in a moment.";
  return empty("wind", title, text,
    filters.length === 1 ? way(`Without “${labelOf(filters[0], wanted[filters[0]])}”`, withoutFilter(wanted, filters[0])) : null,
    filters.length > 1 ? way("Without filters", { q: wanted.q }) : null,
    way("See everything", {}));
}
