// The catalogue's API.

import { command, get } from "./api.js";
import { bandOf } from "./wanted.js";

const PRODUCTS = "/web/catalog/products";
const pathOf = (id) => `${PRODUCTS}/${encodeURIComponent(id)}`;

/** Products that match; with `facets`, what else could be chosen, and how many products that would find. */
export function findProducts({ q, department, category, brand, size, price, rating, sort, after, limit = 24, facets }, signal) {
  const { min, max } = bandOf(price) ?? {};
  return get(PRODUCTS, { signal, params: { q, department, category, brand, size, price_min_cents: min, price_max_cents: max, rating_min: rating, sort, facets, after, limit } });
}

export const productById = (id, signal) => get(pathOf(id), { signal });

export const allDepartments = (signal) => get("/web/catalog/departments", { signal }).then((answer) => answer.items);

/** What a product's reviews come to: `average`, `count`, and how many give so many stars. */
export const ratingOf = (id, signal) => get(`${pathOf(id)}/rating`, { signal });

export const reviewsOf = (id, { sort, customer, after, limit = 5 } = {}, signal) =>
  get(`${pathOf(id)}/reviews`, { signal, params: { sort, customer, after, limit } });

/** Whether a product was delivered to a customer, who may review it then: as ordering has told it. */
export const deliveredTo = (customer, id, signal) =>
  get(`/web/catalog/customers/${encodeURIComponent(customer)}/delivered/${encodeURIComponent(id)}`, { signal, ownWrites: false });

export const writeReview = (id, reviewId, { customerId, stars, title, text }, key) =>
  command(`${pathOf(id)}/reviews`, { review_id: reviewId, customer_id: customerId, stars, title, text }, { key });

export const reviseReview = (id, reviewId, { customerId, stars, title, text }, key) =>
  command(`${pathOf(id)}/reviews/${encodeURIComponent(reviewId)}`, { customer_id: customerId, stars, title, text }, { key, method: "PUT" });

export const findHelpful = (id, reviewId, { customerId, key }) =>
  command(`${pathOf(id)}/reviews/${encodeURIComponent(reviewId)}/helpful`, { customer_id: customerId }, { key });

/** What a product has cost, the newest price first. */
export const pricesOf = (id, signal) => get(`${pathOf(id)}/prices`, { signal, params: { limit: 100 } }).then((answer) => answer.items);
