// The button under a list of which there is more.

import { h, put } from "../dom.js";
import { errorNotice } from "./notice.js";

/** `load(after, signal)` gives the next page, `row(item)` its elements; the first new one gets the focus. */
export function moreButton({ list, next, signal, load, row, label }) {
  const holder = h("div", { class: "more" });
  const button = h("button", { class: "button quiet", type: "button", onclick: more }, label);
  async function more() {
    button.disabled = true;
    try {
      const page = await load(next, signal);
      const rows = page.items.map(row);
      list.append(...rows);
      const first = rows[0]?.querySelector("a, button") ?? rows[0];
      first?.focus({ preventScroll: true });
      next = page.next;
      put(holder, next ? button : null);
    } catch (error) {
      if (!signal.aborted) put(holder, errorNotice(error, more));
    } finally {
      button.disabled = false;
    }
  }
  return put(holder, button);
}
