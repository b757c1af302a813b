// The invoice office's API: it only tells.

import { get } from "./api.js";

const DOCUMENTS = "/web/invoicing/documents";

/** Where a document is to look at and to print: `form` is "html" or "pdf". */
export const documentPath = (number, form) => `${DOCUMENTS}/${encodeURIComponent(number)}.${form}`;

export const documentByNumber = (number, signal) => get(`${DOCUMENTS}/${encodeURIComponent(number)}`, { signal });

export const documentsOf = (customerId, { after } = {}, signal) =>
  get(`/web/invoicing/customers/${encodeURIComponent(customerId)}/documents`, { signal, params: { after } });

/** The invoice of an order. Its positions are not those of a write of this browser: invoicing hears of orders. */
export const invoiceOf = (orderId, signal) => get(`/web/invoicing/orders/${encodeURIComponent(orderId)}/invoice`, { signal, ownWrites: false });

/** Whether a document can be had in a form: paper may be printed by the browser only. */
export async function isThere(path, signal) {
  const response = await fetch(path, { method: "HEAD", signal }).catch(() => null);
  return Boolean(response?.ok);
}
