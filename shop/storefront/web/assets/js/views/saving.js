// A form that saves by one command: sent once however often it is pressed, and told how it went.

import { h, put } from "../dom.js";
import { newId } from "../ids.js";
import { announce } from "../shell.js";
import { errorNotice } from "./notice.js";

/**
 * `check()` says whether all is well, `save(key)` sends it, `saved()` goes on. The key stays the same until that has
 * happened or what is sent has changed, so that another try is the same command.
 */
export function savingForm({ fields, label, check, save, saved, done, cancel }) {
  const outcome = h("div");
  const button = h("button", { class: "button", type: "submit" }, label);
  let key = newId();
  let underWay = false;
  async function submit(event) {
    event?.preventDefault();
    if (underWay || !check()) return;
    underWay = true;
    button.setAttribute("aria-disabled", "true");
    put(outcome, h("p", { class: "muted", role: "status" }, "Saving…"));
    try {
      await save(key);
      key = newId();
      put(outcome);
      announce(done);
      saved();
    } catch (error) {
      put(outcome, errorNotice(error, error.transient ? submit : null, { title: error.transient ? undefined : "That was not saved" }));
    } finally {
      underWay = false;
      button.removeAttribute("aria-disabled");
    }
  }
  const form = h("form", { class: "stack", novalidate: true, onsubmit: submit }, fields,
    h("div", { class: "row" }, button, cancel ? h("button", { class: "button quiet", type: "button", onclick: cancel }, "Cancel") : null), outcome);
  form.addEventListener("input", () => { key = newId(); });
  return form;
}
