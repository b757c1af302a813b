// The life of an order: six stages, and the three ways in which it ends early.

export const STAGES = [
  { event: "OrderCreated", status: "created", label: "Placed", icon: "receipt" },
  { event: "OrderApproved", status: "approved", label: "Approved", icon: "check" },
  { event: "OrderPaid", status: "paid", label: "Paid", icon: "card" },
  { event: "OrderPrepared", status: "prepared", label: "Packed", icon: "box" },
  { event: "OrderShipped", status: "shipped", label: "On its way", icon: "truck" },
  { event: "OrderDelivered", status: "delivered", label: "Delivered", icon: "home" },
];

export const STOPS = {
  OrderRejected: { status: "rejected", label: "Rejected", title: "This order was not accepted", advice: "Nothing was charged." },
  OrderPaymentFailed: { status: "payment-failed", label: "Payment failed", title: "The payment did not go through", advice: "Nothing was charged and nothing will be delivered. You can order again." },
  OrderCancelled: { status: "cancelled", label: "Cancelled", title: "This order was cancelled", advice: "It will not be delivered." },
};

const LABELS = Object.fromEntries([...STAGES, ...Object.values(STOPS)].map((stage) => [stage.status, stage.label]));

export const labelOf = (status) => LABELS[status] ?? status ?? "Unknown";
export const toneOf = (status) => (status === "delivered" ? "done" : isStopped(status) ? "bad" : "going");
export const isStopped = (status) => Object.values(STOPS).some((stop) => stop.status === status);

/** Nothing follows these. */
export const isFinal = (status) => status === "delivered" || isStopped(status);
export const isCancellable = (status) => ["created", "approved", "paid", "prepared"].includes(status);

/** Adds one entry to a timeline in which an entry may be told more than once; says whether it was new. */
export function addEntry(timeline, entry) {
  if (timeline.some((known) => known.event === entry.event && known.at === entry.at)) return false;
  timeline.push(entry);
  timeline.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return true;
}

/** The status that a timeline has come to; stages that this page does not know are passed over. */
export function statusOf(timeline, otherwise) {
  const known = timeline.map((entry) => STOPS[entry.event] ?? STAGES.find((stage) => stage.event === entry.event)).filter(Boolean);
  const stop = known.findLast((stage) => isStopped(stage.status));
  const furthest = STAGES.findLast((stage) => known.includes(stage));
  return stop?.status ?? furthest?.status ?? otherwise;
}

/** The six stages as the stepper shows them: done, next, ahead; or stopped and never, when the order ended early. */
export function stepsOf(timeline) {
  const entryOf = (event) => timeline.findLast((entry) => entry.event === event);
  const stop = Object.keys(STOPS).map((event) => ({ event, entry: entryOf(event) })).filter(({ entry }) => entry).at(-1);
  let open = true;
  return STAGES.map((stage) => {
    const entry = entryOf(stage.event);
    if (entry) return { ...stage, state: "done", at: entry.at, note: entry.note };
    if (!open) return { ...stage, state: stop ? "never" : "ahead" };
    open = false;
    if (!stop) return { ...stage, state: "next" };
    return { ...stage, state: "stopped", icon: "cross", label: STOPS[stop.event].label, at: stop.entry.at, note: stop.entry.note };
  });
}
