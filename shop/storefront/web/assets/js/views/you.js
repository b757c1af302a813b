// The head of the pages that belong to a customer: whose they are, and the way between them.

import { currentCustomer, customerProblem, recentCustomers, rememberCustomer } from "../customer.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { go } from "../router.js";
import { empty } from "./notice.js";

const PAGES = [["/orders", "Orders"], ["/invoices", "Invoices"], ["/account", "Name and address"]];

/** The customer that the address names, or this browser's. */
export function customerOf(query) {
  return query.customer && !customerProblem(query.customer) ? query.customer : currentCustomer();
}

export const pathFor = (path, customer) => (customer && customer !== currentCustomer() ? `${path}?${new URLSearchParams({ customer })}` : path);

export function you({ title, path, customer }) {
  const link = ([there, label]) => h("a", { href: pathFor(there, customer), "aria-current": there === path ? "page" : null }, label);
  return [
    h("div", { class: "page-head" }, h("h1", {}, title), chooser(path, customer)),
    h("nav", { class: "subnav", "aria-label": "Yours" }, PAGES.map(link)),
  ];
}

/** In place of what is a customer's, when there is no customer yet. */
export const nobody = () => empty("person", "No customer in this browser yet", "Order something, or enter the number of a customer above: any household of the sample year, such as 1467.", h("a", { class: "button", href: "/" }, "Go to the shop"));

function chooser(path, customer) {
  const input = h("input", { id: "customer", inputmode: "numeric", maxlength: 12, autocomplete: "off", value: customer, list: "customers", "aria-describedby": "customer-problem" });
  const problem = h("p", { class: "problem", id: "customer-problem", role: "alert" });
  const submit = (event) => {
    event.preventDefault();
    const id = input.value.trim();
    problem.textContent = customerProblem(id) ?? "";
    input.toggleAttribute("aria-invalid", Boolean(problem.textContent));
    if (problem.textContent) return input.focus();
    rememberCustomer(id);
    go(`${path}?${new URLSearchParams({ customer: id })}`);
  };
  return h("form", { class: "who", onsubmit: submit, novalidate: true, "aria-label": "Whose" },
    h("label", { for: "customer" }, icon("person"), "Customer"), input,
    h("datalist", { id: "customers" }, recentCustomers().map((id) => h("option", { value: id }))),
    h("button", { class: "button quiet", type: "submit" }, "Show"), problem);
}
