// How many: a number between two buttons.

import { MOST_OF_ONE } from "../cart.js";
import { h } from "../dom.js";

export function quantityField({ value, name, onChange }) {
  const input = h("input", { type: "number", min: 1, max: MOST_OF_ONE, value, inputmode: "numeric", "aria-label": `Quantity of ${name}` });
  const less = h("button", { type: "button", "aria-label": `One ${name} less` }, "−");
  const more = h("button", { type: "button", "aria-label": `One ${name} more` }, "+");
  const set = (wanted) => {
    const quantity = Math.min(MOST_OF_ONE, Math.max(1, Math.trunc(Number(wanted)) || 1));
    input.value = quantity;
    // Not disabled: that would take the focus from who has just pressed it.
    less.setAttribute("aria-disabled", String(quantity <= 1));
    more.setAttribute("aria-disabled", String(quantity >= MOST_OF_ONE));
    return quantity;
  };
  less.addEventListener("click", () => onChange(set(Number(input.value) - 1)));
  more.addEventListener("click", () => onChange(set(Number(input.value) + 1)));
  input.addEventListener("change", () => onChange(set(input.value)));
  set(value);
  return {
    node: h("div", { class: "quantity", role: "group", "aria-label": `Quantity of ${name}` }, less, input, more),
    get value() {
      return Number(input.value);
    },
    /** Shows another number, without telling `onChange`. */
    set value(wanted) {
      if (Number(input.value) !== wanted) set(wanted);
    },
  };
}
