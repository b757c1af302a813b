// What customers say of a product: what it comes to, and one review after the other.

import { findHelpful, ratingOf, reviewsOf } from "../catalog.js";
import { first } from "../composed.js";
import { currentCustomer } from "../customer.js";
import { h, put } from "../dom.js";
import { dateOf, plural } from "../format.js";
import { newId } from "../ids.js";
import { moment } from "../moment.js";
import { announce } from "../shell.js";
import { errorNotice } from "./notice.js";
import { moreButton } from "./more.js";
import { bone, region } from "./region.js";
import { reviewForm } from "./review-form.js";
import { stars } from "./stars.js";

const SORTS = [["", "Newest"], ["most-helpful", "Most helpful"]];

/**
 * `brought` has the `rating` and the first `reviews` that came with the product, if any. `isWriting` opens the form: who
 * comes from a delivered order wants to write.
 */
export function reviews(product, brought, isWriting, signal) {
  let sort = "";
  const load = (after, mine) => reviewsOf(product.id, { sort, after }, mine);
  const summary = region({
    signal,
    label: "The rating",
    compact: "What customers say can't be shown right now.",
    load: first(brought.rating, (mine) => ratingOf(product.id, mine)),
    bones: () => bone("100%", "9rem"),
    // A catalogue without reviews has no heading for them either.
    missing: () => [],
    show: (rating) => {
      section.hidden = false;
      return distribution(rating);
    },
  });
  const list = region({
    signal,
    label: "The reviews",
    compact: "The reviews can't be shown right now.",
    load: first(brought.reviews, (mine) => load(undefined, mine)),
    bones: () => bone("100%", "6rem"),
    missing: () => [],
    show: ({ items, next }) => {
      if (!items.length) return h("p", { class: "muted" }, moment.isPast ? "Nobody had written about it by that day." : "Nobody has written about it yet.");
      const row = (review) => reviewItem(product.id, review);
      const rows = h("ol", { class: "reviews" }, items.map(row));
      return [items.length > 1 ? sorting(sort, (chosen) => {
        sort = chosen;
        list.reload();
      }) : null, rows, next ? moreButton({ list: rows, next, signal, row, label: "Show more reviews", load }) : null];
    },
  });
  const changed = () => {
    summary.reload();
    list.reload();
  };
  const section = h("section", { class: "stack review-section", "aria-labelledby": "reviews", hidden: true },
    h("h2", { id: "reviews" }, "What customers say"),
    h("div", { class: "review-columns" },
      h("div", { class: "stack" }, summary.node, reviewForm({ product, isOpen: isWriting, changed, signal })),
      list.node));
  list.node.classList.add("stack");
  return section;
}

function distribution({ average, count, distribution: bands }) {
  if (!count) return h("p", { class: "muted" }, "No rating yet");
  return h("div", { class: "stack" },
    h("p", { class: "score" }, h("strong", {}, average.toFixed(1)), stars(average), h("span", { class: "muted small" }, plural(count, "review"))),
    h("table", { class: "bands" }, h("caption", { class: "visually-hidden" }, "How many reviews give so many stars"),
      h("tbody", {}, bands.map(({ stars: many, count: given }) => {
        const fill = h("div", { class: "fill" });
        fill.style.setProperty("--share", given / count);
        return h("tr", {}, h("th", { scope: "row" }, plural(many, "star")), h("td", { "aria-hidden": "true" }, h("div", { class: "track" }, fill)), h("td", { class: "number" }, given));
      }))));
}

function sorting(sort, choose) {
  return h("div", { class: "row" }, h("label", { class: "sort" }, h("span", { class: "muted small" }, "Sort"),
    h("select", { "data-keep": "review-sort", onchange: (event) => choose(event.target.value) }, SORTS.map(([value, label]) => h("option", { value, selected: value === sort }, label)))));
}

function reviewItem(product, review) {
  const { customer_id: who, stars: given, title, text, written_at: at, revised_at: revised } = review;
  return h("li", { class: "review", "data-review": review.id },
    h("p", { class: "review-head" }, stars(given), title ? h("strong", {}, title) : null),
    text ? h("p", { class: "review-text" }, text) : null,
    h("p", { class: "muted small review-foot" }, `Customer ${who} · ${dateOf(at)}${revised ? `, revised ${dateOf(revised)}` : ""}`, helpful(product, review)));
}

// Said once by each customer, and not of their own.
function helpful(product, { id, customer_id: author, helpful: many }) {
  const me = currentCustomer();
  const words = h("span", {}, many ? ` · helped ${many}` : "");
  if (!me || me === author || moment.isPast) return words;
  const key = newId();
  const place = h("span", { class: "helpful" }, words);
  const button = h("button", { class: "link-button", type: "button", onclick: say }, "Helpful");
  async function say() {
    button.disabled = true;
    try {
      await findHelpful(product, id, { customerId: me, key });
      put(place, ` · helped ${many + 1}, also you`);
      announce("Thank you");
    } catch (error) {
      if (error.transient) put(place, errorNotice(error, say, { compact: "That could not be saved." }));
      else put(place, words, " · that was not possible");
    } finally {
      button.disabled = false;
    }
  }
  place.append(button);
  return place;
}
