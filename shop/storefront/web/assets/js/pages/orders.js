// A customer's orders, newest first.

import { h } from "../dom.js";
import { momentOf, money, plural } from "../format.js";
import { icon } from "../icons.js";
import { moment } from "../moment.js";
import { ordersOf } from "../ordering.js";
import { moreButton } from "../views/more.js";
import { empty } from "../views/notice.js";
import { bone, region } from "../views/region.js";
import { statusPill } from "../views/status-pill.js";
import { customerOf, nobody, you } from "../views/you.js";

export function ordersPage({ query, signal }) {
  const customer = customerOf(query);
  const head = you({ title: "My orders", path: "/orders", customer });
  if (!customer) return { title: "My orders", node: [head, nobody()] };
  const list = region({
    signal,
    label: "Your list of orders",
    load: (mine) => ordersOf(customer, {}, mine),
    bones: () => h("div", { class: "card padded stack" }, [1, 2, 3].map(() => bone("100%", "2.6rem"))),
    show: ({ items, next }) => {
      if (!items.length) return nothing(customer);
      const rows = h("ul", { class: "order-list" }, items.map(row));
      return h("div", { class: "stack" }, h("div", { class: "card" }, rows),
        next ? moreButton({ list: rows, next, signal, row, label: "Show earlier orders", load: (after, mine) => ordersOf(customer, { after }, mine) }) : null);
    },
  });
  return { title: "My orders", node: [head, h("section", { "aria-label": "Orders" }, list.node)] };
}

const nothing = (customer) => (moment.isPast
  ? empty("orders", "No orders on that day", `Customer ${customer} had not ordered anything by then.`)
  : empty("orders", "No orders yet", `Customer ${customer} has not ordered anything.`, h("a", { class: "button", href: "/" }, "Go to the shop")));

function row(order) {
  return h("li", { "data-order": order.id }, h("a", { class: "order-row", href: `/orders/${encodeURIComponent(order.id)}` },
    h("span", { class: "when" }, h("time", { datetime: order.placed_at }, momentOf(order.placed_at)), h("span", { class: "visually-hidden" }, ` order ${order.id}`)),
    h("span", { class: "muted" }, plural(order.line_count, "product")),
    statusPill(order.status),
    h("span", { class: "money" }, money(order.total_cents)),
    icon("arrow")));
}
