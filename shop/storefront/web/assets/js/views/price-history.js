// What a product has cost: a small chart, with the table behind it. One price is no history.

import { figure } from "../charts/figure.js";
import { steps } from "../charts/steps.js";
import { pricesOf } from "../catalog.js";
import { first } from "../composed.js";
import { dateOf, money } from "../format.js";
import { moment } from "../moment.js";
import { bone, region } from "./region.js";

/** `brought` are the prices that came with the product, if any. */
export function priceHistory(product, brought, signal) {
  return region({
    signal,
    label: "What it has cost",
    compact: "What it has cost before can't be shown right now.",
    load: first(brought?.items, (mine) => pricesOf(product.id, mine)),
    bones: () => bone("100%", "9rem"),
    missing: () => [],
    show: (items) => (items.length < 2 ? [] : chart(items)),
  }).node;
}

function chart(items) {
  const points = items.toReversed().map(({ from, until, price_cents: cents }) => ({ at: Date.parse(from), until: until ? Date.parse(until) : null, cents }));
  const cheapest = items.reduce((a, b) => (b.price_cents < a.price_cents ? b : a));
  return figure({
    title: "Price over time",
    note: `Lowest ${money(cheapest.price_cents)}, ${dateOf(cheapest.from)}`,
    columns: ["From", "Until", "Price"],
    rows: items.map(({ from, until, price_cents: cents }) => [dateOf(from), until ? dateOf(until) : "–", money(cents)]),
    chart: (point) => steps({ points, point, now: moment.isPast ? Date.parse(moment.asOf) : Date.now(), open: moment.isPast ? "until that day" : "until today", label: "The price over time; the figures are in the table below" }),
  });
}
