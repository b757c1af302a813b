// A chart with its title, what is under the pointer, and the table behind it.

import { h } from "../dom.js";

/**
 * `columns` are the titles of the table, `rows` its cells as text; `chart(point)` gives the drawing, which tells `point`
 * what is under the pointer.
 */
export function figure({ title, note = "", columns, rows, chart }) {
  const reading = h("p", { class: "reading", "aria-hidden": "true" }, note);
  const point = (text) => { reading.textContent = text ?? note; };
  return h("figure", { class: "card chart" },
    h("figcaption", { class: "chart-head" }, h("h2", {}, title), reading),
    chart(point),
    tableBehind(title, columns, rows));
}

function tableBehind(title, columns, rows) {
  return h("details", { class: "behind" }, h("summary", {}, "Show as a table"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${title}, as a table` }, h("table", {},
      h("caption", { class: "visually-hidden" }, title),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell))))))));
}
