// The buttons that buy, and why there are none while the shop is shown as of another day.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { moment } from "../moment.js";
import { travel } from "../router.js";
import { toast } from "../shell.js";
import { notice } from "./notice.js";

/** A button that does something only now; in the past it says why it does not. */
export function buyButton({ label, spoken, iconName, big = false, testid, onclick }) {
  const act = () => (moment.isPast ? toast("Nothing can be bought in the past: go back to now first.") : onclick());
  return h("button", { class: `button${big ? " big" : ""}`, type: "button", "aria-label": spoken, "data-testid": testid, "aria-disabled": moment.isPast ? "true" : null, onclick: act }, icon(iconName), label);
}

/** Why something cannot be done, with the way back. */
export const pastNotice = (title, text = "You are looking at the shop as it was; what is done, is done now.") =>
  notice("past", title, text, h("button", { class: "button quiet", type: "button", onclick: () => travel(null) }, "Back to now"));
