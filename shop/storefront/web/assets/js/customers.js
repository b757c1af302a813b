// The customers' API: names, and addresses over time.

import { command, get } from "./api.js";

const pathOf = (id) => `/web/customers/${encodeURIComponent(id)}`;

export const customerById = (id, signal) => get(pathOf(id), { signal });

/** Where somebody has lived, the newest first. */
export const addressesOf = (id, signal) => get(`${pathOf(id)}/addresses`, { signal }).then((answer) => answer.items.toReversed());

export const registerCustomer = (id, { name, address }, key) => command("/web/customers", { customer_id: id, name, address }, { key });
export const changeAddress = (id, address, key) => command(`${pathOf(id)}/address`, { address }, { key });
export const changeName = (id, name, key) => command(`${pathOf(id)}/name`, { name }, { key });
