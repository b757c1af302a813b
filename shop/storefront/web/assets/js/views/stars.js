// Stars of five, filled to a tenth, with the words for who does not see them.

import { h, s } from "../dom.js";

const STAR = "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.600 9.700l5.8-.8z";

export function stars(value) {
  const row = (kind) => s("svg", { class: kind, viewBox: "0 0 120 24", "aria-hidden": "true" },
    [0, 1, 2, 3, 4].map((at) => s("path", { d: STAR, transform: `translate(${at * 24} 0)` })));
  const node = h("span", { class: "stars", role: "img", "aria-label": `${Number(value.toFixed(1))} of 5 stars` }, row("empty-stars"), row("full-stars"));
  node.style.setProperty("--filled", `${(value / 5) * 100}%`);
  return node;
}

/** Stars and how many reviews they come from; nothing where there are none. */
export function rated({ rating, reviews }) {
  if (!reviews) return null;
  return h("span", { class: "rated" }, stars(rating), h("span", { class: "muted small", "aria-hidden": "true" }, `${reviews}`), h("span", { class: "visually-hidden" }, ` from ${reviews} ${reviews === 1 ? "review" : "reviews"}`));
}
