// For the staff: what was sold, in all, over time, by department and by product. Each part asks by itself; period and
// grouping stand in the address.

import { ranking } from "../charts/ranking.js";
import { columns } from "../charts/columns.js";
import { figure } from "../charts/figure.js";
import { bestSellers } from "../bestsellers.js";
import { namedDay, shortMonth } from "../days.js";
import { lookOf } from "../departments.js";
import { h, put } from "../dom.js";
import { count, money, plural, readable } from "../format.js";
import { sales } from "../ordering.js";
import { byDay, byMonth, ofYear, totalOf, yearsIn } from "../sales-figures.js";
import { busiestYear } from "../timebar/years.js";
import { nameOf } from "../views/product-card.js";
import { empty } from "../views/notice.js";
import { bone, region } from "../views/region.js";

const TOP = 10;

export function salesPage({ query, signal }) {
  let wanted = wantedOf(query);
  const range = () => (wanted.year && wanted.year !== "all" ? { from: `${wanted.year}-01-01`, to: `${wanted.year}-12-31` } : {});
  const bones = () => h("div", { class: "card padded" }, bone("100%", "16rem"));
  const time = region({
    signal,
    label: "The sales report",
    load: (mine) => sales({ by: "day" }, mine),
    bones,
    show: ({ items }) => {
      const settled = wanted.year ?? String(items.length ? busiestYear(items) : "all");
      if (wanted.year !== settled) {
        wanted = { ...wanted, year: settled };
        rest();
      }
      return items.length ? overTime(items, wanted) : empty("sales", "Nothing sold yet", "The first order will show up here.");
    },
  });
  time.node.classList.add("page");
  const places = h("div", { class: "charts" });
  const rest = () => put(places, wanted.year ? [departments(range(), signal).node, products(range(), signal).node] : null);
  rest();
  return {
    title: "Sales",
    node: [h("h1", {}, "Sales"), time.node, places],
    update(next) {
      const { year } = wanted;
      wanted = { ...wantedOf(next), year: wantedOf(next).year ?? year };
      time.reload();
      if (wanted.year !== year) rest();
    },
  };
}

const wantedOf = ({ year, by }) => ({ year: /^(\d{4}|all)$/.test(year ?? "") ? year : undefined, by: by === "month" ? "month" : "day" });

function overTime(items, wanted) {
  const sold = ofYear(items, wanted.year === "all" ? "" : wanted.year);
  return [controls(items, wanted), figures(sold), sold.length ? chart(sold, wanted.by) : empty("sales", "Nothing sold in this year", "Choose another one above.")];
}

function controls(items, wanted) {
  const link = (change, label, isPresent) => h("a", { href: `/sales?${new URLSearchParams({ ...wanted, ...change })}`, "aria-current": isPresent ? "true" : null, "data-keep": label }, label);
  const years = yearsIn(items);
  return h("div", { class: "row spread" },
    h("nav", { class: "segments", "aria-label": "Period" }, years.map((year) => link({ year }, year, wanted.year === year)), years.length > 1 ? link({ year: "all" }, "All", wanted.year === "all") : null),
    h("nav", { class: "segments", "aria-label": "Group by" }, [["day", "By day"], ["month", "By month"]].map(([by, label]) => link({ by }, label, wanted.by === by))));
}

function figures(sold) {
  const total = totalOf(sold);
  const tile = (term, value) => h("div", { class: "card figure" }, h("dt", {}, term), h("dd", {}, value));
  return h("dl", { class: "figures" }, tile("Sales", money(total.sales_cents)), tile("Orders", count(total.orders)), tile("Units", count(total.units)),
    tile("Average order", total.orders ? money(Math.round(total.sales_cents / total.orders)) : "–"));
}

function chart(sold, by) {
  const items = by === "month" ? byMonth(sold) : byDay(sold);
  const nameOfKey = (key) => (by === "month" ? `${shortMonth(key)} ${key.slice(0, 4)}` : namedDay(key));
  const points = items.map((item, at) => ({
    value: item.sales_cents,
    tick: by === "month" ? shortMonth(item.key) : tickOf(item.key, items[at - 1]?.key),
    text: `${nameOfKey(item.key)} · ${money(item.sales_cents)} · ${plural(item.orders, "order")}`,
  }));
  const best = items.reduce((a, b) => (b.sales_cents > a.sales_cents ? b : a));
  return figure({
    title: by === "month" ? "Sales by month" : "Sales by day",
    note: `Best: ${nameOfKey(best.key)}, ${money(best.sales_cents)}`,
    columns: [by === "month" ? "Month" : "Day", "Orders", "Units", "Sales"],
    rows: items.filter(({ orders }) => orders).map((item) => [nameOfKey(item.key), count(item.orders), count(item.units), money(item.sales_cents)]),
    chart: (point) => columns({ points, point, format: (cents) => money(cents).replace(/\.00$/, ""), label: `Sales by ${by} from ${nameOfKey(items[0].key)} to ${nameOfKey(items.at(-1).key)}; the figures are in the table below` }),
  });
}

// Where a month begins.
const tickOf = (key, before) => (key.slice(0, 7) === before?.slice(0, 7) ? "" : shortMonth(key));

function departments(range, signal) {
  return region({
    signal,
    label: "Sales by department",
    load: (mine) => sales({ by: "department", ...range }, mine),
    bones: () => h("div", { class: "card padded" }, bone("100%", "16rem")),
    show: ({ items }) => {
      if (!items.length) return [];
      const sorted = items.toSorted((a, b) => b.sales_cents - a.sales_cents);
      const link = (key) => `/products?${new URLSearchParams({ department: key })}`;
      return figure({
        title: "By department",
        columns: ["Department", "Orders", "Units", "Sales"],
        rows: sorted.map((item) => [lookOf(item.key).label, count(item.orders), count(item.units), money(item.sales_cents)]),
        chart: () => ranking(sorted.slice(0, TOP).map((item) => ({ label: lookOf(item.key).label, value: item.sales_cents, text: money(item.sales_cents), href: link(item.key) }))),
      });
    },
  });
}

function products(range, signal) {
  return region({
    signal,
    label: "The top products",
    load: (mine) => bestSellers({ limit: TOP, ...range }, mine),
    bones: () => h("div", { class: "card padded" }, bone("100%", "16rem")),
    show: (sellers) => {
      if (!sellers.length) return [];
      const name = (item) => (item.product ? nameOf(item.product) : readable(item.name) || `Product ${item.key}`);
      return figure({
        title: "Top products",
        columns: ["Product", "Orders", "Units", "Sales"],
        rows: sellers.map((item) => [name(item), count(item.orders), count(item.units), money(item.sales_cents)]),
        chart: () => ranking(sellers.map((item) => ({ label: name(item), value: item.sales_cents, text: money(item.sales_cents), href: `/product/${encodeURIComponent(item.key)}` }))),
      });
    },
  });
}
