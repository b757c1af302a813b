// What opens under the bar: the slider over a year, a field for a date, the years, and the button that lets time run.

import { addDays, isDay, today } from "../days.js";
import { h, put } from "../dom.js";
import { icon } from "../icons.js";
import { moment } from "../moment.js";
import { sales } from "../ordering.js";
import { pending } from "../pending.js";
import { travel } from "../router.js";
import { player } from "./player.js";
import { slider } from "./slider.js";
import { busiestYear, daysOf, yearsOf } from "./years.js";

const DEBOUNCE_MS = 160;
const STEP_DAYS = 7;
const PLAY = "Let the year run";
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

/** `onPick(day)` hears of days before the page goes there. */
export function timeline({ onPick }) {
  let items = [];
  let isAsked = false;
  let year;
  let timer;
  const track = slider({ onPick: (day) => pick(day) });
  const date = h("input", { type: "date", id: "time-date", max: addDays(today(), -1), "data-testid": "time-date" });
  const years = h("div", { class: "segments years", role: "group", "aria-label": "Year" });
  const playWord = h("span");
  const play = h("button", { class: "button play", type: "button", "data-testid": "time-play", onclick: () => (run.isRunning ? run.stop() : start()) }, h("span", { class: "play-icon" }), playWord);
  const trouble = h("p", { class: "muted small", hidden: true }, "How many orders each day had can't be shown right now; going to a day works all the same.");

  const run = player({
    beatMs: isCalm.matches ? 1500 : 420,
    settled: (signal) => pending.settled(signal),
    advance() {
      if (track.isAtEnd && moment.isPast) return false;
      arrive(moment.isPast ? addDays(moment.day, STEP_DAYS) : year.first);
      return true;
    },
    onState(isRunning) {
      put(play.firstChild, icon(isRunning ? "pause" : "play"));
      playWord.textContent = isRunning ? "Pause" : PLAY;
    },
  });
  const start = () => {
    if (track.isAtEnd) arrive(year.first);
    run.start();
  };

  // The handle moves at once; the shop follows when it rests.
  function pick(day) {
    run.stop();
    onPick(day);
    date.value = day;
    clearTimeout(timer);
    timer = setTimeout(() => travel(day), DEBOUNCE_MS);
  }
  function arrive(day) {
    const last = year.dayAt(year.many - 1);
    travel(day > last ? last : day);
  }
  function showYear(number) {
    year = daysOf(number, items);
    track.showYear(year, number);
    const all = yearsOf(items, `${number}`);
    years.hidden = all.length < 2;
    put(years, all.map((each) => h("button", { type: "button", "aria-pressed": String(each === number), onclick: () => leap(each) }, String(each))));
    track.showDay(moment.day);
  }
  function leap(number) {
    const day = moment.day ?? `${number}-12-31`;
    const there = `${number}${day.slice(4)}`;
    arriveIn(number, isDay(there) ? there : `${number}-02-28`);
    years.querySelector('[aria-pressed="true"]')?.focus();
  }
  function arriveIn(number, day) {
    run.stop();
    showYear(number);
    arrive(day);
  }
  function show() {
    clearTimeout(timer);
    if (!moment.isPast) run.stop();
    const number = moment.isPast ? Number(moment.day.slice(0, 4)) : busiestYear(items);
    if (!year || !year.first.startsWith(String(number))) showYear(number);
    track.showDay(moment.day);
    date.value = moment.day ?? "";
  }
  date.addEventListener("change", () => {
    if (!isDay(date.value) || !date.validity.valid) return;
    run.stop();
    travel(date.value);
  });
  moment.addEventListener("change", show);
  run.stop();
  put(play.firstChild, icon("play"));
  playWord.textContent = PLAY;
  show();

  return {
    node: h("div", { class: "timeline-panel", id: "time-panel", hidden: true },
      h("div", { class: "timeline-inner" }, track.node,
        h("div", { class: "time-controls" }, play, years, h("div", { class: "time-date" }, h("label", { for: "time-date" }, "Day"), date)), trouble)),
    stop: () => run.stop(),
    /** The days' orders are asked for once somebody looks, and of today, whatever day the shop is shown as of. */
    async load() {
      if (isAsked) return;
      isAsked = true;
      try {
        ({ items } = await sales({ by: "day" }, undefined, { timeless: true }));
        trouble.hidden = true;
        if (items.length) date.min = items[0].key;
        year = undefined;
        show();
      } catch {
        trouble.hidden = false;
        isAsked = false;
      }
    },
  };
}
