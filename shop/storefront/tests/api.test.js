import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forgetAll } from "./browser.js";
import { command, get } from "../web/assets/js/api.js";
import { moment } from "../web/assets/js/moment.js";
import { placeOrder, priceOf } from "../web/assets/js/ordering.js";

let asked;

/** A service that gives these answers, one after the other, and the last one for ever. */
function serve(...answers) {
  asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    const { status = 200, body = {}, headers } = answer;
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  };
}

const accepted = { status: 201, headers: { "Tradewind-Position": "42", Location: "/web/ordering/orders/1" } };
const quick = { key: "k", pauses: [1, 1, 1] };

beforeEach(() => {
  forgetAll();
  moment.set(null);
});

test("each read model is asked for one's own write, whichever was read first", async () => {
  serve(accepted);
  await command("/web/ordering/orders", {}, quick);
  serve({ body: { items: [] }, headers: { "Tradewind-Position": "42" } });
  await get("/web/ordering/orders/1");
  await get("/web/ordering/customers/7/orders");
  await get("/web/catalog/products");
  assert.deepEqual(asked.map(({ headers }) => headers["Tradewind-After"]), ["42", "42", undefined]);
});

test("a write is asked for only for a while, and a lower position never replaces a higher one", async (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  serve(accepted, { ...accepted, headers: { "Tradewind-Position": "41" } }, {});
  await command("/web/ordering/orders", {}, quick);
  await command("/web/ordering/orders", {}, quick);
  await get("/web/ordering/orders/1");
  context.mock.timers.tick(3 * 60 * 1000);
  await get("/web/ordering/orders/1");
  assert.deepEqual(asked.slice(2).map(({ headers }) => headers["Tradewind-After"]), ["42", undefined]);
});

test("ordering's prices are not asked for at ordering's positions: they come from the catalogue's", async () => {
  serve(accepted, { body: { price_cents: 259 } });
  await placeOrder({ orderId: "1", customerId: "7", lines: [], totalCents: 518, key: "k" });
  assert.equal(JSON.parse(asked[0].body).expected_total_cents, 518);
  assert.equal((await priceOf("a/b")).price_cents, 259);
  assert.equal(asked[1].url, "/web/ordering/products/a%2Fb");
  assert.equal(asked[1].headers["Tradewind-After"], undefined);
});

test("a command is sent again, under its key, until somebody answers", async () => {
  serve(new TypeError("no network"), { status: 503, body: { code: "TW-2006" } }, accepted);
  const tries = [];
  const done = await command("/web/ordering/orders", {}, { ...quick, onRetry: (times) => tries.push(times) });
  assert.deepEqual(done, { position: 42, location: "/web/ordering/orders/1" });
  assert.deepEqual(tries, [1, 2]);
  assert.deepEqual(asked.map(({ headers }) => headers["Idempotency-Key"]), ["k", "k", "k"]);
});

test("a refusal is final, and says which rule it was", async () => {
  serve({ status: 409, body: { code: "TW-2001", reason: "total-changed", detail: "this costs more now" } });
  await assert.rejects(command("/web/ordering/orders", {}, quick), { kind: "refused", reason: "total-changed", message: "this costs more now" });
  assert.equal(asked.length, 1);
});

test("a query ends with its page, and is not tried again", async () => {
  const page = new AbortController();
  serve(new TypeError("no network"));
  const asking = get("/web/catalog/products", { signal: page.signal, pauses: [60_000] });
  page.abort(new Error("left"));
  await assert.rejects(asking, { message: "left" });
  assert.equal(asked.length, 1);
});

test("parameters that say nothing are left out", async () => {
  serve({ body: {} });
  await get("/web/catalog/products", { params: { q: "a&b", department: undefined, after: null, limit: "" } });
  await get("/web/catalog/products", { params: {} });
  assert.deepEqual(asked.map(({ url }) => url), ["/web/catalog/products?q=a%26b", "/web/catalog/products"]);
});

test("every query of another day carries it, but those that are timeless, and waits for no write", async () => {
  serve(accepted);
  await command("/web/ordering/orders", {}, quick);
  moment.set("2017-03-12");
  serve({ body: {}, headers: { "Tradewind-As-Of": "2017-03-12T23:59:59.999999Z" } });
  await get("/web/ordering/orders/1", { params: { limit: 2 } });
  await get("/web/ordering/sales", { timeless: true });
  assert.deepEqual(asked.map(({ url }) => url), ["/web/ordering/orders/1?limit=2&as_of=2017-03-12T23%3A59%3A59.999999Z", "/web/ordering/sales"]);
  assert.deepEqual(asked.map(({ headers }) => headers["Tradewind-After"]), [undefined, "42"]);
});

test("today's answer is not taken for that of another day", async () => {
  moment.set("2017-03-12");
  serve({ body: {} });
  await assert.rejects(get("/web/catalog/products"), { kind: "timeless" });
  assert.equal(asked.length, 1);
});

test("nothing is done to the past", async () => {
  moment.set("2017-03-12");
  serve(accepted);
  await assert.rejects(command("/web/ordering/orders", {}, quick), { kind: "past" });
  assert.equal(asked.length, 0);
});
