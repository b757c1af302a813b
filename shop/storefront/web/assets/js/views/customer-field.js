// Who is ordering: a number, the last ones of this browser, or a new one.

import { currentCustomer, customerProblem, newCustomerNumber, recentCustomers } from "../customer.js";
import { h, put } from "../dom.js";

/** `onChange(id)` hears what is in the field, when it is a customer number. */
export function customerField({ onChange }) {
  const input = h("input", { id: "customer", name: "customer", inputmode: "numeric", autocomplete: "off", maxlength: 12, value: currentCustomer(), "aria-describedby": "customer-hint customer-problem" });
  const problem = h("p", { class: "problem", id: "customer-problem", role: "alert" });
  const people = h("div", { class: "people", role: "group", "aria-label": "Recent customer numbers" });
  const fresh = h("button", { type: "button", "data-testid": "new-customer", onclick: () => use(newCustomerNumber()) }, "I'm new: give me a number");
  const recent = recentCustomers().map((id) => h("button", { type: "button", onclick: () => use(id) }, id));
  const use = (id) => {
    input.value = id;
    show();
  };
  const show = () => {
    input.removeAttribute("aria-invalid");
    problem.textContent = "";
    for (const button of recent) button.setAttribute("aria-pressed", String(button.textContent === input.value));
    const id = input.value.trim();
    onChange(customerProblem(id) ? "" : id);
  };
  put(people, recent, fresh);
  input.addEventListener("input", show);
  for (const button of recent) button.setAttribute("aria-pressed", String(button.textContent === input.value));
  return {
    node: h("div", { class: "field" },
      h("label", { for: "customer" }, "Customer number"), input, problem, people,
      h("p", { class: "hint", id: "customer-hint" }, "Any household of the sample year, such as 1467, or a new number.")),
    get value() {
      return input.value.trim();
    },
    check() {
      const wrong = customerProblem(input.value.trim());
      problem.textContent = wrong ?? "";
      if (!wrong) return true;
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return false;
    },
  };
}
