// The orders of each day of a year, as a line of thin bars behind the slider. What is in the past of the chosen day is
// drawn a second time, in a stronger colour, and cut off at that day.

import { h, put, s } from "../dom.js";

const HEIGHT = 40;
const LEAST = 1.5;

export function histogram() {
  const node = h("div", { class: "histogram", "aria-hidden": "true" });
  return {
    node,
    show(orders) {
      const path = barsOf(orders);
      const drawing = (kind) => s("svg", { class: kind, viewBox: `0 0 ${orders.length} ${HEIGHT}`, preserveAspectRatio: "none" }, s("path", { d: path }));
      put(node, drawing("ahead"), drawing("behind"));
    },
    /** From 0 to 1. */
    set share(share) {
      node.style.setProperty("--share", share);
    },
  };
}

/** One path for all bars. A day without orders has none. */
export function barsOf(orders) {
  const most = Math.max(1, ...orders);
  return orders.map((many, day) => (many ? `M${day} ${HEIGHT}V${(HEIGHT - Math.max(LEAST, (many / most) * HEIGHT)).toFixed(1)}h.8V${HEIGHT}z` : "")).join("");
}
