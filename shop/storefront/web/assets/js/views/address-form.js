// Fields for a name and an address, with what is wrong with them said beside each.

import { h } from "../dom.js";

const TEXT_MAX = 100;
const NAME = { field: "name", label: "Name", autocomplete: "name", isNeeded: true };
const ADDRESS = [
  { field: "street", label: "Street and number", autocomplete: "street-address", isNeeded: true },
  { field: "postal_code", label: "Postal code", autocomplete: "postal-code" },
  { field: "city", label: "City", autocomplete: "address-level2", isNeeded: true },
  { field: "region", label: "State or province", autocomplete: "address-level1" },
  { field: "country", label: "Country", autocomplete: "country-name", isNeeded: true },
];

/** `kind` is "name", "address" or "both"; `prefix` keeps the ids of two forms on a page apart. */
export function addressFields({ kind, prefix, values = {} }) {
  const wanted = [...(kind === "address" ? [] : [NAME]), ...(kind === "name" ? [] : ADDRESS)];
  const fields = wanted.map((one) => field(one, prefix, values[one.field]));
  const valueOf = Object.fromEntries(fields.map((one) => [one.name, one]));
  const text = (name) => valueOf[name]?.input.value.trim() ?? "";
  return {
    node: h("div", { class: "fields" }, fields.map((one) => one.node)),
    get isEmpty() {
      return fields.every(({ input, name }) => name === "country" || !input.value.trim());
    },
    get name() {
      return text("name");
    },
    get address() {
      return Object.fromEntries(ADDRESS.map(({ field: name }) => [name, text(name)]));
    },
    /** Marks what is missing, goes to the first of it, and says whether all is well. */
    check() {
      const wrong = fields.filter((one) => !one.check());
      wrong[0]?.input.focus();
      return wrong.length === 0;
    },
  };
}

function field({ field: name, label, autocomplete, isNeeded }, prefix, value = "") {
  const id = `${prefix}-${name}`;
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "alert" });
  const input = h("input", { id, name, autocomplete, maxlength: TEXT_MAX, value, "aria-required": isNeeded ? "true" : null, "aria-describedby": `${id}-problem` });
  input.addEventListener("input", () => {
    problem.textContent = "";
    input.removeAttribute("aria-invalid");
  });
  return {
    name,
    input,
    node: h("div", { class: `field field-${name}` }, h("label", { for: id }, label, isNeeded ? null : h("span", { class: "muted small" }, " (if any)")), input, problem),
    check() {
      const isMissing = isNeeded && !input.value.trim();
      problem.textContent = isMissing ? `${label} is missing.` : "";
      if (isMissing) input.setAttribute("aria-invalid", "true");
      return !isMissing;
    },
  };
}
