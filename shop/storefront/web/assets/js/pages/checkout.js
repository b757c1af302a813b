// Checkout: who, what, and one button. What is ordered is what is shown, at the total that is shown; and however often
// the button is pressed, one order is placed.

import { attemptFor, finishAttempt } from "../attempt.js";
import { cart, totalOf, unitsOf } from "../cart.js";
import { rememberCustomer } from "../customer.js";
import { h, put } from "../dom.js";
import { money, plural } from "../format.js";
import { moment } from "../moment.js";
import { placeOrder, priceOf } from "../ordering.js";
import { checkPrices } from "../prices.js";
import { go } from "../router.js";
import { announce, toast } from "../shell.js";
import { pastNotice } from "../views/buying.js";
import { customerField } from "../views/customer-field.js";
import { destination } from "../views/destination.js";
import { empty, errorNotice, notice } from "../views/notice.js";

export function checkoutPage({ signal }) {
  const body = h("div");
  const nothing = empty("cart", "There is nothing to check out", "Your cart is empty.", h("a", { class: "button", href: "/" }, "Go to the shop"));
  const past = pastNotice("Nothing can be ordered in the past", "Your cart waits for you: go back to now to order.");
  const form = orderForm(signal, refresh);
  // Another tab, or a look at the prices, may change the cart. While an order is under way, what it orders stays on show.
  function refresh() {
    if (form.underWay) return;
    form.show(cart.lines);
    const wanted = moment.isPast ? past : cart.orderable.length ? form.node : nothing;
    if (body.firstChild !== wanted) put(body, wanted);
  }
  cart.addEventListener("change", refresh);
  moment.addEventListener("change", refresh, { signal });
  signal.addEventListener("abort", () => cart.removeEventListener("change", refresh));
  refresh();
  return { title: "Checkout", node: [h("h1", {}, "Checkout"), body] };
}

function orderForm(signal, settled) {
  const who = customerField({ onChange: (id) => where.show(id) });
  const where = destination(signal);
  const summary = orderSummary();
  const outcome = h("div", { class: "stack", "data-testid": "outcome" });
  const button = h("button", { class: "button big wide", type: "submit", "data-testid": "place-order" });
  let shown;
  let underWay = false;

  async function submit(event) {
    event?.preventDefault();
    if (underWay || !who.check() || !where.check()) return;
    underWay = true;
    button.setAttribute("aria-disabled", "true");
    try {
      await where.save((text) => showProgress(outcome, text));
      const order = await place(who.value, shown, (text) => showProgress(outcome, text));
      arrived(order, signal);
    } catch (error) {
      if (signal.aborted) toast(notPlaced(error), { href: "/checkout", label: "Check out again" });
      else put(outcome, await refusal(error, submit, signal));
    } finally {
      underWay = false;
      button.removeAttribute("aria-disabled");
      settled();
    }
  }

  where.show(who.value);
  const node = h("form", { class: "split", onsubmit: submit, novalidate: true },
    h("div", { class: "stack" },
      h("section", { class: "card padded stack", "aria-labelledby": "who" }, h("h2", { id: "who" }, "Who is ordering?"), who.node),
      h("section", { class: "card padded stack", "aria-labelledby": "where" }, h("h2", { id: "where" }, "Where does it go?"), where.node),
      h("section", { class: "card padded stack", "aria-labelledby": "payment" },
        h("h2", { id: "payment" }, "Payment"),
        h("p", { class: "muted" }, "Simulated: a stand-in accepts or refuses after a short while. No real money is involved."))),
    h("aside", { class: "card summary", "aria-label": "Your order" }, h("h2", {}, "Your order"), summary.node, button, outcome));
  return {
    node,
    get underWay() {
      return underWay;
    },
    show(lines) {
      const sold = lines.filter((line) => !line.gone);
      shown = { lines: sold.map(({ id, quantity }) => ({ product_id: id, quantity })), totalCents: totalOf(sold) };
      summary.show(sold, lines.filter((line) => line.gone));
      button.textContent = `Place order · ${money(shown.totalCents)}`;
    },
  };
}

function orderSummary() {
  const list = h("ul", { class: "brief" });
  const units = h("dt", { class: "total" });
  const total = h("dd", { class: "money total" });
  const leftOut = h("p", { class: "muted small" });
  return {
    node: h("div", { class: "stack" }, list, leftOut, h("dl", {}, h("dt", {}, "Delivery"), h("dd", {}, "Free"), units, total)),
    show(sold, gone) {
      put(list, sold.map((line) => h("li", {}, h("span", {}, `${line.quantity} × ${line.name}`), h("span", { class: "money" }, money(line.price_cents * line.quantity)))));
      leftOut.textContent = gone.length ? `No longer sold, and not part of this order: ${gone.map((line) => line.name).join(", ")}.` : "";
      leftOut.hidden = !gone.length;
      units.textContent = plural(unitsOf(sold), "item");
      total.textContent = money(totalOf(sold));
    },
  };
}

// Goes on to its end also when the page is left: what has been ordered must leave the cart in any case.
async function place(customerId, { lines, totalCents }, progress) {
  const attempt = attemptFor(customerId, lines, totalCents);
  rememberCustomer(customerId);
  progress("Sending your order…");
  const onRetry = (tries) => progress(`No answer yet: asking again (${tries}). You will not be charged twice…`);
  let earlier = false;
  try {
    await placeOrder({ orderId: attempt.orderId, customerId, lines, totalCents, key: attempt.key }, { onRetry });
  } catch (error) {
    // Only this browser knows the id: a try before this one has arrived, though no answer to it did.
    if (error.reason !== "order-exists") throw error;
    earlier = true;
  }
  finishAttempt(attempt);
  cart.takeOut(lines);
  return { id: attempt.orderId, earlier };
}

function arrived({ id, earlier }, signal) {
  const path = `/orders/${id}`;
  if (signal.aborted) return toast("Your order is placed", { href: path, label: "See it" });
  announce("Order placed");
  go(path);
  if (earlier) toast("Your first try had arrived: this is that order, at the price that it had then.");
}

function showProgress(outcome, text) {
  announce(text);
  put(outcome, h("ol", { class: "progress" }, h("li", { class: "now" }, h("span", { class: "spinner", "aria-hidden": "true" }), text)));
}

const notPlaced = (error) => (error.transient ? "We did not hear back about your order" : "Your order was not placed");

async function refusal(error, again, signal) {
  if (error.transient) {
    return [errorNotice(error, again),
      h("p", { class: "muted small" }, "We did not hear back about your order. Trying again is safe: even if the first try arrived, there will be one order.")];
  }
  const stale = ["total-changed", "unknown-product"].includes(error.reason);
  const changes = stale ? await checkPrices((id) => priceOf(id, signal)) : [];
  if (changes.length) {
    return h("div", { role: "alert" }, notice("warn", "Please look again before you order", `${changes.join(" ")} Nothing has been ordered yet.`));
  }
  return errorNotice(error, error.status >= 500 ? again : null, { title: "The order was not placed" });
}
