import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forgetAll } from "./browser.js";
import { first, orderView, productView } from "../web/assets/js/composed.js";
import { moment } from "../web/assets/js/moment.js";

let asked;

function serve(body, { status = 200, headers = {} } = {}) {
  asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    return new Response(JSON.stringify(body), { status, headers });
  };
}

beforeEach(() => {
  forgetAll();
  moment.set(null);
});

test("a product's page is one call, and what did not answer is not in it", async () => {
  serve({ product: { id: "a/b" }, stock: { available: 3 } });
  assert.deepEqual(await productView("a/b"), { product: { id: "a/b" }, stock: { available: 3 } });
  assert.deepEqual(asked.map(({ url }) => url), ["/web/products/a%2Fb"]);
});

test("an order's page is one call", async () => {
  serve({ order: { id: "7" }, invoice: { number: "I-1" } });
  assert.equal((await orderView("7")).invoice.number, "I-1");
  assert.deepEqual(asked.map(({ url }) => url), ["/web/orders/7"]);
});

test("who is away is named as a person knows it", async () => {
  serve({ code: "TW-3021" }, { status: 404 });
  await assert.rejects(productView("1"), { kind: "missing", service: "catalog" });
  await assert.rejects(orderView("1"), { kind: "missing", service: "ordering" });
});

test("on another day only what has a past is asked for", async () => {
  moment.set("2017-03-12");
  serve({ id: "1" }, { headers: { "Tradewind-As-Of": "2017-03-12T23:59:59.999999Z" } });
  assert.deepEqual(await productView("1"), { product: { id: "1" } });
  assert.deepEqual(await orderView("1"), { order: { id: "1" } });
  assert.deepEqual(asked.map(({ url }) => url.split("?")[0]), ["/web/catalog/products/1", "/web/ordering/orders/1"]);
});

test("what was brought along is used once", async () => {
  const load = first({ brought: true }, async () => ({ brought: false }));
  assert.deepEqual([await load(), await load()], [{ brought: true }, { brought: false }]);
  assert.deepEqual(await first(undefined, async () => "loaded")(), "loaded");
});
