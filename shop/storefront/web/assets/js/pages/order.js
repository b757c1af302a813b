// One order with its timeline, followed live. The timeline needs only the live connection and the receipt only the
// query: each works while the other does not. Only when neither knows of the order, there is none.

import { cart } from "../cart.js";
import { first, orderView } from "../composed.js";
import { h, put } from "../dom.js";
import { momentOf, money, plural, readable, timeOf } from "../format.js";
import { icon } from "../icons.js";
import { newId } from "../ids.js";
import { followTimeline } from "../live.js";
import { moment } from "../moment.js";
import { cancelOrder, orderById, orderPath } from "../ordering.js";
import { Problem } from "../problem.js";
import { go } from "../router.js";
import { addEntry, isCancellable, isFinal, labelOf, statusOf, STOPS } from "../stages.js";
import { announce, toast } from "../shell.js";
import { pastNotice } from "../views/buying.js";
import { invoiceLink } from "../views/invoice-link.js";
import { empty, errorNotice, notice } from "../views/notice.js";
import { bone, region } from "../views/region.js";
import { statusPill } from "../views/status-pill.js";
import { stepper } from "../views/stepper.js";

const LIVE_WORDS = { connecting: "Connecting…", open: "Live", waiting: "Connection lost, trying again…", closed: "Finished" };

export function orderPage({ params, signal }) {
  const body = h("div", { class: "page" });
  const heading = h("h1", {}, "Your order");
  let leaving;
  // As of another day the order is another one, with a timeline that ends there and is not followed.
  const begin = () => {
    leaving?.abort();
    leaving = new AbortController();
    heading.textContent = "Your order";
    showOrder(params.id, { heading, body, signal: AbortSignal.any([signal, leaving.signal]) });
  };
  moment.addEventListener("change", begin, { signal });
  begin();
  return {
    title: "Order",
    node: [h("div", { class: "page-head" }, heading, h("p", { class: "order-id", "data-testid": "order-id" }, params.id)), body],
  };
}

function showOrder(id, { heading, body, signal }) {
  const order = { id, timeline: [], status: undefined, isKnown: false };
  const following = new AbortController();
  const view = timelineView(order, signal);
  const opening = orderView(id, signal);
  const load = first(opening.then(({ order: loaded }) => loaded), (mine) => orderById(id, mine));
  const receipt = region({
    signal,
    label: "The order",
    load: (mine) => load(mine).catch((error) => {
      // The timeline is told from the order's own events; the receipt's read model has not come so far then.
      throw error.kind === "missing" && order.isKnown ? new Problem("behind", { service: error.service }) : error;
    }),
    missing: () => {
      following.abort();
      heading.textContent = moment.isPast ? "Not placed yet" : "There is no such order";
      announce(heading.textContent);
      put(body, moment.isPast ? pastNotice("This order is of a later day", `On ${moment.label} it had not been placed.`)
        : empty("orders", "Nothing is known of this order", "The address may be mistyped.", h("a", { class: "button", href: "/orders" }, "My orders")));
      return [];
    },
    bones: () => h("div", { class: "card padded stack" }, bone("60%", "1.2rem"), bone("100%", "5rem")),
    show: (loaded) => {
      order.lines = loaded.lines;
      order.status ??= loaded.status;
      for (const entry of loaded.timeline ?? []) addEntry(order.timeline, entry);
      view.refresh();
      // By the timeline, which is told from the order's own events: what was loaded may be behind it.
      return [facts(loaded), receiptCard(loaded, isDelivered(order))];
    },
  });
  // One that is delivered while it is looked at can be reviewed from then on.
  view.onDelivered = () => receipt.reload();
  receipt.node.classList.add("page");
  view.node.querySelector(".timeline-actions").append(invoiceLink(order.id, view.paid, opening.then(({ invoice }) => invoice, () => undefined), signal));
  put(body, view.node, receipt.node, h("p", {}, h("a", { href: "/orders" }, "All my orders")));
  if (!moment.isPast) view.follow(AbortSignal.any([signal, following.signal]));
}

const isDelivered = (order) => order.status === "delivered" && !moment.isPast;

function timelineView(order, signal) {
  const steps = stepper();
  const pill = h("span", { "data-testid": "status" });
  const live = h("span", { class: "live" });
  const ending = h("div");
  const actions = h("div", { class: "row" });
  const paid = new EventTarget();
  let offered;
  const node = h("section", { class: "card timeline", "aria-label": "Timeline" },
    h("div", { class: "timeline-head" }, h("div", { class: "row" }, h("h2", {}, "Timeline"), pill), live),
    steps.node, ending, h("div", { class: "row timeline-actions" }, actions));

  const refresh = (fresh) => {
    order.status = statusOf(order.timeline, order.status);
    steps.show(order.timeline, fresh);
    put(pill, order.status ? statusPill(order.status) : null);
    put(ending, endingOf(order));
    // Only what is new is drawn, so that a button keeps the focus while stages come in.
    const offer = moment.isPast ? null : isFinal(order.status) ? (order.lines?.length ? "again" : null) : isCancellable(order.status) ? "cancel" : null;
    if (offer !== offered) put(actions, offer === "again" ? againButton(order) : offer === "cancel" ? cancelButton(order, signal) : null);
    offered = offer;
  };
  const onState = (state) => {
    order.isKnown ||= state === "open";
    live.dataset.live = state;
    live.textContent = LIVE_WORDS[state];
  };
  const onStage = (entry) => {
    if (addEntry(order.timeline, entry)) {
      refresh(entry.event);
      announce(`${labelOf(entry.status)}, ${timeOf(entry.at)}`);
      if (entry.event === "OrderPaid") paid.dispatchEvent(new Event("paid"));
      if (entry.event === "OrderDelivered") view.onDelivered?.();
    }
    return !isFinal(order.status);
  };
  refresh();
  const view = { node, refresh, paid, follow: (until) => followTimeline(`${orderPath(order.id)}/timeline/live`, { signal: until, onStage, onState }) };
  return view;
}

function endingOf(order) {
  if (order.status === "delivered") return notice("ok", "Delivered", moment.isPast ? "" : "Enjoy it! You can order the same again at any time.");
  const stop = Object.entries(STOPS).find(([, stop]) => stop.status === order.status);
  if (!stop) return null;
  const entry = order.timeline.findLast((entry) => entry.event === stop[0]);
  return notice("bad", stop[1].title, [entry?.note ? `${capital(entry.note)}. ` : "", stop[1].advice].join(""));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");

function againButton(order) {
  const again = () => {
    for (const line of order.lines) cart.add({ id: line.product_id, name: readable(line.name), price_cents: line.unit_price_cents }, line.quantity);
    go("/cart");
  };
  return h("button", { class: "button quiet", type: "button", "data-testid": "again", onclick: again }, icon("retry"), "Order this again");
}

// Asked twice, as it cannot be undone; the key is made once, so that another try is the same cancellation.
function cancelButton(order, signal) {
  const key = newId();
  const trouble = h("div");
  const button = h("button", { class: "link-button danger", type: "button", onclick: ask }, "Cancel this order");
  let asked = false;
  async function ask() {
    if (!asked) {
      asked = true;
      button.textContent = "Yes, cancel this order";
      announce("Press again to cancel the order");
      return;
    }
    button.disabled = true;
    try {
      await cancelOrder(order.id, "changed my mind", key);
      announce("The order is being cancelled");
    } catch (error) {
      if (signal.aborted) toast("The order could not be cancelled", { href: `/orders/${encodeURIComponent(order.id)}`, label: "See it" });
      else put(trouble, errorNotice(error, error.transient ? ask : null, { title: "The order could not be cancelled" }));
    } finally {
      button.disabled = false;
    }
  }
  return [button, trouble];
}

function facts(order) {
  return h("div", { class: "order-facts" },
    h("span", {}, "Placed ", h("time", { datetime: order.placed_at }, momentOf(order.placed_at))),
    h("span", {}, `Customer ${order.customer_id}`),
    h("span", {}, plural(order.lines.length, "product")));
}

function receiptCard(order, canReview) {
  const row = (line) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `/product/${encodeURIComponent(line.product_id)}` }, readable(line.name) || `Product ${line.product_id}`),
      canReview ? h("a", { class: "review-link", href: `/product/${encodeURIComponent(line.product_id)}?review=new`, "aria-label": `Review ${readable(line.name)}` }, "Review") : null),
    h("td", { class: "number" }, line.quantity),
    h("td", { class: "number money unit" }, money(line.unit_price_cents)),
    h("td", { class: "number money" }, money(line.line_total_cents)));
  return h("section", { class: "card receipt", "aria-label": "Receipt" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Product"), h("th", { scope: "col", class: "number" }, "Qty"), h("th", { scope: "col", class: "number unit" }, "Each"), h("th", { scope: "col", class: "number" }, "Sum"))),
    h("tbody", {}, order.lines.map(row)),
    h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "Total"), h("td", {}), h("td", { class: "unit" }), h("td", { class: "number money" }, money(order.total_cents))))));
}
