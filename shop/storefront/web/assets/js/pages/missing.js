import { h } from "../dom.js";
import { empty } from "../views/notice.js";

/** A path that leads nowhere. */
export function missingPage() {
  return {
    title: "Not found",
    node: [h("h1", {}, "This page does not exist"), empty("wind", "Blown off course", "The address may be mistyped, or the page has moved.", h("a", { class: "button", href: "/" }, "Go to the shop"))],
  };
}
