// Boxes that say how things stand: an error with a way on, a hint, nothing there.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { Problem } from "../problem.js";

/** An error as a person understands it, with the button that tries again. */
export function errorNotice(error, retry, { title, compact } = {}) {
  const problem = error instanceof Problem ? error : new Problem("broken", { detail: String(error?.message ?? error) });
  const button = retry && h("button", { class: "button quiet", type: "button", onclick: retry, "data-testid": "retry" }, icon("retry"), "Try again");
  if (compact) return h("div", { class: "notice warn compact", role: "alert" }, icon("alert"), h("div", {}, compact), button);
  const code = problem.code ?? (problem.status ? `HTTP ${problem.status}` : null);
  return h("div", { class: `notice ${problem.kind === "behind" ? "warn" : "bad"}`, role: "alert" },
    icon("alert"),
    h("div", {},
      h("h2", {}, title ?? problem.title),
      h("p", {}, problem.advice),
      code && h("p", { class: "code" }, `Code for support: ${code}`)),
    button);
}

export function notice(tone, title, text, ...actions) {
  const mark = { ok: "check", info: "wind", warn: "alert", bad: "alert", past: "clock" }[tone];
  return h("div", { class: `notice ${tone}` }, icon(mark), h("div", {}, h("h2", {}, title), text && h("p", {}, text)), actions);
}

export function empty(iconName, title, text, ...actions) {
  return h("div", { class: "empty" }, icon(iconName), h("h2", {}, title), h("p", {}, text), actions.length ? h("div", { class: "row" }, actions) : null);
}
