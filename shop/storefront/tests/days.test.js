import assert from "node:assert/strict";
import { test } from "node:test";

import { addDays, addMonths, dayAt, isDay, namedDay, numberOf, shortMonth, spokenDay } from "../web/assets/js/days.js";

test("a day is a date that exists, written in full", () => {
  for (const day of ["2017-03-12", "2016-02-29", "1970-01-01"]) assert.equal(isDay(day), true, day);
  for (const none of ["2017-02-29", "2017-13-01", "2017-3-12", "12 March 2017", "", null, undefined]) assert.equal(isDay(none), false, String(none));
});

test("days are counted over months, leap days and years", () => {
  assert.equal(numberOf("1970-01-02"), 1);
  assert.equal(dayAt(numberOf("2017-03-12")), "2017-03-12");
  assert.deepEqual([addDays("2016-02-28", 1), addDays("2017-02-28", 1), addDays("2017-01-01", -1)], ["2016-02-29", "2017-03-01", "2016-12-31"]);
});

test("a month on is the same day, or the last where there is none", () => {
  assert.deepEqual([addMonths("2017-01-31", 1), addMonths("2017-03-31", -1), addMonths("2017-12-12", 1), addMonths("2017-01-01", -1)],
    ["2017-02-28", "2017-02-28", "2018-01-12", "2016-12-01"]);
});

test("days are named for reading and for hearing", () => {
  assert.equal(namedDay("2017-03-12"), "12 March 2017");
  assert.equal(spokenDay("2017-03-12"), "Sunday 12 March 2017");
  assert.deepEqual([shortMonth("2017-03"), shortMonth("2017-03-12")], ["Mar", "Mar"]);
});
