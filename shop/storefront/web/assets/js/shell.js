// The frame: tabs with the number of things in the cart, the search box, announcements, and short messages.

import { cart } from "./cart.js";
import { h, put } from "./dom.js";
import { icon } from "./icons.js";
import { go, here } from "./router.js";
import { pathOf, wantedOf } from "./wanted.js";

const DEBOUNCE_MS = 220;
const TOAST_MS = 4000;
const TABS = [
  { route: "home", href: "/", label: "Shop", icon: "shop" },
  { route: "orders", href: "/orders", label: "Orders", icon: "orders" },
  { route: "account", href: "/account", label: "Account", icon: "person" },
  { route: "sales", href: "/sales", label: "Sales", icon: "sales" },
  { route: "cart", href: "/cart", label: "Cart", icon: "cart" },
];
const TAB_OF_PAGE = { products: "home", product: "home", order: "orders", invoices: "account", invoice: "account", checkout: "cart" };

const byId = (id) => document.getElementById(id);

export function startShell() {
  put(byId("tabs"), TABS.map((tab) => h("a", { class: "tab", href: tab.href, "data-route": tab.route }, icon(tab.icon), h("span", {}, tab.label))));
  const badge = h("span", { class: "badge", hidden: true, "data-testid": "cart-count" });
  const cartTab = document.querySelector('.tab[data-route="cart"]');
  const spoken = h("span", { class: "visually-hidden" });
  cartTab.append(badge, spoken);
  const count = () => {
    const units = cart.units;
    badge.hidden = units === 0;
    badge.textContent = units;
    spoken.textContent = units ? (units === 1 ? " item" : " items") : ", empty";
  };
  cart.addEventListener("change", () => {
    count();
    badge.classList.remove("bump");
    requestAnimationFrame(() => badge.classList.add("bump"));
  });
  count();
  startSearchBox();
}

/** After each change of page: which tab is the present one, the title, and what the search box holds. */
export function showPlace({ route, query, title }) {
  document.title = title ? `${title} · Tradewind Market` : "Tradewind Market";
  const present = TAB_OF_PAGE[route] ?? route;
  for (const tab of document.querySelectorAll(".tab")) {
    if (tab.dataset.route === present) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  // What a message offered on the page before would only lie over this one.
  put(byId("toasts"));
  const box = byId("search");
  const q = route === "products" ? (query.q ?? "") : "";
  // What is being typed is what is searched for, but for a space that the next word may follow.
  if (box.value.trim() !== q.trim()) box.value = q;
}

function startSearchBox() {
  const box = byId("search");
  let timer;
  const search = () => {
    clearTimeout(timer);
    const { path, query } = here();
    const q = box.value.trim();
    const searching = path === "/products";
    if (searching ? q === (query.q ?? "") : !q) return;
    // The first letter makes an entry in the history, the following ones change it: "back" leaves the search at once,
    // to whatever was there before.
    go(pathOf({ ...(searching ? wantedOf(query) : {}), q }), { replace: searching && Boolean(query.q) });
    box.focus({ preventScroll: true });
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, DEBOUNCE_MS);
  });
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      const first = document.querySelector(".products .product a");
      if (first) {
        event.preventDefault();
        first.focus();
      }
    } else if (event.key === "Escape" && box.value) {
      event.preventDefault();
      box.value = "";
      search();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
}

/** Tells a screen reader, without showing anything. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** A short message that goes away by itself, with a link if there is somewhere to go. */
export function toast(text, link) {
  const message = h("div", { class: "toast" }, h("span", {}, text), link && h("a", { href: link.href }, link.label));
  put(byId("toasts"), message);
  setTimeout(() => message.remove(), TOAST_MS);
}
