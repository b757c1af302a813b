// The start: the frame, the pages, and which path shows which.

import { accountPage } from "./pages/account.js";
import { cartPage } from "./pages/cart.js";
import { checkoutPage } from "./pages/checkout.js";
import { homePage } from "./pages/home.js";
import { invoicePage } from "./pages/invoice.js";
import { invoicesPage } from "./pages/invoices.js";
import { missingPage } from "./pages/missing.js";
import { orderPage } from "./pages/order.js";
import { ordersPage } from "./pages/orders.js";
import { productPage } from "./pages/product.js";
import { productsPage } from "./pages/products.js";
import { salesPage } from "./pages/sales.js";
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
    { name: "home", path: /^\/$/, page: homePage },
    { name: "products", path: /^\/products$/, page: productsPage },
    { name: "product", path: /^\/product\/(?<id>[^/]+)$/, page: productPage },
    { name: "cart", path: /^\/cart$/, page: cartPage },
    { name: "checkout", path: /^\/checkout$/, page: checkoutPage },
    { name: "orders", path: /^\/orders$/, page: ordersPage },
    { name: "order", path: /^\/orders\/(?<id>[^/]+)$/, page: orderPage },
    { name: "account", path: /^\/account$/, page: accountPage },
    { name: "invoices", path: /^\/invoices$/, page: invoicesPage },
    { name: "invoice", path: /^\/invoices\/(?<number>[^/]+)$/, page: invoicePage },
    { name: "sales", path: /^\/sales$/, page: salesPage },
    { name: "missing", page: missingPage },
  ],
});
