import assert from "node:assert/strict";
import { test } from "node:test";

import "./browser.js";
import { stockWords } from "../web/assets/js/inventory.js";

test("what is scarce is told with its number, and what is gone as that", () => {
  assert.deepEqual(stockWords(0), { state: "out", words: "Sold out" });
  assert.deepEqual(stockWords(1), { state: "few", words: "Only 1 left" });
  assert.deepEqual(stockWords(9), { state: "few", words: "Only 9 left" });
  assert.deepEqual(stockWords(10), { state: "in", words: "In stock" });
});
