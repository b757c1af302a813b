// Checkout: who, what, and one button. However often it is pressed, one order is placed.

import { attemptFor, finishAttempt } from "../attempt.js";
import { cart } from "../cart.js";
import { currentCustomer, customerProblem, newCustomerNumber, recentCustomers, rememberCustomer } from "../customer.js";
import { h, put } from "../dom.js";
import { money, plural } from "../format.js";
import { placeOrder } from "../ordering.js";
import { go } from "../router.js";
import { announce } from "../shell.js";
import { empty, errorNotice } from "../views/notice.js";

export function checkoutPage({ signal }) {
  const node = h("div", { class: "page" });
  put(node, h("h1", {}, "Checkout"), cart.lines.length ? form(signal) : empty("cart", "There is nothing to check out", "Your cart is empty.", h("a", { class: "button", href: "/" }, "Go to the shop")));
  return { title: "Checkout", node };
}

function form(signal) {
  const who = customerField();
  const outcome = h("div", { class: "stack", "data-testid": "outcome" });
  const button = h("button", { class: "button big wide", type: "submit", "data-testid": "place-order" }, `Place order · ${money(cart.total)}`);
  let underWay = false;

  async function submit(event) {
    event?.preventDefault();
    if (underWay || !who.check()) return;
    underWay = true;
    button.setAttribute("aria-disabled", "true");
    try {
      await place(who.value, outcome, signal);
    } catch (error) {
      if (!signal.aborted) put(outcome, refusal(error, submit));
    } finally {
      underWay = false;
      button.removeAttribute("aria-disabled");
    }
  }

  return h("form", { class: "split", onsubmit: submit, novalidate: true },
    h("div", { class: "stack" },
      h("section", { class: "card padded stack", "aria-labelledby": "who" }, h("h2", { id: "who" }, "Who is ordering?"), who.node),
      h("section", { class: "card padded stack", "aria-labelledby": "payment" },
        h("h2", { id: "payment" }, "Payment"),
        h("p", { class: "muted" }, "Simulated: a stand-in accepts or refuses after a short while. No real money is involved."))),
    h("aside", { class: "card summary", "aria-label": "Your order" },
      h("h2", {}, "Your order"),
      h("ul", { class: "brief" }, cart.lines.map((line) => h("li", {}, h("span", {}, `${line.quantity} × ${line.name}`), h("span", { class: "money" }, money(line.price_cents * line.quantity))))),
      h("dl", {}, h("dt", {}, "Delivery"), h("dd", {}, "Free"), h("dt", { class: "total" }, plural(cart.units, "item")), h("dd", { class: "money total" }, money(cart.total))),
      button,
      outcome));
}

async function place(customerId, outcome, signal) {
  const lines = cart.lines.map((line) => ({ product_id: line.id, quantity: line.quantity }));
  const attempt = attemptFor(customerId, lines);
  rememberCustomer(customerId);
  showProgress(outcome, "Sending your order…");
  const onRetry = (tries) => showProgress(outcome, `No answer yet: asking again (${tries}). You will not be charged twice…`);
  await placeOrder({ orderId: attempt.orderId, customerId, lines, key: attempt.key }, { signal, onRetry });
  showProgress(outcome, "Opening its timeline…", true);
  finishAttempt();
  cart.takeOut(lines);
  go(`/orders/${attempt.orderId}`, { replace: false });
}

function showProgress(outcome, text, accepted = false) {
  announce(text);
  put(outcome, h("ol", { class: "progress" },
    accepted ? h("li", { class: "ok" }, h("span", { class: "dot" }), "Order placed") : null,
    h("li", { class: "now" }, h("span", { class: "spinner", "aria-hidden": "true" }), text)));
}

function refusal(error, again) {
  if (error.transient) {
    return [errorNotice(error, again),
      h("p", { class: "muted small" }, "We did not hear back about your order. Trying again is safe: even if the first try arrived, there will be one order.")];
  }
  return errorNotice(error, error.status >= 500 ? again : null, { title: "The order was not placed" });
}

function customerField() {
  const input = h("input", { id: "customer", name: "customer", inputmode: "numeric", autocomplete: "off", maxlength: 12, value: currentCustomer(), "aria-describedby": "customer-hint customer-problem" });
  const problem = h("p", { class: "problem", id: "customer-problem", role: "alert" });
  const people = h("div", { class: "people", role: "group", "aria-label": "Recent customer numbers" });
  const use = (id) => {
    input.value = id;
    show();
  };
  const show = () => {
    input.removeAttribute("aria-invalid");
    problem.textContent = "";
    put(people, recentCustomers().map((id) => h("button", { type: "button", "aria-pressed": String(id === input.value), onclick: () => use(id) }, id)),
      h("button", { type: "button", "data-testid": "new-customer", onclick: () => use(newCustomerNumber()) }, "I'm new: give me a number"));
  };
  input.addEventListener("input", show);
  show();
  return {
    node: h("div", { class: "field" },
      h("label", { for: "customer" }, "Customer number"), input, problem, people,
      h("p", { class: "hint", id: "customer-hint" }, "Any household of the sample year, such as 900, or a new number. It is all that this shop asks for.")),
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
