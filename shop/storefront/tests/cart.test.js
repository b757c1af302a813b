import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { changeInAnotherTab, forgetAll } from "./browser.js";
import { cart, MOST_OF_ONE } from "../web/assets/js/cart.js";

const milk = { id: "1", name: "Milk", price_cents: 259, brand: "is not kept" };
const bread = { id: "2", name: "Bread", price_cents: 100 };

beforeEach(forgetAll);

test("what is put in counts and costs", () => {
  cart.add(milk, 2);
  cart.add(bread);
  assert.deepEqual([cart.units, cart.total], [3, 618]);
  assert.equal("brand" in cart.lines[0], false);
});

test("the same product again is more of it, at its newest price", () => {
  cart.add(milk, 2);
  cart.add({ ...milk, price_cents: 300 });
  assert.deepEqual([cart.lines.length, cart.units, cart.total], [1, 3, 900]);
});

test("a quantity is a whole number within bounds", () => {
  cart.add(milk, 500);
  assert.equal(cart.units, MOST_OF_ONE);
  for (const [wanted, kept] of [[0, 1], [-3, 1], [2.9, 2], [Number.NaN, 1], [100, MOST_OF_ONE]]) {
    cart.setQuantity("1", wanted);
    assert.equal(cart.units, kept, `asked for ${wanted}`);
  }
});

test("what is no longer sold stays, costs nothing, and is not ordered", () => {
  cart.add(milk, 2);
  cart.add(bread);
  cart.learn(new Map([["1", { gone: true }]]));
  assert.deepEqual([cart.lines.length, cart.units, cart.total], [2, 1, 100]);
  assert.deepEqual(cart.orderable.map((line) => line.id), ["2"]);
  cart.add(milk);
  assert.deepEqual([cart.units, cart.total], [4, 877], "it is sold again");
});

test("what was ordered is taken out, and what came meanwhile stays", () => {
  cart.add(milk, 2);
  cart.add(bread);
  const ordered = cart.lines.map(({ id, quantity }) => ({ product_id: id, quantity }));
  cart.add(milk);
  cart.takeOut(ordered);
  assert.deepEqual(cart.lines.map(({ id, quantity }) => [id, quantity]), [["1", 1]]);
});

test("every change is told, also one in another tab", () => {
  let told = 0;
  const count = () => { told += 1; };
  cart.addEventListener("change", count);
  cart.add(milk);
  cart.remove("1");
  changeInAnotherTab("cart", [{ ...bread, quantity: 4 }]);
  cart.removeEventListener("change", count);
  assert.deepEqual([told, cart.units], [3, 4]);
});
