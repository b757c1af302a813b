// A part of a page that loads by itself: while it waits, is slow or fails, the rest of the page goes on working.

import { h, put } from "../dom.js";
import { moment } from "../moment.js";
import { pending } from "../pending.js";
import { errorNotice } from "./notice.js";

const SLOW_MS = 2500;
const AGAIN_MS = 5000;
const RETRY = "tradewind:retry";

/**
 * `load(signal)` fetches, `show(data)` gives the nodes, `bones` are shown meanwhile, and `compact` is one line for a
 * failure that deserves no more; `missing()` gives the nodes for a thing that does not exist, where an error would say too
 * little. `region.reload()` does it anew; what is still on its way for an earlier load is dropped.
 *
 * After a failure that may pass it tries again by itself, and its button lets every failed region on the page try. When
 * the shop is shown as of another moment it loads anew, and what it shows stays until the other is there.
 */
export function region({ signal, load, show, missing, bones, label, compact }) {
  const node = h("div", { class: "region", "aria-busy": "false" });
  let turn;
  let failed = false;

  async function reload({ quietly = false } = {}) {
    turn?.abort();
    turn = new AbortController();
    const mine = AbortSignal.any([signal, turn.signal]);
    const slow = h("p", { class: "slow", role: "status" });
    const timer = setTimeout(() => { slow.textContent = moment.isPast ? "Going back in time…" : `${label ?? "This"} takes longer than usual…`; }, SLOW_MS);
    const done = pending.begin();
    mine.addEventListener("abort", done);
    node.setAttribute("aria-busy", "true");
    if (!quietly) put(node, bones?.() ?? null, slow);
    try {
      const data = await load(mine);
      if (mine.aborted) return;
      failed = false;
      keepingFocus(node, () => put(node, show(data)));
    } catch (error) {
      if (mine.aborted) return;
      if (missing && error.kind === "missing") {
        failed = false;
        put(node, missing());
        return;
      }
      // An alert that is already there is not put there again: a screen reader would read it each time.
      if (!(quietly && failed)) put(node, errorNotice(error, () => document.dispatchEvent(new Event(RETRY)), { compact }));
      failed = true;
      if (error.transient) again(mine);
    } finally {
      clearTimeout(timer);
      done();
      if (!mine.aborted) node.setAttribute("aria-busy", "false");
    }
  }

  function again(mine) {
    const timer = setTimeout(() => reload({ quietly: true }), AGAIN_MS);
    mine.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  document.addEventListener(RETRY, () => { if (failed) reload(); }, { signal });
  moment.addEventListener("change", () => {
    failed = false;
    reload({ quietly: node.childElementCount > 0 });
  }, { signal });
  reload();
  // What is there stays while the same is asked for in another way.
  return { node, reload: () => reload({ quietly: node.childElementCount > 0 && !failed && node.getAttribute("aria-busy") === "false" }) };
}

// What is drawn anew and is marked as the same has the focus again.
function keepingFocus(node, draw) {
  const kept = node.contains(document.activeElement) ? document.activeElement.dataset.keep : undefined;
  draw();
  if (kept) node.querySelector(`[data-keep="${CSS.escape(kept)}"]`)?.focus({ preventScroll: true });
}

/** Grey shapes in place of what is to come. */
export function bone(width, height) {
  const element = h("div", { class: "bone", "aria-hidden": "true" });
  element.style.width = width;
  element.style.height = height;
  return element;
}
