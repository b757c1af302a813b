// Values side by side, such as the sales of days or months.

import { s } from "../dom.js";
import { fluid } from "./fluid.js";
import { everyNth, linear, niceTop } from "./scale.js";

const HEIGHT = 260;
const LEFT = 58;
const BOTTOM = 28;
const TOP = 12;

/**
 * `points` are `{ value, tick, text }`: a point with a `tick` has it below, and `text` is what the pointer reads.
 * `label` says what is seen, `format` makes text of a value on the axis.
 */
export function columns({ points, label, format, point }) {
  return fluid((width) => {
    const top = niceTop(Math.max(...points.map(({ value }) => value), 1));
    const y = linear([0, top], [HEIGHT - BOTTOM, TOP]);
    const step = (width - LEFT) / points.length;
    const gap = step > 12 ? step * 0.3 : step > 3 ? 1 : 0.15;
    const lines = [0, 0.5, 1].map((part) => [
      s("line", { class: "grid", x1: LEFT, x2: width, y1: y(top * part), y2: y(top * part) }),
      s("text", { x: LEFT - 8, y: y(top * part) + 4, "text-anchor": "end" }, format(top * part)),
    ]);
    const bars = points.map(({ value }, at) => s("rect", { class: "bar", x: LEFT + at * step + gap / 2, width: Math.max(0.7, step - gap), y: y(value), height: value ? Math.max(1, y(0) - y(value)) : 0, rx: Math.min(4, step / 5) }));
    const hover = s("rect", { class: "hover", y: TOP, width: step, height: HEIGHT - BOTTOM - TOP, visibility: "hidden" });
    const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label }, lines, hover, bars, ticks(points, step, width));
    const leave = () => {
      hover.setAttribute("visibility", "hidden");
      point();
    };
    svg.addEventListener("pointermove", (event) => {
      const at = Math.floor((event.clientX - svg.getBoundingClientRect().left - LEFT) / step);
      if (!points[at]) return leave();
      hover.setAttribute("x", LEFT + at * step);
      hover.setAttribute("visibility", "visible");
      point(points[at].text);
    });
    svg.addEventListener("pointerleave", leave);
    return svg;
  });
}

function ticks(points, step, width) {
  const named = points.map(({ tick }, at) => ({ tick, x: LEFT + at * step })).filter(({ tick }) => tick);
  const nth = everyNth(named.length, width - LEFT, 40);
  // Where each column has its name it stands below its middle; else below where it begins.
  const inside = named.length === points.length ? step / 2 : 0;
  return named.filter((_, at) => at % nth === 0).map(({ tick, x }) => s("text", { x: x + inside, y: HEIGHT - 8, "text-anchor": inside ? "middle" : "start" }, tick));
}
