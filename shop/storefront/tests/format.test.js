import assert from "node:assert/strict";
import { test } from "node:test";

import { count, dateOf, momentOf, money, plural, readable } from "../web/assets/js/format.js";

test("cents are shown as dollars, and no number as a dash", () => {
  assert.deepEqual([0, 5, 259, 123_456_789].map(money), ["$0.00", "$0.05", "$2.59", "$1,234,567.89"]);
  assert.deepEqual([undefined, null, Number.NaN, "259"].map(money), ["–", "–", "–", "–"]);
});

test("one is one, and all else is many", () => {
  assert.deepEqual([0, 1, 2, 5811].map((number) => plural(number, "item")), ["0 items", "1 item", "2 items", "5,811 items"]);
  assert.equal(count(1_000_000), "1,000,000");
});

test("a moment that is none is not shown", () => {
  for (const nothing of [undefined, null, "", "yesterday"]) assert.deepEqual([dateOf(nothing), momentOf(nothing)], ["", ""]);
  assert.equal(dateOf("2017-03-31T12:00:00Z"), "Mar 31, 2017");
});

test("the catalogue's shouted names become readable", () => {
  assert.equal(readable("FRZN ICE"), "Frzn ice");
  assert.equal(readable("  Fluid   Milk "), "Fluid Milk");
  assert.equal(readable("Cheese:Cheeseballs/Spreads"), "Cheese: Cheeseballs / Spreads");
  assert.equal(readable("1/2 gal"), "1/2 gal", "no room within figures");
  assert.equal(readable(undefined), "");
});
