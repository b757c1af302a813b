// One product, those that are bought with it, and others of its kind. The others failing to load does not disturb the product.

import { findProducts } from "../catalog.js";
import { productView } from "../composed.js";
import { lookOf } from "../departments.js";
import { h } from "../dom.js";
import { money, readable } from "../format.js";
import { icon } from "../icons.js";
import { moment } from "../moment.js";
import { announce } from "../shell.js";
import { buyButton, pastNotice } from "../views/buying.js";
import { empty } from "../views/notice.js";
import { priceHistory } from "../views/price-history.js";
import { addToCart, nameOf, productBones, productCard, tile } from "../views/product-card.js";
import { quantityField } from "../views/quantity.js";
import { bone, region } from "../views/region.js";
import { reviews } from "../views/reviews.js";
import { similar } from "../views/similar.js";
import { rated } from "../views/stars.js";
import { stock } from "../views/stock.js";

export function productPage({ params, query, signal }) {
  // What of the page has a life of its own asks by itself when the moment changes, and is made once.
  let around;
  const page = { title: "Product" };
  const main = region({
    signal,
    label: "The product",
    load: (mine) => productView(params.id, mine),
    bones: () => h("div", { class: "detail" }, bone("100%", "20rem"), h("div", { class: "detail-text" }, bone("80%", "2rem"), bone("40%", "1.5rem"), bone("60%", "3rem"))),
    missing: () => {
      const title = moment.isPast ? "Not sold on that day" : "This product is not sold here";
      announce(title);
      return [h("h1", {}, title), moment.isPast ? pastNotice("It was not on sale", "It had not been listed by then, or had been taken off sale.")
        : empty("basket", "Not on sale", "It may have been taken off sale, or the address is mistyped.", h("a", { class: "button", href: "/" }, "Go to the shop"))];
    },
    show: ({ product, ...brought }) => {
      document.title = `${nameOf(product)} · Tradewind Market`;
      announce(nameOf(product));
      around ??= {
        prices: priceHistory(product, brought.prices, signal),
        stock: stock(product, brought.stock, signal),
        reviews: reviews(product, brought, query.review === "new", signal),
        similar: similar(product, brought.similar, signal),
        others: others(product, signal),
      };
      return [detail(product, around), around.similar, around.reviews, around.others];
    },
  });
  main.node.classList.add("page");
  return { ...page, node: main.node };
}

function detail(product, around) {
  const name = nameOf(product);
  const look = lookOf(product.department);
  const quantity = quantityField({ value: 1, name, onChange: () => {} });
  const fact = (term, value) => (value ? [h("dt", {}, term), h("dd", {}, value)] : []);
  return [
    h("nav", { "aria-label": "Breadcrumbs" }, h("ol", { class: "crumbs" },
      h("li", {}, h("a", { href: "/" }, "Shop")),
      h("li", {}, h("a", { href: `/products?${new URLSearchParams({ department: product.department })}` }, look.label)),
      h("li", { "aria-current": "page" }, name))),
    h("article", { class: "detail" },
      tile(product),
      h("div", { class: "detail-text" },
        h("p", { class: "eyebrow" }, readable(product.category) || look.label),
        h("h1", {}, name),
        product.reviews ? h("a", { class: "rated-link", href: "#reviews" }, rated(product)) : null,
        h("p", { class: "detail-price money" }, money(product.price_cents)),
        moment.isPast ? null : around.stock,
        moment.isPast ? pastNotice("Buying is off", `This is what it cost on ${moment.label}.`) : h("div", { class: "row" },
          quantity.node,
          buyButton({ label: "Add to cart", iconName: "cart", big: true, testid: "add-to-cart", onclick: () => addToCart(product, quantity.value) })),
        h("dl", { class: "facts" },
          fact("Department", look.label), fact("Kind", readable(product.type)), fact("Brand", readable(product.brand)),
          fact("Size", product.size?.toLowerCase()), fact("Product number", product.id)),
        around.prices)),
  ];
}

function others(product, signal) {
  const words = (product.category ?? "").replace(/[^A-Za-z ]+/g, " ").trim().split(" ").filter((word) => word.length > 2)[0];
  if (!words) return null;
  const list = region({
    signal,
    label: "More of this kind",
    compact: "More of this kind can't be shown right now.",
    load: (mine) => findProducts({ q: words, department: product.department, limit: 6 }, mine),
    bones: () => productBones(5),
    show: ({ items }) => {
      const rest = items.filter((item) => item.id !== product.id).slice(0, 5);
      return rest.length ? h("section", { class: "stack", "aria-label": "More of this kind" }, h("h2", {}, "More of this kind"), h("ul", { class: "products" }, rest.map(productCard))) : [];
    },
  });
  return list.node;
}
