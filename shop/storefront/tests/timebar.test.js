import assert from "node:assert/strict";
import { test } from "node:test";

import { addDays, today } from "../web/assets/js/days.js";
import { pending } from "../web/assets/js/pending.js";
import { barsOf } from "../web/assets/js/timebar/histogram.js";
import { player } from "../web/assets/js/timebar/player.js";
import { busiestYear, daysOf, yearsOf } from "../web/assets/js/timebar/years.js";

const sales = [{ key: "2017-01-01", orders: 2 }, { key: "2017-12-31", orders: 5 }, { key: "2018-01-01", orders: 1 }];

test("the years are those of the orders and of who looks, and the busiest is shown first", () => {
  assert.deepEqual(yearsOf(sales), [2017, 2018]);
  assert.deepEqual(yearsOf(sales, "2016-05-05"), [2016, 2017, 2018]);
  assert.equal(busiestYear(sales), 2017);
  assert.equal(busiestYear([]), Number(today().slice(0, 4)) - 1);
});

test("a year has all of its days, with the orders of each", () => {
  const year = daysOf(2017, sales);
  assert.deepEqual([year.many, year.orders.length, year.orders[0], year.orders[364]], [365, 365, 2, 5]);
  assert.equal(year.indexOf("2017-03-12"), 70);
  assert.equal(year.dayAt(70), "2017-03-12");
  assert.equal(daysOf(2016, sales).orders.length, 366);
});

test("of this year only the days that are over can be looked at", () => {
  const year = daysOf(Number(today().slice(0, 4)), []);
  assert.ok(year.many === 1 || year.dayAt(year.many - 1) === addDays(today(), -1));
});

test("a day with orders has a bar, and one without has none", () => {
  assert.equal(barsOf([0, 1, 2]), "M1 40V20.0h.8V40zM2 40V0.0h.8V40z");
  assert.equal(barsOf([0, 0]), "");
});

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

function recorder({ steps, settled = async () => {} }) {
  const states = [];
  let made = 0;
  const run = player({ beatMs: 1, patienceMs: 50, settled, onState: (state) => states.push(state), advance: () => (made < steps ? (made += 1, true) : false) });
  return { run, states, made: () => made };
}

test("time runs to its end and stops there", async () => {
  const { run, states, made } = recorder({ steps: 3 });
  run.start();
  run.start();
  while (run.isRunning) await soon();
  assert.deepEqual([made(), states], [3, [true, false]]);
});

test("no step is made before the page shows the one before", async () => {
  let release;
  const { run, made } = recorder({ steps: 9, settled: () => new Promise((resolve) => { release = resolve; }) });
  run.start();
  await soon();
  await soon();
  assert.equal(made(), 1);
  release();
  await soon();
  await soon();
  assert.equal(made(), 2);
  run.stop();
  release();
  await soon();
  assert.equal(made(), 2);
});

test("what never comes does not hold time up for ever", async () => {
  const { run, made } = recorder({ steps: 2, settled: () => new Promise(() => {}) });
  run.start();
  while (run.isRunning) await soon();
  assert.equal(made(), 2);
});

test("the page has settled when nothing waits any more", async () => {
  await pending.settled();
  const [first, second] = [pending.begin(), pending.begin()];
  let settled = false;
  const waiting = pending.settled().then(() => { settled = true; });
  first();
  first();
  await soon();
  assert.deepEqual([settled, pending.isBusy], [false, true]);
  second();
  await waiting;
  assert.equal(pending.isBusy, false);
  const left = new AbortController();
  const end = pending.begin();
  const asked = pending.settled(left.signal);
  left.abort();
  await asked;
  end();
});
