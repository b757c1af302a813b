// Writing a review: stars are enough, words are welcome. Who has received the product can write one, and change it.

import { deliveredTo, reviewsOf, reviseReview, writeReview } from "../catalog.js";
import { currentCustomer } from "../customer.js";
import { h, put } from "../dom.js";
import { newId } from "../ids.js";
import { moment } from "../moment.js";
import { whenThere } from "../patience.js";
import { region } from "./region.js";
import { savingForm } from "./saving.js";
import { stars } from "./stars.js";

const WORDS = ["", "Poor", "Fair", "Good", "Very good", "Excellent"];
const TITLE_MAX = 120;
const TEXT_MAX = 5_000;
const TRIES = 6;

/** `isOpen` opens the form at once; `changed()` is told when a review was saved. */
export function reviewForm({ product, isOpen, changed, signal }) {
  const me = currentCustomer();
  if (!me) return null;
  const place = region({
    signal,
    label: "Your review",
    compact: "Whether you can review it can't be told right now.",
    load: (mine) => mayReview(me, product, isOpen ? TRIES : 1, mine),
    missing: () => [],
    show: ({ isDelivered, own }) => {
      if (moment.isPast) return [];
      if (!isDelivered && !own) return h("p", { class: "muted small" }, "You can review it once it has been delivered to you.");
      const saved = () => {
        isOpen = false;
        place.reload();
        changed();
      };
      return asked({ label: own ? "Change my review" : "Write a review", isOpen, form: (close) => form({ product, me, own, saved, close }) });
    },
  });
  return place.node;
}

// Who comes from an order that has just been delivered may be here before the catalogue has heard of it.
async function mayReview(me, product, tries, signal) {
  const [delivered, own] = await Promise.allSettled([whenThere(() => deliveredTo(me, product.id, signal), { tries, signal }), reviewsOf(product.id, { customer: me, limit: 1 }, signal)]);
  if (own.status === "rejected") throw own.reason;
  if (delivered.status === "rejected" && delivered.reason.kind !== "missing") throw delivered.reason;
  return { isDelivered: delivered.status === "fulfilled", own: own.value.items[0] };
}

function asked({ label, isOpen, form }) {
  const place = h("div");
  const button = h("button", { class: "button quiet", type: "button", "data-testid": "write-review", onclick: () => {
    open();
    place.querySelector("input").focus();
  } }, label);
  const open = () => put(place, form(() => {
    put(place, button);
    button.focus();
  }));
  if (isOpen) open();
  else put(place, button);
  return place;
}

function form({ product, me, own, saved, close }) {
  const reviewId = own?.id ?? newId();
  const given = starField(own?.stars);
  const title = h("input", { id: "review-title", maxlength: TITLE_MAX, autocomplete: "off", value: own?.title });
  const text = h("textarea", { id: "review-text", maxlength: TEXT_MAX, rows: 4 }, own?.text ?? "");
  const optional = h("span", { class: "muted small" }, " (if you like)");
  return h("div", { class: "card padded", "data-testid": "review-form" }, savingForm({
    fields: [given.node,
      h("div", { class: "field" }, h("label", { for: "review-title" }, "In a few words", optional), title),
      h("div", { class: "field" }, h("label", { for: "review-text" }, "In more words", optional.cloneNode(true)), text)],
    label: own ? "Save the review" : "Send the review",
    check: () => given.check(),
    save: (key) => (own ? reviseReview : writeReview)(product.id, reviewId, { customerId: me, stars: given.value, title: title.value.trim(), text: text.value.trim() }, key),
    saved,
    done: "Thank you: your review is saved",
    cancel: close,
  }));
}

// Radio buttons, so that arrows choose and a screen reader counts them.
function starField(value) {
  const problem = h("p", { class: "problem", role: "alert" });
  const radios = [5, 4, 3, 2, 1].map((many) => h("input", { type: "radio", name: "stars", value: many, id: `stars-${many}`, checked: many === value, onchange: () => { problem.textContent = ""; } }));
  const chosen = () => Number(radios.find((radio) => radio.checked)?.value ?? 0);
  return {
    node: h("fieldset", { class: "star-field" }, h("legend", {}, "How good is it?"),
      radios.map((radio) => h("label", { for: radio.id }, radio, stars(Number(radio.value)), h("span", {}, WORDS[radio.value]))), problem),
    get value() {
      return chosen();
    },
    check() {
      if (chosen()) return true;
      problem.textContent = "Please choose from one to five stars.";
      radios[0].focus();
      return false;
    },
  };
}
