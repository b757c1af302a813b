// A part of a page that loads by itself: while it waits, is slow or fails, the rest of the page goes on working.

import { h, put } from "../dom.js";
import { errorNotice } from "./notice.js";

const SLOW_MS = 2500;

/**
 * `load(signal)` fetches, `show(data)` gives the nodes, `bones` are shown meanwhile. `region.reload()` does it anew,
 * and what is still on its way for an earlier load is dropped.
 */
export function region({ signal, load, show, bones, label }) {
  const node = h("div", { class: "region", "aria-busy": "false" });
  let turn;

  async function reload() {
    turn?.abort();
    turn = new AbortController();
    const mine = AbortSignal.any([signal, turn.signal]);
    const slow = h("p", { class: "slow", role: "status" });
    const timer = setTimeout(() => { slow.textContent = `${label ?? "This"} takes longer than usual…`; }, SLOW_MS);
    node.setAttribute("aria-busy", "true");
    put(node, bones?.() ?? null, slow);
    try {
      const data = await load(mine);
      if (!mine.aborted) put(node, show(data));
    } catch (error) {
      if (mine.aborted) return;
      put(node, errorNotice(error, reload));
    } finally {
      clearTimeout(timer);
      if (!mine.aborted) node.setAttribute("aria-busy", "false");
    }
  }

  reload();
  return { node, reload };
}

/** Grey shapes in place of what is to come. */
export function bone(width, height) {
  const element = h("div", { class: "bone", "aria-hidden": "true" });
  element.style.width = width;
  element.style.height = height;
  return element;
}
