// A drawing that is as wide as its place, drawn anew when that changes: its letters keep their size on every screen.

import { h, put } from "../dom.js";

/** `draw(width)` gives the drawing. */
export function fluid(draw, className = "") {
  const node = h("div", { class: `fluid ${className}` });
  let drawn;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    if (!width || width === drawn) return;
    drawn = width;
    put(node, draw(width));
  }).observe(node);
  return node;
}
