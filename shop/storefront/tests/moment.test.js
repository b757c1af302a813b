import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { addDays, today } from "../web/assets/js/days.js";
import { atMoment, isPast, moment } from "../web/assets/js/moment.js";

beforeEach(() => moment.set(null));

test("a day of the past is seen as it was when it ended", () => {
  moment.set("2017-03-12");
  assert.deepEqual([moment.isPast, moment.day, moment.label, moment.asOf], [true, "2017-03-12", "12 March 2017", "2017-03-12T23:59:59.999999Z"]);
});

test("an instant is itself", () => {
  moment.set("2017-03-12T10:20:30Z");
  assert.deepEqual([moment.day, moment.asOf, moment.label], ["2017-03-12", "2017-03-12T10:20:30Z", "12 March 2017 at 10:20 UTC"]);
});

test("what is not over, or no moment, is now", () => {
  for (const now of [today(), addDays(today(), 1), "2999-01-01T00:00:00Z", "yesterday", "2017-02-30", "", null, undefined]) {
    assert.equal(isPast(now), false, String(now));
    moment.set(now);
    assert.deepEqual([moment.isPast, moment.asOf], [false, null]);
  }
});

test("a change is told once, and what is no change is not", () => {
  const told = [];
  const note = () => told.push(moment.text);
  moment.addEventListener("change", note);
  for (const text of ["2017-03-12", "2017-03-12", "2017-03-13", null, "nonsense"]) moment.set(text);
  moment.removeEventListener("change", note);
  assert.deepEqual(told, ["2017-03-12", "2017-03-13", null]);
});

test("a path takes the moment along, and leaves it behind when it is now", () => {
  assert.equal(atMoment("/orders?customer=7"), "/orders?customer=7");
  moment.set("2017-03-12");
  assert.equal(atMoment("/orders?customer=7"), "/orders?customer=7&as_of=2017-03-12");
  assert.equal(atMoment("/?as_of=2017-01-01"), "/?as_of=2017-03-12");
  assert.equal(atMoment("/cart?as_of=2017-03-12", null), "/cart");
});
