// A value that holds until the next one, such as a price over time.

import { dateOf, money } from "../format.js";
import { s } from "../dom.js";
import { fluid } from "./fluid.js";
import { around, horizon, linear } from "./scale.js";

const HEIGHT = 132;
const LEFT = 52;
const BOTTOM = 24;
const TOP = 10;

/**
 * `points` are `{ at, cents, until }`, the earliest first; the last holds until `now`, all in milliseconds. What has held
 * for long is not drawn all the way: `open` stands there then, in place of a date.
 */
export function steps({ points, now, open, label, point }) {
  const last = points.at(-1);
  const end = horizon(points[0].at, last.until ?? last.at, now);
  return fluid((width) => {
    const [low, high] = around(points.map(({ cents }) => cents));
    const x = linear([points[0].at, end], [LEFT, width - 8]);
    const y = linear([low, high], [HEIGHT - BOTTOM, TOP]);
    const until = (at) => points[at].until ?? end;
    const path = points.map(({ at, cents }, index) => `${index && points[index - 1].until === at ? "V" : `M${x(at).toFixed(1)} `}${y(cents).toFixed(1)}H${x(until(index)).toFixed(1)}`).join("");
    const levels = [...new Set([Math.min, Math.max].map((pick) => pick(...points.map(({ cents }) => cents))))];
    const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label },
      levels.map((cents) => [s("line", { class: "grid", x1: LEFT, x2: width, y1: y(cents), y2: y(cents) }), s("text", { x: LEFT - 8, y: y(cents) + 4, "text-anchor": "end" }, money(cents))]),
      s("path", { class: "steps", d: path }),
      points.slice(1).map(({ at, cents }) => s("circle", { class: "dot", cx: x(at), cy: y(cents), r: 3.5 })),
      s("text", { x: LEFT, y: HEIGHT - 6 }, dateOf(points[0].at)),
      s("text", { x: width - 8, y: HEIGHT - 6, "text-anchor": "end" }, end < now && last.until === null ? open : dateOf(end)));
    svg.addEventListener("pointermove", (event) => {
      const place = event.clientX - svg.getBoundingClientRect().left;
      const held = points.findLast(({ at }) => x(at) <= place) ?? points[0];
      point(`${money(held.cents)} from ${dateOf(held.at)}`);
    });
    svg.addEventListener("pointerleave", () => point());
    return svg;
  });
}
