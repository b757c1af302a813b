// Things by how much: a list of bars, the longest first.

import { h } from "../dom.js";

/** `items` are `{ label, value, text, href? }`, in their order. */
export function ranking(items) {
  const best = Math.max(1, ...items.map(({ value }) => value));
  return h("ol", { class: "ranked" }, items.map(({ label, value, text, href }) => {
    const fill = h("div", { class: "fill" });
    fill.style.setProperty("--share", value / best);
    return h("li", {}, href ? h("a", { href }, label) : h("span", {}, label), h("div", { class: "track", "aria-hidden": "true" }, fill), h("span", { class: "money" }, text));
  }));
}
