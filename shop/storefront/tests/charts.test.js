import assert from "node:assert/strict";
import { test } from "node:test";

import { around, everyNth, horizon, linear, niceTop } from "../web/assets/js/charts/scale.js";
import { byDay, byMonth, ofYear, totalOf, yearsIn } from "../web/assets/js/sales-figures.js";

const day = (key, cents, orders = 1) => ({ key, orders, units: 2 * orders, sales_cents: cents });
const keys = (items) => items.map(({ key }) => key);

test("an axis ends at a round number that is not below the highest value", () => {
  assert.deepEqual([0, 1, 87_095, 100_000, 100_001, 24].map(niceTop), [1, 1, 100_000, 100_000, 200_000, 25]);
});

test("places follow values, also where there is one value only", () => {
  const y = linear([0, 10], [100, 0]);
  assert.deepEqual([y(0), y(5), y(10)], [100, 50, 0]);
  assert.equal(Number.isFinite(linear([5, 5], [0, 1])(5)), true);
  const [low, high] = around([200, 200]);
  assert.ok(low < 200 && high > 200 && around([1, 1])[0] >= 0);
});

test("an axis of time ends soon after the last change, or now", () => {
  const day = (text) => Date.parse(`${text}T00:00:00Z`);
  assert.equal(horizon(day("2017-01-01"), day("2017-11-27"), day("2026-11-25")), day("2017-01-01") + 330 * 1.15 * 86_400_000);
  assert.equal(horizon(day("2017-01-01"), day("2017-11-27"), day("2017-12-01")), day("2017-12-01"));
  assert.equal(horizon(day("2017-01-01"), day("2017-01-03"), day("2026-11-25")), day("2017-02-02"), "and has room for it");
});

test("labels are left out until the others have room", () => {
  assert.deepEqual([everyNth(12, 1000, 40), everyNth(12, 300, 40), everyNth(12, 10, 40)], [1, 2, 12]);
});

test("days without sales have their place, but years of silence do not", () => {
  assert.deepEqual(keys(byDay([day("2017-01-03", 5), day("2017-01-01", 7)])), ["2017-01-01", "2017-01-02", "2017-01-03"]);
  assert.deepEqual(keys(byDay([day("2017-01-01", 5), day("2026-11-25", 7)])), ["2017-01-01", "2026-11-25"]);
});

test("months are sums of their days", () => {
  const months = byMonth([day("2017-11-01", 5), day("2017-11-30", 7), day("2018-02-01", 1)]);
  assert.deepEqual(months.map(({ key, sales_cents: cents, orders }) => [key, cents, orders]), [["2017-11", 12, 2], ["2017-12", 0, 0], ["2018-01", 0, 0], ["2018-02", 1, 1]]);
});

test("what was sold in a year, and in all", () => {
  const items = [day("2017-11-01", 5), day("2018-02-01", 1, 3)];
  assert.deepEqual(yearsIn(items), ["2017", "2018"]);
  assert.deepEqual(keys(ofYear(items, "2018")), ["2018-02-01"]);
  assert.deepEqual(totalOf(ofYear(items, "")), { key: "total", orders: 4, units: 8, sales_cents: 6 });
  assert.equal(items[0].sales_cents, 5, "what was given is left as it is");
});
