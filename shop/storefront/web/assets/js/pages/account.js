// A customer's name and address, and where they have lived.

import { rememberCustomer } from "../customer.js";
import { addressesOf, changeAddress, changeName, customerById, registerCustomer } from "../customers.js";
import { h, put } from "../dom.js";
import { dateOf } from "../format.js";
import { moment } from "../moment.js";
import { addressBlock } from "../views/address.js";
import { addressFields } from "../views/address-form.js";
import { pastNotice } from "../views/buying.js";
import { notice } from "../views/notice.js";
import { bone, region } from "../views/region.js";
import { savingForm } from "../views/saving.js";
import { customerOf, nobody, you } from "../views/you.js";

export function accountPage({ query, signal }) {
  const customer = customerOf(query);
  const head = you({ title: "Account", path: "/account", customer });
  if (!customer) return { title: "Account", node: [head, nobody()] };
  const profile = region({
    signal,
    label: "Your name and address",
    load: (mine) => customerById(customer, mine),
    bones: () => h("div", { class: "card padded stack" }, bone("40%", "1.4rem"), bone("60%", "4rem")),
    missing: () => (moment.isPast
      ? pastNotice("Not known on that day", `Nobody had registered as customer ${customer} by then.`)
      : registration(customer, changed)),
    show: (known) => profileCards(known, changed),
  });
  const history = region({
    signal,
    label: "Your earlier addresses",
    compact: "Your earlier addresses can't be shown right now.",
    load: (mine) => addressesOf(customer, mine),
    bones: () => h("div", { class: "card padded" }, bone("100%", "5rem")),
    missing: () => [],
    show: addressHistory,
  });
  const changed = () => {
    profile.reload();
    history.reload();
  };
  return { title: "Account", node: [head, profile.node, history.node] };
}

function profileCards({ id, name, address, address_since: since }, changed) {
  return h("div", { class: "cards" },
    editable({ title: "Name", isOff: moment.isPast, show: h("p", { class: "big-text" }, name), hint: `Customer ${id}`, form: (close) => {
      const fields = addressFields({ kind: "name", prefix: "name", values: { name } });
      return savingForm({ fields: fields.node, label: "Save the name", check: () => fields.check(), save: (key) => changeName(id, fields.name, key), saved: changed, done: "The name is saved", cancel: close });
    } }),
    editable({ title: "Address", isOff: moment.isPast, show: addressBlock(address), hint: `Since ${dateOf(since)}`, testid: "change-address", form: (close) => {
      const fields = addressFields({ kind: "address", prefix: "address", values: address });
      return savingForm({ fields: [h("p", { class: "muted small" }, "It holds from now on. Invoices for earlier orders keep the address of their day."), fields.node], label: "Save the address", check: () => fields.check(), save: (key) => changeAddress(id, fields.address, key), saved: changed, done: "The address is saved", cancel: close });
    } }));
}

// What is there, and behind a button the form that changes it.
function editable({ title, show, hint, form, isOff, testid }) {
  const body = h("div", { class: "stack" });
  const open = h("button", { class: "button quiet", type: "button", "data-testid": testid, "aria-label": `Change the ${title.toLowerCase()}`, onclick: () => {
    put(body, form(close));
    body.querySelector("input").focus();
  } }, "Change");
  const rest = () => put(body, show, h("div", { class: "card-foot" }, h("p", { class: "muted small" }, hint), isOff ? null : open));
  const close = () => {
    rest();
    open.focus();
  };
  rest();
  return h("section", { class: "card padded stack", "aria-label": title }, h("h2", {}, title), body);
}

function registration(customer, changed) {
  const fields = addressFields({ kind: "both", prefix: "new", values: { country: "United States" } });
  return h("section", { class: "card padded stack", "aria-labelledby": "register" },
    h("h2", { id: "register" }, "Who are you?"),
    h("p", { class: "muted" }, `Customer ${customer} has no name and address yet. With them, invoices can be written, also for orders of before.`),
    savingForm({ fields: fields.node, label: "Save name and address", check: () => fields.check(), done: "Name and address are saved", saved: () => {
      rememberCustomer(customer);
      changed();
    }, save: (key) => registerCustomer(customer, fields, key) }));
}

function addressHistory(items) {
  if (!items.length) return notice("info", "No address was known on that day");
  return h("section", { class: "card padded stack", "aria-labelledby": "addresses" },
    h("h2", { id: "addresses" }, "Addresses over time"),
    h("ol", { class: "over-time" }, items.map(({ address, since, until }) => h("li", { class: until ? "" : "present" },
      h("p", { class: "small muted" }, h("time", { datetime: since }, dateOf(since)), until ? [" to ", h("time", { datetime: until }, dateOf(until))] : moment.isPast ? " until that day" : " until today"),
      addressBlock(address)))));
}
