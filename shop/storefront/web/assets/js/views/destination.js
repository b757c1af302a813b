// Where an order goes: the customer's address as it is known, or fields for it. Without the customers' service, and
// without an address, an order can be placed all the same: the invoice follows when the address is known.

import { customerById, registerCustomer } from "../customers.js";
import { h, put } from "../dom.js";
import { newId } from "../ids.js";
import { addressBlock } from "./address.js";
import { addressFields } from "./address-form.js";
import { bone, region } from "./region.js";

const DEBOUNCE_MS = 250;

export function destination(signal) {
  const place = h("div");
  let customer;
  let fields;
  let key;
  let timer;
  let turn;
  const nobody = () => put(place, h("p", { class: "muted" }, "Say first who is ordering."));

  function look() {
    turn?.abort();
    turn = new AbortController();
    fields = undefined;
    if (!customer) return nobody();
    put(place, region({
      signal: AbortSignal.any([signal, turn.signal]),
      label: "The address",
      compact: "Your address can't be shown right now. You can order all the same.",
      load: (mine) => customerById(customer, mine),
      bones: () => bone("60%", "4.5rem"),
      missing: () => {
        key = newId();
        fields = addressFields({ kind: "both", prefix: "ship", values: { country: "United States" } });
        fields.node.addEventListener("input", () => { key = newId(); });
        return h("div", { class: "stack" }, h("p", { class: "muted" }, "No name and address are known yet. They are needed for the invoice; you can also add them later, in your account."), fields.node);
      },
      show: ({ name, address }) => h("div", { class: "stack", "data-testid": "ship-to" }, addressBlock(address, name), h("p", {}, h("a", { href: "/account" }, "Change the address"))),
    }).node);
  }

  return {
    node: place,
    show(id) {
      if (id === customer && place.firstChild) return;
      customer = id;
      clearTimeout(timer);
      if (place.firstChild) timer = setTimeout(look, DEBOUNCE_MS);
      else look();
    },
    /** Either nothing is filled in, or all that is needed. */
    check: () => !fields || fields.isEmpty || fields.check(),
    async save(progress) {
      if (!fields || fields.isEmpty) return;
      progress("Saving your address…");
      await registerCustomer(customer, fields, key);
      fields = undefined;
    },
  };
}
