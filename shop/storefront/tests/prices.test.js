import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forgetAll } from "./browser.js";
import { cart } from "../web/assets/js/cart.js";
import { checkPrices } from "../web/assets/js/prices.js";
import { Problem } from "../web/assets/js/problem.js";

beforeEach(() => {
  forgetAll();
  cart.add({ id: "1", name: "Milk", price_cents: 259 });
  cart.add({ id: "2", name: "Bread", price_cents: 100 });
});

/** A shop that sells at these prices; a problem's kind stands for an answer that is none. */
const selling = (prices) => async (id) => {
  if (typeof prices[id] === "string") throw new Problem(prices[id]);
  return { price_cents: prices[id] };
};

test("a new price is kept and told", async () => {
  assert.deepEqual(await checkPrices(selling({ 1: 300, 2: 100 })), ["Milk costs $3.00 now, and not $2.59."]);
  assert.equal(cart.total, 400);
});

test("what is no longer sold is kept as that and told once, and so is its return", async () => {
  assert.deepEqual(await checkPrices(selling({ 1: "missing", 2: 100 })), ["Milk is no longer sold."]);
  assert.equal(cart.total, 100);
  assert.deepEqual(await checkPrices(selling({ 1: "missing", 2: 100 })), []);
  assert.deepEqual(await checkPrices(selling({ 1: 259, 2: 100 })), ["Milk is sold again, at $2.59."]);
  assert.equal(cart.total, 359);
});

test("what cannot be asked stays as it is, and the cart is left alone", async () => {
  let told = 0;
  const count = () => { told += 1; };
  cart.addEventListener("change", count);
  assert.deepEqual(await checkPrices(selling({ 1: "away", 2: "timeout" })), []);
  cart.removeEventListener("change", count);
  assert.deepEqual([told, cart.total], [0, 359]);
});
