// What a search can be narrowed by: links, so that each has an address, with how many products each would leave.

import { h } from "../dom.js";
import { count } from "../format.js";
import { icon } from "../icons.js";
import { bandText, FILTERS, filtersOf, labelOf, pathOf, withFilter, withoutFilter } from "../wanted.js";
import { stars } from "./stars.js";

const TITLES = { department: "Department", category: "Kind", brand: "Brand", size: "Size", price: "Price", rating: "Rating" };
const FEW = 7;
const hasRoom = matchMedia("(min-width: 56.01rem)");

/** `open` says whether it is unfolded where there is little room, and hears it: `{ isOpen }`. */
export function facetList(facets, wanted, open) {
  // A catalogue that does not count leaves nothing to choose from; what is set stands above all the same.
  if (!facets) return null;
  const groups = FILTERS.map((filter) => group(filter, optionsOf(filter, facets), wanted)).filter(Boolean);
  if (!groups.length) return null;
  const many = filtersOf(wanted).length;
  return h("details", { class: "facets", open: open.isOpen || hasRoom.matches, ontoggle: (event) => { open.isOpen = event.target.open; } },
    h("summary", { class: "button quiet" }, icon("filter"), many ? `Filters (${many})` : "Filters"),
    h("nav", { class: "facet-groups", "aria-label": "Filters" }, groups));
}

/** The choices of one kind: `{ value, count }`. A catalogue that does not count has none. */
export function optionsOf(filter, facets) {
  const facet = facets?.[filter];
  if (!facet) return [];
  if (filter === "price") return facet.map((band) => ({ value: bandText({ min: band.min_cents, max: band.max_cents }), count: band.count }));
  if (filter === "rating") return facet.filter((band) => band.min > 1).map((band) => ({ value: String(band.min), count: band.count }));
  return facet.values;
}

function group(filter, options, wanted) {
  const chosen = wanted[filter];
  // A choice among one says nothing.
  if (!chosen && options.length < 2) return null;
  const isShown = !chosen || options.some(({ value }) => value === chosen);
  const shown = isShown ? options : [{ value: chosen, count: 0 }, ...options];
  const id = `facet-${filter}`;
  const links = shown.map((option) => link(filter, option, wanted));
  return h("section", { class: "facet", "aria-labelledby": id }, h("h2", { id }, TITLES[filter]),
    h("ul", {}, links.slice(0, FEW)),
    links.length > FEW ? h("details", { class: "facet-more", open: chosen && shown.slice(FEW).some(({ value }) => value === chosen) }, h("summary", {}, `${links.length - FEW} more`), h("ul", {}, links.slice(FEW))) : null);
}

function link(filter, { value, count: many }, wanted) {
  const isChosen = wanted[filter] === value;
  const there = isChosen ? withoutFilter(wanted, filter) : withFilter(wanted, filter, value);
  const words = filter === "rating" ? [stars(Number(value)), value === "5" ? null : h("span", { class: "small" }, "& more")] : labelOf(filter, value);
  return h("li", {}, h("a", { class: "facet-link", href: pathOf(there), "data-keep": `${filter} ${value}`, "aria-current": isChosen ? "true" : null },
    h("span", { class: "facet-label" }, words), isChosen ? icon("cross") : h("span", { class: "count" }, count(many)), isChosen ? h("span", { class: "visually-hidden" }, " – chosen, remove") : null));
}
