// The cart. It works without any service; the catalogue is only asked whether a price has changed.

import { cart } from "../cart.js";
import { productById } from "../catalog.js";
import { h, put } from "../dom.js";
import { money, plural } from "../format.js";
import { moment } from "../moment.js";
import { checkPrices } from "../prices.js";
import { announce } from "../shell.js";
import { pastNotice } from "../views/buying.js";
import { empty, notice } from "../views/notice.js";
import { sizeOf, tile } from "../views/product-card.js";
import { quantityField } from "../views/quantity.js";

export function cartPage({ signal }) {
  const heading = h("h1", { tabindex: -1 }, "Your cart");
  const body = h("div");
  const news = h("div");
  const past = h("div");
  const sum = summary();
  let rows = new Map();
  const refresh = () => {
    const lines = cart.lines;
    // Only a change of which products there are draws the list anew, so that a quantity keeps the focus.
    if (!body.firstChild || lines.map((line) => line.id).join() !== [...rows.keys()].join()) {
      rows = new Map(lines.map((line) => [line.id, cartLine(line, heading)]));
      put(body, lines.length ? filled([...rows.values()], sum) : nothing());
    }
    for (const line of lines) rows.get(line.id).show(line);
    sum.show();
  };
  cart.addEventListener("change", refresh);
  signal.addEventListener("abort", () => cart.removeEventListener("change", refresh));
  const turn = () => {
    put(past, moment.isPast ? pastNotice("Your cart is of today", `It waits for you; nothing can be ordered on ${moment.label}.`) : null);
    sum.show();
  };
  moment.addEventListener("change", turn, { signal });
  refresh();
  turn();
  if (moment.isPast) return { title: "Cart", node: [heading, past, body] };
  // When the catalogue cannot be asked, the old price stands, and ordering will say so if it is no longer right.
  checkPrices((id) => productById(id, signal)).then((changes) => {
    if (!changes.length || signal.aborted) return;
    put(news, notice("warn", "Something has changed since you put it in", changes.join(" ")));
    announce(changes.join(" "));
  });
  return { title: "Cart", node: [heading, past, news, body] };
}

const nothing = () => empty("cart", "Your cart is empty", "Whatever you add is kept in this browser, also when you come back tomorrow.", h("a", { class: "button", href: "/" }, "Find something good"));

const filled = (rows, sum) => h("div", { class: "split" },
  h("section", { class: "card", "aria-label": "Products in the cart" }, h("ul", { class: "lines" }, rows.map((row) => row.node))),
  sum.node);

function summary() {
  const units = h("dt");
  const goods = h("dd", { class: "money" });
  const total = h("dd", { class: "money total", "data-total": true });
  const checkout = h("a", { class: "button big wide", href: "/checkout", "data-testid": "to-checkout" }, "Check out");
  return {
    node: h("aside", { class: "card summary", "aria-label": "Sum" },
      h("dl", {}, units, goods, h("dt", {}, "Delivery"), h("dd", {}, "Free"), h("dt", { class: "total" }, "Total"), total),
      checkout,
      h("p", { class: "muted small" }, "The price that counts is the one at the moment of ordering: if it is another one by then, you are asked first.")),
    show() {
      units.textContent = plural(cart.units, "item");
      goods.textContent = money(cart.total);
      total.textContent = money(cart.total);
      checkout.hidden = cart.units === 0 || moment.isPast;
    },
  };
}

function cartLine(product, heading) {
  const { id, name } = product;
  const size = sizeOf(product);
  const quantity = quantityField({ value: 1, name, onChange: (value) => cart.setQuantity(id, value) });
  const price = h("p", { class: "muted small" });
  const total = h("span", { class: "money line-total" });
  const remove = () => {
    cart.remove(id);
    announce(`${name} removed`);
    heading.focus();
  };
  const node = h("li", { "data-line": id },
    tile(product),
    h("div", { class: "line-text" },
      h("a", { class: "line-name", href: `/product/${encodeURIComponent(id)}` }, name),
      price,
      h("button", { class: "link-button danger", type: "button", onclick: remove, "aria-label": `Remove ${name}` }, "Remove")),
    quantity.node,
    total);
  return {
    node,
    show(line) {
      node.classList.toggle("gone", Boolean(line.gone));
      price.textContent = line.gone ? "No longer sold" : `${money(line.price_cents)} each${size ? ` · ${size}` : ""}`;
      quantity.node.hidden = Boolean(line.gone);
      quantity.value = line.quantity;
      total.textContent = line.gone ? "" : money(line.price_cents * line.quantity);
    },
  };
}
