import assert from "node:assert/strict";
import { test } from "node:test";

import { matchRoute } from "../web/assets/js/routes.js";

const routes = [
  { name: "home", path: /^\/$/ },
  { name: "list", path: /^\/orders$/ },
  { name: "order", path: /^\/orders\/(?<id>[^/]+)$/ },
  { name: "missing" },
];

const found = (path) => {
  const { route, params } = matchRoute(routes, path);
  return [route.name, params.id];
};

test("a path shows the page that it names, and every other path the last", () => {
  assert.deepEqual(found("/"), ["home", undefined]);
  assert.deepEqual(found("/orders"), ["list", undefined]);
  assert.deepEqual(found("/orders/7"), ["order", "7"]);
  for (const path of ["/orders/", "/orders/7/8", "/Orders", "//"]) assert.deepEqual(found(path), ["missing", undefined], path);
});

test("what stands in a path is decoded, where it can be", () => {
  assert.equal(found("/orders/a%2Fb%20c")[1], "a/b c");
  assert.equal(found("/orders/100%")[1], "100%");
});
