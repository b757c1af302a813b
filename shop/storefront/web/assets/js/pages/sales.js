// What has been sold, by day or by department: a read model of its own, shown as a chart and as a table.

import { lookOf } from "../departments.js";
import { h, put, s } from "../dom.js";
import { count, money } from "../format.js";
import { sales } from "../ordering.js";
import { empty } from "../views/notice.js";
import { bone, region } from "../views/region.js";

const MONTH = new Intl.DateTimeFormat("en-US", { month: "short", timeZone: "UTC" });
const WIDTH = 960;
const HEIGHT = 280;
const LEFT = 64;
const BOTTOM = 26;

export function salesPage({ signal }) {
  const body = h("div", { class: "page" });
  const tab = (by, label) => h("button", { type: "button", "data-by": by, onclick: () => show(by) }, label);
  const segments = h("div", { class: "segments", role: "group", "aria-label": "Group by" }, tab("day", "By day"), tab("department", "By department"));
  const show = (by) => {
    for (const button of segments.children) button.setAttribute("aria-pressed", String(button.dataset.by === by));
    put(body, region({
      signal,
      label: "The sales report",
      load: (mine) => sales({ by }, mine),
      bones: () => h("div", { class: "card padded" }, bone("100%", "16rem")),
      show: ({ items }) => (items.length ? [figures(items, by), by === "day" ? dayChart(items) : ranking(items), table(items, by)] : empty("sales", "Nothing sold yet", "The first order will show up here.")),
    }).node);
    body.firstChild.classList.add("page");
  };
  show("day");
  return { title: "Sales", node: [h("div", { class: "page-head" }, h("h1", {}, "Sales"), segments), body] };
}

const sum = (items, field) => items.reduce((total, item) => total + (item[field] ?? 0), 0);

function figures(items, by) {
  const figure = (term, value) => h("div", { class: "card figure" }, h("dt", {}, term), h("dd", {}, value));
  return h("dl", { class: "figures" }, figure("Sales", money(sum(items, "sales_cents"))), figure("Units", count(sum(items, "units"))), figure(`Best ${by}`, money(Math.max(...items.map((item) => item.sales_cents)))));
}

function dayChart(items) {
  const days = [...items].sort((a, b) => a.key.localeCompare(b.key));
  const first = Date.parse(days[0].key);
  const DAY = 86_400_000;
  const span = Math.max(1, Math.round((Date.parse(days.at(-1).key) - first) / DAY) + 1);
  // A quiet gap of years between the sample and today would leave nothing to see: then days stand side by side.
  const even = span > 3 * days.length;
  const slots = even ? days.length : span;
  const step = (WIDTH - LEFT) / slots;
  const top = niceTop(Math.max(...days.map((day) => day.sales_cents)));
  const y = (cents) => HEIGHT - BOTTOM - (cents / top) * (HEIGHT - BOTTOM - 10);
  const x = (day, at) => LEFT + step * (even ? at : Math.round((Date.parse(day.key) - first) / DAY));
  const lines = [0, 0.5, 1].map((part) => [
    s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(top * part), y2: y(top * part) }),
    s("text", { x: LEFT - 8, y: y(top * part) + 4, "text-anchor": "end" }, money(top * part).replace(/\.00$/, "")),
  ]);
  const bars = days.map((day, at) => s("rect", { class: "bar", x: x(day, at), width: Math.max(1, step * 0.82), y: y(day.sales_cents), height: Math.max(0.5, y(0) - y(day.sales_cents)), rx: Math.min(2, step / 4) }, s("title", {}, `${day.key}: ${money(day.sales_cents)}`)));
  let month = "";
  const months = days.map((day, at) => {
    const name = MONTH.format(new Date(day.key));
    if (name === month || (at && x(day, at) > WIDTH - 30)) return null;
    month = name;
    return s("text", { x: x(day, at), y: HEIGHT - 8 }, name);
  });
  return h("figure", { class: "card chart" }, s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Sales by day from ${days[0].key} to ${days.at(-1).key}; the figures are in the table below` }, lines, bars, months));
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value) ?? value;
}

function ranking(items) {
  const sorted = [...items].sort((a, b) => b.sales_cents - a.sales_cents);
  const best = Math.max(1, sorted[0].sales_cents);
  return h("ol", { class: "card padded ranked" }, sorted.map((item) => {
    const fill = h("div", { class: "fill" });
    fill.style.setProperty("--share", item.sales_cents / best);
    return h("li", {}, h("span", {}, lookOf(item.key).label), h("div", { class: "track", "aria-hidden": "true" }, fill), h("span", { class: "money" }, money(item.sales_cents)));
  }));
}

function table(items, by) {
  const label = (key) => (by === "day" ? key : lookOf(key).label);
  return h("details", { class: "card padded" }, h("summary", {}, "The figures as a table"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Sales figures" }, h("table", {},
    h("thead", {}, h("tr", {}, [by === "day" ? "Day" : "Department", "Orders", "Units", "Sales"].map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, items.map((item) => h("tr", {}, h("th", { scope: "row" }, label(item.key)), h("td", {}, count(item.orders)), h("td", {}, count(item.units)), h("td", {}, money(item.sales_cents))))))));
}
