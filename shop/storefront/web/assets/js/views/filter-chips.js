// What is set, each with the way to leave it out.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { filtersOf, labelOf, pathOf, withoutFilter } from "../wanted.js";

export function filterChips(wanted) {
  const filters = filtersOf(wanted);
  if (!filters.length) return null;
  const chip = (filter) => {
    const label = labelOf(filter, wanted[filter]);
    return h("li", {}, h("a", { class: "chip set", href: pathOf(withoutFilter(wanted, filter)), "aria-label": `Without ${label}`, "data-filter": filter }, label, icon("cross")));
  };
  return h("ul", { class: "chips", "aria-label": "Filters that are set" }, filters.map(chip),
    filters.length > 1 ? h("li", {}, h("a", { class: "chip clear", href: pathOf({ q: wanted.q, sort: wanted.sort }) }, "Clear all")) : null);
}
