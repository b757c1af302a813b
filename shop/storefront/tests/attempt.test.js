import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forgetAll } from "./browser.js";
import { attemptFor, finishAttempt } from "../web/assets/js/attempt.js";

const lines = [{ product_id: "1", quantity: 2 }];

beforeEach(forgetAll);

test("the same order is the same attempt until it is placed", () => {
  const first = attemptFor("7", lines, 518);
  assert.deepEqual(attemptFor("7", lines, 518), first);
  finishAttempt(first);
  assert.notEqual(attemptFor("7", lines, 518).orderId, first.orderId);
});

test("at another total it is another request for the same order", () => {
  const before = attemptFor("7", lines, 518);
  const after = attemptFor("7", lines, 600);
  assert.equal(after.orderId, before.orderId);
  assert.notEqual(after.key, before.key);
});

test("for another customer or other lines it is another order", () => {
  const first = attemptFor("7", lines, 518);
  const others = [attemptFor("8", lines, 518), attemptFor("7", [{ product_id: "1", quantity: 3 }], 518)];
  assert.equal(new Set([first, ...others].map((attempt) => attempt.orderId)).size, 3);
});

test("an attempt that was begun since is not forgotten with an earlier one", () => {
  const earlier = attemptFor("7", lines, 518);
  const later = attemptFor("8", lines, 518);
  finishAttempt(earlier);
  assert.deepEqual(attemptFor("8", lines, 518), later);
});
