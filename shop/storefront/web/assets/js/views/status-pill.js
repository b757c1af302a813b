import { h } from "../dom.js";
import { labelOf, toneOf } from "../stages.js";

/** Where an order stands, in a word and a colour. */
export const statusPill = (status) => h("span", { class: `pill ${toneOf(status)}`, "data-status": status }, labelOf(status));
