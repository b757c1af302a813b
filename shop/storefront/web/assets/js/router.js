// Pages by path, with the browser's own history. A page is a function of {params, query, signal} that gives
// {title, node, update?}; `signal` aborts when the page is left, and with it everything that the page waits for.

import { h } from "./dom.js";

let routes = [];
let outlet;
let afterChange = () => {};
let current;

export function startRouter(options) {
  ({ routes, outlet, afterChange } = options);
  window.addEventListener("popstate", () => show());
  document.addEventListener("click", onClick);
  show({ first: true });
}

/** Goes to a path of this page. `replace` leaves no entry in the history: for a search that is being typed. */
export function go(path, { replace = false } = {}) {
  const { pathname, search } = location;
  if (path === pathname + search && !replace) return;
  history[replace ? "replaceState" : "pushState"](null, "", path);
  show({ keepFocus: replace });
}

export const here = () => ({ path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)) });

function show({ first = false, keepFocus = false } = {}) {
  const { path, query } = here();
  const { route, params } = match(path);
  const key = `${route.name} ${JSON.stringify(params)}`;
  if (current?.key === key && current.page.update) {
    current.page.update(query);
  } else {
    current?.leaving.abort();
    const leaving = new AbortController();
    const page = route.page({ params, query, signal: leaving.signal });
    current = { key, page, leaving };
    outlet.replaceChildren(h("div", { class: `page page-${route.name}` }, page.node));
    if (!first && !keepFocus) arrive();
  }
  afterChange({ route: route.name, query, title: current.page.title });
}

// A new page starts at its top, and a screen reader at its heading.
function arrive() {
  window.scrollTo(0, 0);
  const heading = outlet.querySelector("h1") ?? outlet;
  heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
}

function match(path) {
  for (const route of routes) {
    const found = route.path?.exec(path);
    if (found) return { route, params: mapValues(found.groups ?? {}, decoded) };
  }
  return { route: routes.at(-1), params: {} };
}

const mapValues = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
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
