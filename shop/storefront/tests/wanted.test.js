import assert from "node:assert/strict";
import { test } from "node:test";

import "./browser.js";
import { findProducts } from "../web/assets/js/catalog.js";
import { bandOf, bandText, filtersOf, labelOf, pathOf, wantedOf, withFilter, withoutFilter } from "../web/assets/js/wanted.js";

const full = { q: "milk", department: "Grocery", category: "FLUID MILK", brand: "National", size: "1 GAL", price: "200-499", rating: "4", sort: "price-asc" };

test("the address says what is wanted, and what is wanted says the address", () => {
  const path = pathOf(full);
  assert.deepEqual(wantedOf(Object.fromEntries(new URLSearchParams(path.split("?")[1]))), full);
  assert.equal(pathOf({ q: "" }), "/products");
});

test("what means nothing is left out", () => {
  assert.deepEqual(wantedOf({ q: "  milk ", price: "cheap", rating: "9", sort: "magic", department: "", as_of: "2017-03-12" }), { q: "milk" });
});

test("in another department there are other kinds of product", () => {
  assert.deepEqual(filtersOf(withFilter(full, "department", "Produce")), ["department", "brand", "size", "price", "rating"]);
  assert.equal(withFilter(full, "brand", "Private").category, "FLUID MILK");
  assert.equal("price" in withoutFilter(full, "price"), false);
});

test("bands of prices are closed or open, and nothing else", () => {
  assert.deepEqual([bandOf("200-499"), bandOf("5000-"), bandOf("0-99")], [{ min: 200, max: 499 }, { min: 5000, max: null }, { min: 0, max: 99 }]);
  for (const none of ["500-200", "-99", "1.5-2", "200", "", undefined]) assert.equal(bandOf(none), null, String(none));
  assert.equal(bandText({ min: 5000, max: null }), "5000-");
});

test("filters are named as a person reads them", () => {
  const named = [["department", "Produce"], ["category", "FRZN ICE"], ["price", "0-99"], ["price", "200-499"], ["price", "5000-"], ["rating", "4"], ["rating", "5"], ["size", "16 OZ"]];
  assert.deepEqual(named.map(([filter, value]) => labelOf(filter, value)),
    ["Fruit & vegetables", "Frzn ice", "Up to $0.99", "$2.00 to $4.99", "$50.00 or more", "4 stars or more", "5 stars", "16 oz"]);
});

test("the catalogue is asked in its own words", async () => {
  let url;
  globalThis.fetch = async (asked) => {
    url = new URL(asked, "http://shop");
    return new Response("{}");
  };
  await findProducts({ ...full, facets: true });
  assert.deepEqual(Object.fromEntries(url.searchParams), { q: "milk", department: "Grocery", category: "FLUID MILK", brand: "National", size: "1 GAL", price_min_cents: "200", price_max_cents: "499", rating_min: "4", sort: "price-asc", facets: "true", limit: "24" });
});
