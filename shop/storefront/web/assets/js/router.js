// Pages by path, with the browser's own history. A page is a function of {params, query, signal} that gives
// {title, node, update?}; `signal` aborts when the page is left, and with it everything that the page waits for.

import { h } from "./dom.js";
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
  if (path === address() && !replace) return;
  history[replace ? "replaceState" : "pushState"](null, "", path);
  show({ keepFocus: replace });
}

const address = () => location.pathname + location.search;

export const here = () => ({ path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)) });

function show({ first = false, keepFocus = false } = {}) {
  const { path, query } = here();
  const { route, params } = matchRoute(routes, path);
  shown = address();
  const key = `${route.name} ${JSON.stringify(params)}`;
  if (current?.key === key && current.page.update) {
    current.page.update(query);
  } else {
    current?.leaving.abort();
    const leaving = new AbortController();
    const page = route.page({ params, query, signal: leaving.signal });
    current = { key, page, leaving };
    outlet.replaceChildren(h("div", { class: `page page-${route.name}` }, page.node));
    // Something on the page may want to send the focus there, also on the first one.
    outlet.querySelector("h1")?.setAttribute("tabindex", "-1");
    if (!first && !keepFocus) arrive();
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
  if (url.origin !== location.origin || url.hash || url.pathname.startsWith("/api/") || url.pathname.startsWith("/assets/")) return;
  event.preventDefault();
  go(url.pathname + url.search);
}
