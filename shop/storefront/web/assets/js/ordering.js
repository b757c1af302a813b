// The order desk's API.

import { command, get } from "./api.js";

const ORDERS = "/api/ordering/orders";

export const orderPath = (id) => `${ORDERS}/${encodeURIComponent(id)}`;

export const placeOrder = ({ orderId, customerId, lines, key }, { signal, onRetry } = {}) =>
  command(ORDERS, { order_id: orderId, customer_id: customerId, lines }, { key, signal, onRetry });

export const orderById = (id, signal) => get(orderPath(id), { signal });

export const cancelOrder = (id, reason, key, signal) => command(`${orderPath(id)}/cancel`, { reason }, { key, signal });

export const ordersOf = (customerId, { after, limit = 20 } = {}, signal) =>
  get(`/api/ordering/customers/${encodeURIComponent(customerId)}/orders`, { signal, params: { after, limit } });

export const sales = ({ by, from, to }, signal) => get("/api/ordering/sales", { signal, params: { by, from, to } });
