import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { changeInAnotherTab, forgetAll, storage } from "./browser.js";
import { forget, load, onForeignChange, save } from "../web/assets/js/storage.js";

beforeEach(() => {
  forgetAll();
  forget("key");
});

test("what was saved is loaded, and what was not is something else", () => {
  assert.equal(load("key", "nothing"), "nothing");
  save("key", { a: [1, null] });
  assert.deepEqual(load("key", "nothing"), { a: [1, null] });
  forget("key");
  assert.equal(load("key", "nothing"), "nothing");
});

test("what the browser does not take is newer than what it holds", () => {
  save("key", "old");
  storage.isFull = true;
  save("key", "new");
  assert.equal(load("key"), "new");
  storage.isFull = false;
  save("key", "newest");
  assert.equal(load("key"), "newest");
});

test("what another tab saves is newer than what this one could not", () => {
  let told = 0;
  onForeignChange("key", () => { told += 1; });
  storage.isFull = true;
  save("key", "mine");
  changeInAnotherTab("other", "irrelevant");
  assert.deepEqual([told, load("key")], [0, "mine"]);
  changeInAnotherTab("key", "theirs");
  assert.deepEqual([told, load("key")], [1, "theirs"]);
});

test("what cannot be read is as good as nothing", () => {
  localStorage.setItem("tradewind.key", "{half");
  assert.equal(load("key", "nothing"), "nothing");
});
