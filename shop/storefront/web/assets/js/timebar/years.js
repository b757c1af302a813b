// The years that the shop has known, and how many orders each of their days had.

import { addDays, numberOf, today } from "../days.js";

/** `items` are sales by day. The years, the earliest first; a year that somebody looks at is one of them. */
export function yearsOf(items, looked) {
  const years = new Set(items.map((item) => Number(item.key.slice(0, 4))));
  if (looked) years.add(Number(looked.slice(0, 4)));
  return [...years].sort((a, b) => a - b);
}

/** The year with the most orders: what a person wants to see first. */
export function busiestYear(items) {
  const orders = new Map();
  for (const { key, orders: many } of items) {
    const year = Number(key.slice(0, 4));
    orders.set(year, (orders.get(year) ?? 0) + many);
  }
  return [...orders].sort((a, b) => b[1] - a[1])[0]?.[0] ?? Number(today().slice(0, 4)) - 1;
}

/** The days of a year that are over: the first, how many there are, and the orders of each. */
export function daysOf(year, items) {
  const first = `${year}-01-01`;
  const end = numberOf(`${year + 1}-01-01`);
  const many = Math.max(1, Math.min(end, numberOf(today())) - numberOf(first));
  const orders = new Array(end - numberOf(first)).fill(0);
  for (const item of items) {
    const at = numberOf(item.key) - numberOf(first);
    if (at >= 0 && at < orders.length) orders[at] += item.orders;
  }
  return { first, many, orders, dayAt: (index) => addDays(first, index), indexOf: (day) => numberOf(day) - numberOf(first) };
}
