// The timeline of an order: six stages with their times, and what is told to a screen reader when one is reached.

import { h, put } from "../dom.js";
import { timeOf } from "../format.js";
import { icon } from "../icons.js";
import { stepsOf } from "../stages.js";

const SPOKEN = { done: "done", next: "waiting for this", ahead: "still to come", stopped: "the order ended here", never: "will not happen" };

export function stepper() {
  const node = h("ol", { class: "stages", "aria-label": "Stages of the order" });
  return {
    node,
    /** `fresh` is the event that has just come, to be pointed at. */
    show(timeline, fresh) {
      put(node, stepsOf(timeline).map((step) => stage(step, fresh)));
    },
  };
}

function stage(step, fresh) {
  const isFresh = fresh && (step.event === fresh || (step.state === "stopped" && fresh));
  return h("li", { class: `stage${isFresh ? " fresh" : ""}`, "data-event": step.event, "data-state": step.state, "aria-current": step.state === "next" ? "step" : null },
    h("span", { class: "stage-mark" }, icon(step.state === "done" ? "check" : step.icon)),
    h("span", { class: "stage-label" }, step.label, h("span", { class: "visually-hidden" }, `: ${SPOKEN[step.state]}`)),
    step.at ? h("time", { class: "stage-time", datetime: step.at }, timeOf(step.at)) : h("span", { class: "stage-time" }, step.state === "next" ? "any moment…" : ""),
    step.note && h("span", { class: "stage-note" }, step.note));
}
