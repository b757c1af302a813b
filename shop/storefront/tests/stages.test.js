import assert from "node:assert/strict";
import { test } from "node:test";

import { addEntry, isCancellable, isFinal, STAGES, statusOf, stepsOf } from "../web/assets/js/stages.js";

const at = (second) => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;
const upTo = (many) => STAGES.slice(0, many).map(({ event }, second) => ({ event, at: at(second) }));
const states = (timeline) => stepsOf(timeline).map((step) => step.state);

test("an entry that is told twice, or late, stands once and in its place", () => {
  const timeline = [];
  const [first, second] = upTo(2);
  assert.deepEqual([second, first, second].map((entry) => addEntry(timeline, { ...entry })), [true, true, false]);
  assert.deepEqual(timeline, [first, second]);
});

test("the steps are done, then next, then ahead", () => {
  assert.deepEqual(states(upTo(2)), ["done", "done", "next", "ahead", "ahead", "ahead"]);
  assert.deepEqual(new Set(states(upTo(6))), new Set(["done"]));
});

test("an order that ended early stops where it was, and what follows never comes", () => {
  const timeline = [...upTo(2), { event: "OrderPaymentFailed", at: at(9), note: "declined" }];
  assert.deepEqual(states(timeline), ["done", "done", "stopped", "never", "never", "never"]);
  assert.equal(stepsOf(timeline)[2].note, "declined");
  assert.equal(statusOf(timeline), "payment-failed");
});

test("the status is the furthest that is known, and stages of a later version are passed over", () => {
  assert.equal(statusOf(upTo(3)), "paid");
  assert.equal(statusOf([...upTo(3), { event: "OrderPraised", at: at(9) }]), "paid");
  assert.equal(statusOf([], "created"), "created");
});

test("what has left cannot be cancelled, and what has ended changes no more", () => {
  assert.deepEqual(STAGES.map(({ status }) => isCancellable(status)), [true, true, true, true, false, false]);
  assert.deepEqual(["shipped", "delivered", "rejected", "payment-failed", "cancelled"].map(isFinal), [false, true, true, true, true]);
});
