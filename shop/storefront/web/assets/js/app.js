// The start: the frame, the pages, and which path shows which.

import { cartPage } from "./pages/cart.js";
import { checkoutPage } from "./pages/checkout.js";
import { missingPage } from "./pages/missing.js";
import { orderPage } from "./pages/order.js";
import { ordersPage } from "./pages/orders.js";
import { productPage } from "./pages/product.js";
import { salesPage } from "./pages/sales.js";
import { searchPage } from "./pages/search.js";
import { startRouter } from "./router.js";
import { showPlace, startShell } from "./shell.js";
import { startTimebar } from "./timebar/bar.js";
import { startTrail } from "./trail.js";

startShell();
startTimebar(document.getElementById("timebar"));
startTrail();
startRouter({
  outlet: document.getElementById("main"),
  afterChange: showPlace,
  routes: [
    { name: "search", path: /^\/$/, page: searchPage },
    { name: "product", path: /^\/product\/(?<id>[^/]+)$/, page: productPage },
    { name: "cart", path: /^\/cart$/, page: cartPage },
    { name: "checkout", path: /^\/checkout$/, page: checkoutPage },
    { name: "orders", path: /^\/orders$/, page: ordersPage },
    { name: "order", path: /^\/orders\/(?<id>[^/]+)$/, page: orderPage },
    { name: "sales", path: /^\/sales$/, page: salesPage },
    { name: "missing", page: missingPage },
  ],
});
