// The slim bar below the header: as of when the shop is shown, the timeline that opens under it, and the way back.

import { namedDay } from "../days.js";
import { h, put } from "../dom.js";
import { icon } from "../icons.js";
import { moment } from "../moment.js";
import { pending } from "../pending.js";
import { travel } from "../router.js";
import { announce } from "../shell.js";
import { timeline } from "./timeline.js";

const PAST = "You see the shop as of ";
const REST_MS = 900;

export function startTimebar(bar) {
  const words = h("span", { "data-testid": "as-of" });
  const panel = timeline({ onPick: (day) => { words.textContent = PAST + namedDay(day); } });
  const clock = icon("clock");
  const wait = h("span", { class: "spinner", "aria-hidden": "true" });
  const opener = h("button", { class: "time-opener", type: "button", "aria-expanded": "false", "aria-controls": "time-panel", "data-testid": "time-open", onclick: toggle }, clock, wait, words, icon("down"));
  const back = h("button", { class: "time-back", type: "button", "data-testid": "back-to-now", onclick: returnToNow }, "Back to now");

  let telling;

  function toggle() {
    const opens = panel.node.hidden;
    panel.node.hidden = !opens;
    opener.setAttribute("aria-expanded", String(opens));
    if (opens) panel.load();
    else panel.stop();
  }
  function returnToNow() {
    travel(null);
    opener.focus();
  }
  function show() {
    words.textContent = moment.isPast ? PAST + moment.label : "See the shop as of another day";
    back.hidden = !moment.isPast;
    document.documentElement.toggleAttribute("data-past", moment.isPast);
    if (moment.isPast) panel.load();
  }
  const showWait = () => {
    wait.hidden = !(moment.isPast && pending.isBusy);
    clock.toggleAttribute("hidden", !wait.hidden);
  };
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.node.hidden) return;
    toggle();
    opener.focus();
  });
  moment.addEventListener("change", () => {
    show();
    // Not every day that is passed: where it comes to rest.
    clearTimeout(telling);
    telling = setTimeout(() => announce(moment.isPast ? `You see the shop as of ${moment.label}. Buying is off.` : "You see the shop as of now."), REST_MS);
  });
  pending.addEventListener("change", showWait);
  put(bar, h("div", { class: "time-line" }, opener, back), panel.node);
  show();
  showWait();
}

