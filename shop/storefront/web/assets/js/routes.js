// Which page a path shows.

/** The first route whose `path` matches, with what its named groups caught; the last route when none does. */
export function matchRoute(routes, path) {
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
