// Who is shopping. There is no sign-in yet: a customer number is enough, and this browser remembers the last ones.

import { load, save } from "./storage.js";

export const currentCustomer = () => load("customers", [])[0] ?? "";
export const recentCustomers = () => load("customers", []);

export function rememberCustomer(id) {
  save("customers", [id, ...load("customers", []).filter((other) => other !== id)].slice(0, 5));
}

/** A number that none of the sample's households has: those end below 10,000. */
export const newCustomerNumber = () => String(1_000_000 + crypto.getRandomValues(new Uint32Array(1))[0] % 9_000_000);

/** What is wrong with a customer number, or null. */
export function customerProblem(id) {
  if (!id) return "Enter a customer number, or take a new one.";
  return /^[0-9]{1,12}$/.test(id) ? null : "A customer number has only digits, at most twelve.";
}
