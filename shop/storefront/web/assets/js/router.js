// Pages by path, with the browser's own history. A page is a function of {params, query, signal} that gives
// {title, node, update?}; `signal` aborts when the page is left, and with it everything that the page waits for.
// Which moment the shop is shown as of stands in the address, too, but is no page's business: see moment.js.

import { h } from "./dom.js";
import { atMoment, moment } from "./moment.js";
import { matchRoute } from "./routes.js";

let routes = [];
let outlet;
let afterChange = () => {};
let current;
let shown;

export function startRouter(options) {
  ({ routes, outlet, afterChange } = options);
  // A link into the page itself, such as the one that skips to the content, comes as a popstate, too.
  window.addEventListener("popstate", () => {
    if (address() !== shown) show();
  });
  document.addEventListener("click", onClick);
  show({ first: true });
}

/** Goes to a path of this page. `replace` leaves no entry in the history: for a search that is being typed. */
export function go(path, { replace = false } = {}) {
  const there = atMoment(path);
  if (there === address() && !replace) return;
  history[replace ? "replaceState" : "pushState"](null, "", there);
  show({ keepFocus: replace });
}

/**
 * Shows the same page as of another moment; null is now. Going from day to day leaves one entry in the history, so that
 * "back" leads to now.
 */
export function travel(text) {
  const there = atMoment(address(), text);
  if (there === address()) return;
  history[moment.isPast && text ? "replaceState" : "pushState"](null, "", there);
  show({ keepFocus: true });
}

const address = () => location.pathname + location.search;

export function here() {
  const { as_of: asOf, ...query } = Object.fromEntries(new URLSearchParams(location.search));
  return { path: location.pathname, query, asOf };
}

function show({ first = false, keepFocus = false } = {}) {
  const { path, query, asOf } = here();
  const { route, params } = matchRoute(routes, path);
  shown = address();
  const key = `${route.name} ${JSON.stringify(params)}`;
  const asked = JSON.stringify(query);
  const stays = current?.key === key && (current.asked === asked || current.page.update);
  if (!stays) current?.leaving.abort();
  // What stays on the page asks anew, what has been left no longer hears of it, and what comes asks as of then.
  moment.set(asOf);
  if (!stays) {
    const leaving = new AbortController();
    const page = route.page({ params, query, signal: leaving.signal });
    current = { key, asked, page, leaving };
    outlet.replaceChildren(h("div", { class: `page page-${route.name}` }, page.node));
    // Something on the page may want to send the focus there, also on the first one.
    outlet.querySelector("h1")?.setAttribute("tabindex", "-1");
    if (!first && !keepFocus) arrive();
  } else if (current.asked !== asked) {
    current.asked = asked;
    current.page.update(query);
  }
  afterChange({ route: route.name, query, title: current.page.title });
}

// A new page starts at its top, and a screen reader at its heading.
function arrive() {
  window.scrollTo(0, 0);
  const heading = outlet.querySelector("h1") ?? outlet;
  heading.focus({ preventScroll: true });
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.hash || url.pathname.startsWith("/web/") || url.pathname.startsWith("/assets/")) return;
  event.preventDefault();
  go(url.pathname + url.search);
}
