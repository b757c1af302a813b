// The slider over a year's days: the browser's own, so that touch, mouse and keyboard work as everywhere, with the
// histogram behind it. Arrows go by a day, with Shift by a week; page up and down go by a month.

import { addMonths, shortMonth, spokenDay } from "../days.js";
import { h, put } from "../dom.js";
import { plural } from "../format.js";
import { histogram } from "./histogram.js";

const WEEK = 7;

/** `onPick(day)` hears every day that the handle passes. */
export function slider({ onPick }) {
  const input = h("input", { type: "range", class: "time-slider", min: 0, step: 1, "data-testid": "time-slider" });
  const bars = histogram();
  const months = h("ol", { class: "months", "aria-hidden": "true" });
  let year;

  const draw = () => {
    const index = Number(input.value);
    bars.share = year.many > 1 ? index / (year.orders.length - 1) : 1;
    input.setAttribute("aria-valuetext", `${spokenDay(year.dayAt(index))}, ${plural(year.orders[index], "order")}`);
  };
  const pick = (index) => {
    input.value = Math.max(0, Math.min(year.many - 1, index));
    draw();
    onPick(year.dayAt(Number(input.value)));
  };
  input.addEventListener("input", () => pick(Number(input.value)));
  input.addEventListener("keydown", (event) => {
    const to = target(event, Number(input.value), year);
    if (to === undefined) return;
    event.preventDefault();
    pick(to);
  });

  return {
    node: h("div", { class: "time-track" }, bars.node, input, months),
    /** Shows a year; a day of today or later is its end. */
    showYear(shown, number) {
      year = shown;
      input.max = year.orders.length - 1;
      input.setAttribute("aria-label", `Day of the year ${number}`);
      bars.show(year.orders);
      put(months, Array.from({ length: 12 }, (_, month) => h("li", {}, shortMonth(`${number}-${String(month + 1).padStart(2, "0")}`))));
    },
    showDay(day) {
      input.value = day ? Math.max(0, Math.min(year.many - 1, year.indexOf(day))) : year.many - 1;
      draw();
    },
    get isAtEnd() {
      return Number(input.value) >= year.many - 1;
    },
  };
}

// What the browser does by itself is left to it.
function target({ key, shiftKey }, index, year) {
  const month = (many) => year.indexOf(addMonths(year.dayAt(index), many));
  if (key === "PageUp") return month(1);
  if (key === "PageDown") return month(-1);
  if (!shiftKey) return undefined;
  if (key === "ArrowRight" || key === "ArrowUp") return index + WEEK;
  if (key === "ArrowLeft" || key === "ArrowDown") return index - WEEK;
  return undefined;
}
