// What somebody looks for, as the address says it: words, filters, and what comes first.

import { lookOf } from "./departments.js";
import { money, readable } from "./format.js";

/** The kinds of filter, in the order in which they are shown. */
export const FILTERS = ["department", "category", "brand", "size", "price", "rating"];

export const SORTS = [["", "Best match"], ["rating", "Best rated"], ["price-asc", "Lowest price"], ["price-desc", "Highest price"], ["name", "Name"]];

/** What a page's query asks for. What it says in a way that means nothing is left out. */
export function wantedOf(query) {
  const wanted = { q: (query.q ?? "").trim() };
  for (const filter of FILTERS) {
    const value = query[filter];
    if (value && (filter !== "price" || bandOf(value)) && (filter !== "rating" || /^[1-5]$/.test(value))) wanted[filter] = value;
  }
  if (SORTS.some(([sort]) => sort && sort === query.sort)) wanted.sort = query.sort;
  return wanted;
}

/** The address of what is wanted. */
export function pathOf(wanted) {
  const params = new URLSearchParams();
  for (const name of ["q", ...FILTERS, "sort"]) if (wanted[name]) params.set(name, wanted[name]);
  return `/products${params.size ? `?${params}` : ""}`;
}

/** The same with one filter set; in another department there are other kinds of product. */
export function withFilter(wanted, filter, value) {
  const next = { ...wanted, [filter]: value };
  if (filter === "department") delete next.category;
  return next;
}

export function withoutFilter(wanted, filter) {
  const { [filter]: _, ...rest } = wanted;
  return rest;
}

export const filtersOf = (wanted) => FILTERS.filter((filter) => wanted[filter]);

/** A filter's value, as a person reads it. */
export function labelOf(filter, value) {
  switch (filter) {
    case "department": return lookOf(value).label;
    case "price": return priceLabel(bandOf(value));
    case "rating": return value === "5" ? "5 stars" : `${value} stars or more`;
    case "size": return value.toLowerCase();
    default: return readable(value);
  }
}

/** A band of prices: "200-499" is from $2.00 to $4.99, "5000-" is from $50.00. */
export function bandOf(text) {
  const found = /^(\d{1,9})-(\d{1,9})?$/.exec(text ?? "");
  if (!found) return null;
  const [min, max] = [Number(found[1]), found[2] === undefined ? null : Number(found[2])];
  return max !== null && max < min ? null : { min, max };
}

export const bandText = ({ min, max }) => `${min}-${max ?? ""}`;

function priceLabel({ min, max }) {
  if (max === null) return `${money(min)} or more`;
  return min === 0 ? `Up to ${money(max)}` : `${money(min)} to ${money(max)}`;
}
