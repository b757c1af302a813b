// The catalogue's API.

import { get } from "./api.js";

const PRODUCTS = "/api/catalog/products";

export const findProducts = ({ q, department, after, limit = 24 }, signal) =>
  get(PRODUCTS, { signal, params: { q, department, after, limit } });

export const productById = (id, signal) => get(`${PRODUCTS}/${encodeURIComponent(id)}`, { signal });

let departments;

/** The departments change seldom: asked for once in the life of the page, and again after a failure. */
export function allDepartments() {
  departments ??= get("/api/catalog/departments").then((answer) => answer.items).catch((error) => {
    departments = undefined;
    throw error;
  });
  return departments;
}
