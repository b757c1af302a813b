// A product as it stands in a list, and the coloured tile that stands for its picture.

import { cart } from "../cart.js";
import { h } from "../dom.js";
import { money, readable } from "../format.js";
import { icon } from "../icons.js";
import { pictureOf } from "../pictures.js";
import { toast } from "../shell.js";
import { buyButton } from "./buying.js";
import { bone } from "./region.js";
import { rated } from "./stars.js";

export const nameOf = (product) => readable(product.name || product.type || product.category) || `Product ${product.id}`;

// Many names end with the size already.
export const sizeOf = ({ name, size }) => (size && !name?.endsWith(size) ? size.toLowerCase() : null);

export function tile(product) {
  const picture = pictureOf(product);
  const element = h("div", { class: "tile", "aria-hidden": "true" }, icon(picture.icon));
  element.style.setProperty("--hue", picture.hue);
  return element;
}

export function addToCart(product, quantity = 1) {
  cart.add({ ...product, name: nameOf(product) }, quantity);
  toast(`${nameOf(product)} is in your cart`, { href: "/cart", label: "See cart" });
}

export function productCard(product) {
  const name = nameOf(product);
  const facts = [readable(product.category), sizeOf(product)].filter(Boolean).join(" · ");
  return h("li", { class: "product", "data-product": product.id },
    tile(product),
    h("div", { class: "product-body" },
      h("h3", {}, h("a", { href: `/product/${encodeURIComponent(product.id)}` }, name)),
      h("p", { class: "muted small" }, facts),
      rated(product)),
    h("div", { class: "product-foot" },
      h("span", { class: "money" }, money(product.price_cents)),
      buyButton({ label: "Add", spoken: `Add ${name} to the cart`, iconName: "plus", onclick: () => addToCart(product) })));
}

export const productBones = (many = 8) => h("ul", { class: "products", "aria-hidden": "true" }, Array.from({ length: many }, () =>
  h("li", { class: "product" }, bone("100%", "8rem"), h("div", { class: "product-body" }, bone("80%", "1.1rem"), bone("50%", "0.9rem")), h("div", { class: "product-foot" }, bone("4rem", "1.3rem")))));
