// What the sales of days come to: by year, by month, in all.

import { addDays } from "./days.js";

const add = (into, { orders, units, sales_cents: cents }) => {
  into.orders += orders;
  into.units += units;
  into.sales_cents += cents;
  return into;
};
const zero = (key) => ({ key, orders: 0, units: 0, sales_cents: 0 });

export const totalOf = (items) => items.reduce(add, zero("total"));

export const yearsIn = (items) => [...new Set(items.map(({ key }) => key.slice(0, 4)))].sort();
export const ofYear = (items, year) => (year ? items.filter(({ key }) => key.startsWith(year)) : items);

/** The months from the first to the last in which something was sold; one between them without sales has none. */
export function byMonth(items) {
  const months = new Map();
  for (const item of items) {
    const key = item.key.slice(0, 7);
    months.set(key, add(months.get(key) ?? zero(key), item));
  }
  return withGaps([...months.values()], (key) => {
    const [year, month] = key.split("-").map(Number);
    return month === 12 ? `${year + 1}-01` : `${year}-${String(month + 1).padStart(2, "0")}`;
  });
}

export const byDay = (items) => withGaps(items, (key) => addDays(key, 1));

// A quiet time of years between a sample and today would leave nothing to see: then what is there stands side by side.
const GAP_MAX = 62;

function withGaps(items, nextOf) {
  const sorted = items.toSorted((a, b) => a.key.localeCompare(b.key));
  const all = [];
  for (const item of sorted) {
    const last = all.at(-1);
    if (last) {
      const gap = [];
      for (let key = nextOf(last.key); key < item.key && gap.length <= GAP_MAX; key = nextOf(key)) gap.push(zero(key));
      if (gap.length <= GAP_MAX) all.push(...gap);
    }
    all.push(item);
  }
  return all;
}
