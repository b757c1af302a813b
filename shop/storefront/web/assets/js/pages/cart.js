// The cart. It works without any service; the catalogue is only asked whether a price has changed.

import { cart } from "../cart.js";
import { productById } from "../catalog.js";
import { h, put } from "../dom.js";
import { money, plural } from "../format.js";
import { announce } from "../shell.js";
import { empty, notice } from "../views/notice.js";
import { tile } from "../views/product-card.js";
import { quantityField } from "../views/quantity.js";

export function cartPage({ signal }) {
  const body = h("div");
  const news = h("div");
  // Only a change of which products there are draws the list anew, so that a quantity keeps the focus.
  let drawn;
  const refresh = () => {
    const products = cart.lines.map((line) => line.id).join();
    if (products !== drawn) put(body, cart.lines.length ? filled() : nothing());
    drawn = products;
    for (const amount of body.querySelectorAll("[data-line-total]")) {
      const line = cart.lines.find((line) => line.id === amount.dataset.lineTotal);
      if (line) amount.textContent = money(line.price_cents * line.quantity);
    }
    for (const total of body.querySelectorAll("[data-total]")) total.textContent = money(cart.total);
    for (const units of body.querySelectorAll("[data-units]")) units.textContent = plural(cart.units, "item");
  };
  cart.addEventListener("change", refresh);
  signal.addEventListener("abort", () => cart.removeEventListener("change", refresh));
  refresh();
  checkPrices(signal, (changed) => put(news, notice("warn", "Prices have changed", `The new price is shown for: ${changed.join(", ")}.`)));
  return { title: "Cart", node: [h("h1", {}, "Your cart"), news, body] };
}

const nothing = () => empty("cart", "Your cart is empty", "Whatever you add is kept in this browser, also when you come back tomorrow.", h("a", { class: "button", href: "/" }, "Find something good"));

function filled() {
  return h("div", { class: "split" },
    h("section", { class: "card", "aria-label": "Products in the cart" }, h("ul", { class: "lines" }, cart.lines.map(cartLine))),
    h("aside", { class: "card summary", "aria-label": "Sum" },
      h("dl", {}, h("dt", { "data-units": true }), h("dd", { class: "money", "data-total": true }), h("dt", {}, "Delivery"), h("dd", {}, "Free"), h("dt", { class: "total" }, "Total"), h("dd", { class: "money total", "data-total": true })),
      h("a", { class: "button big wide", href: "/checkout", "data-testid": "to-checkout" }, "Check out"),
      h("p", { class: "muted small" }, "The price that counts is the one at the moment of ordering.")));
}

function cartLine(line) {
  const quantity = quantityField({ value: line.quantity, name: line.name, onChange: (value) => cart.setQuantity(line.id, value) });
  const remove = () => {
    cart.remove(line.id);
    announce(`${line.name} removed`);
    document.querySelector("h1")?.focus();
  };
  return h("li", { "data-line": line.id },
    tile(line),
    h("div", { class: "line-text" },
      h("a", { class: "line-name", href: `/product/${encodeURIComponent(line.id)}` }, line.name),
      h("p", { class: "muted small" }, `${money(line.price_cents)} each${line.size ? ` · ${line.size.toLowerCase()}` : ""}`),
      h("button", { class: "link-button danger", type: "button", onclick: remove, "aria-label": `Remove ${line.name}` }, "Remove")),
    quantity.node,
    h("span", { class: "money line-total", "data-line-total": line.id }));
}

// A cart may be days old. When the catalogue cannot be asked, the old price stands and ordering will tell the right one.
async function checkPrices(signal, tell) {
  const lines = cart.lines;
  const answers = await Promise.allSettled(lines.map((line) => productById(line.id, signal)));
  const changed = lines.filter((line, at) => Number.isFinite(answers[at].value?.price_cents) && answers[at].value.price_cents !== line.price_cents);
  for (const line of changed) cart.setPrice(line.id, answers[lines.indexOf(line)].value.price_cents);
  if (changed.length && !signal.aborted) tell(changed.map((line) => line.name));
}
