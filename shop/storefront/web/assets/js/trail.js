// Every link into the shop carries the moment as of which it is shown, wherever it was drawn: followed, copied or opened
// in another tab, it leads to the same day.

import { atMoment, moment } from "./moment.js";

const LINKS = 'a[href^="/"]:not([href^="/web/"], [href^="/assets/"])';

export function startTrail() {
  const mark = (link) => {
    const href = link.getAttribute("href");
    const wanted = atMoment(href);
    if (wanted !== href) link.setAttribute("href", wanted);
  };
  const markAll = (root) => {
    if (root.matches?.(LINKS)) mark(root);
    for (const link of root.querySelectorAll?.(LINKS) ?? []) mark(link);
  };
  const watch = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") markAll(target);
      else addedNodes.forEach(markAll);
    }
  });
  watch.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["href"] });
  moment.addEventListener("change", () => markAll(document.body));
  markAll(document.body);
}
