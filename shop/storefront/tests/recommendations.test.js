import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forgetAll } from "./browser.js";
import { moment } from "../web/assets/js/moment.js";
import { similarTo } from "../web/assets/js/recommendations.js";

let asked;

function serve(answer) {
  asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    if (answer instanceof Error) throw answer;
    return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 });
  };
}

beforeEach(() => {
  forgetAll();
  moment.set(null);
});

test("similar products are products as a list shows them", async () => {
  serve({ body: { items: [{ product_id: "2", name: "Butter", department: "Dairy", price_cents: 299, orders_together: 4 }] } });
  assert.deepEqual(await similarTo("a/b", { limit: 3 }), [{ id: "2", name: "Butter", department: "Dairy", price_cents: 299, ordersTogether: 4 }]);
  assert.equal(asked[0].url, "/web/recommendations/products/a%2Fb/similar?limit=3");
  assert.equal(asked[0].headers["Tradewind-After"], undefined);
});

test("there are none where nobody can say, and no page is told of it", async () => {
  serve({ status: 404, body: { code: "TW-2004" } });
  assert.deepEqual(await similarTo("1"), []);
  serve({ status: 500, body: { code: "TW-2009" } });
  assert.deepEqual(await similarTo("1"), []);
});

test("a page that was left hears of it", async () => {
  const page = new AbortController();
  serve(new TypeError("no network"));
  const asking = similarTo("1", {}, page.signal);
  page.abort(new Error("left"));
  await assert.rejects(asking, { message: "left" });
});

test("another day has none, and is not asked for any", async () => {
  moment.set("2017-03-12");
  serve({ body: { items: [] } });
  assert.deepEqual(await similarTo("1"), []);
  assert.equal(asked.length, 0);
});
