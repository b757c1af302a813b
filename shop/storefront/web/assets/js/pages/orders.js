// A customer's orders, newest first.

import { currentCustomer, customerProblem, recentCustomers, rememberCustomer } from "../customer.js";
import { h, put } from "../dom.js";
import { momentOf, money, plural } from "../format.js";
import { icon } from "../icons.js";
import { ordersOf } from "../ordering.js";
import { go } from "../router.js";
import { empty, errorNotice } from "../views/notice.js";
import { bone, region } from "../views/region.js";
import { statusPill } from "../views/status-pill.js";

export function ordersPage({ query, signal }) {
  const customer = query.customer ?? currentCustomer();
  const list = customer ? history(customer, signal).node : empty("orders", "No orders in this browser yet", "Place one, or enter the number of a customer above.", h("a", { class: "button", href: "/" }, "Go to the shop"));
  return {
    title: "My orders",
    node: [h("div", { class: "page-head" }, h("h1", {}, "My orders"), customer ? h("p", { class: "muted" }, `Customer ${customer}`) : null), chooser(customer), h("section", { "aria-label": "Orders" }, list)],
  };
}

function chooser(customer) {
  const input = h("input", { id: "customer", inputmode: "numeric", maxlength: 12, autocomplete: "off", value: customer });
  const problem = h("p", { class: "problem", role: "alert" });
  const others = recentCustomers().filter((id) => id !== customer);
  const submit = (event) => {
    event.preventDefault();
    const id = input.value.trim();
    problem.textContent = customerProblem(id) ?? "";
    if (problem.textContent) return;
    rememberCustomer(id);
    go(`/orders?${new URLSearchParams({ customer: id })}`);
  };
  return h("form", { class: "field card padded", onsubmit: submit, novalidate: true },
    h("label", { for: "customer" }, "Customer number"),
    h("div", { class: "row chooser" }, input, h("button", { class: "button quiet", type: "submit" }, "Show orders")),
    problem,
    others.length ? h("div", { class: "people" }, others.map((id) => h("a", { class: "chip", href: `/orders?${new URLSearchParams({ customer: id })}` }, id))) : null);
}

function history(customer, signal) {
  return region({
    signal,
    label: "Your list of orders",
    load: (mine) => ordersOf(customer, {}, mine),
    bones: () => h("div", { class: "card padded stack" }, [1, 2, 3].map(() => bone("100%", "2.6rem"))),
    show: ({ items, next }) => {
      if (!items.length) return empty("orders", "No orders yet", `Customer ${customer} has not ordered anything.`, h("a", { class: "button", href: "/" }, "Go to the shop"));
      const list = h("ul", { class: "order-list" }, items.map(row));
      return h("div", { class: "stack" }, h("div", { class: "card" }, list), next ? moreButton(list, customer, next, signal) : null);
    },
  });
}

function row(order) {
  return h("li", { "data-order": order.id }, h("a", { class: "order-row", href: `/orders/${encodeURIComponent(order.id)}` },
    h("span", { class: "when" }, h("time", { datetime: order.placed_at }, momentOf(order.placed_at)), h("span", { class: "visually-hidden" }, ` order ${order.id}`)),
    h("span", { class: "muted" }, plural(order.line_count, "product")),
    statusPill(order.status),
    h("span", { class: "money" }, money(order.total_cents)),
    icon("arrow")));
}

function moreButton(list, customer, next, signal) {
  const holder = h("div", { class: "more" });
  const button = h("button", { class: "button quiet", type: "button", onclick: more }, "Show earlier orders");
  async function more() {
    button.disabled = true;
    try {
      const answer = await ordersOf(customer, { after: next }, signal);
      const rows = answer.items.map(row);
      list.append(...rows);
      rows[0]?.querySelector("a").focus({ preventScroll: true });
      next = answer.next;
      put(holder, next ? button : null);
    } catch (error) {
      if (!signal.aborted) put(holder, errorNotice(error, more));
    } finally {
      button.disabled = false;
    }
  }
  return put(holder, button);
}
