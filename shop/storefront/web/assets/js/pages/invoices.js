// A customer's invoices and credit notes, newest first.

import { h } from "../dom.js";
import { dateOf, money } from "../format.js";
import { icon } from "../icons.js";
import { documentsOf } from "../invoicing.js";
import { moment } from "../moment.js";
import { moreButton } from "../views/more.js";
import { empty } from "../views/notice.js";
import { bone, region } from "../views/region.js";
import { customerOf, nobody, you } from "../views/you.js";

export function invoicesPage({ query, signal }) {
  const customer = customerOf(query);
  const head = you({ title: "Invoices", path: "/invoices", customer });
  if (!customer) return { title: "Invoices", node: [head, nobody()] };
  const list = region({
    signal,
    label: "Your list of invoices",
    load: (mine) => documentsOf(customer, {}, mine),
    bones: () => h("div", { class: "card padded stack" }, [1, 2, 3].map(() => bone("100%", "2.6rem"))),
    show: ({ items, next }) => {
      if (!items.length) return nothing(customer);
      const rows = h("ul", { class: "order-list" }, items.map(row));
      return h("div", { class: "stack" }, h("div", { class: "card" }, rows),
        next ? moreButton({ list: rows, next, signal, row, label: "Show earlier invoices", load: (after, mine) => documentsOf(customer, { after }, mine) }) : null);
    },
  });
  return { title: "Invoices", node: [head, h("section", { "aria-label": "Invoices" }, list.node)] };
}

const nothing = (customer) => (moment.isPast
  ? empty("receipt", "No invoices on that day", `Nothing had been invoiced to customer ${customer} by then.`)
  : empty("receipt", "No invoices yet", "An invoice is written as soon as an order is paid and your name and address are known.", h("a", { class: "button quiet", href: "/account" }, "Name and address")));

function row({ number, kind, dated, total_cents: cents, credit_note: note }) {
  const isNote = kind === "credit-note";
  return h("li", { "data-document": number }, h("a", { class: "order-row", href: `/invoices/${encodeURIComponent(number)}` },
    h("span", { class: "when" }, number),
    h("span", { class: "muted" }, h("time", { datetime: dated }, dateOf(`${dated}T12:00:00Z`))),
    isNote ? h("span", { class: "pill" }, "Credit note") : note ? h("span", { class: "pill bad" }, "Taken back") : h("span", { class: "pill done" }, "Invoice"),
    h("span", { class: "money" }, isNote ? `−${money(cents)}` : money(cents)),
    icon("arrow")));
}
