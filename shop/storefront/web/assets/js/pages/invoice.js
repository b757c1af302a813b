// One invoice, as it is printed: the invoice office's own page in a frame, so that what is seen is what is on paper.

import { h } from "../dom.js";
import { dateOf, money } from "../format.js";
import { icon } from "../icons.js";
import { documentByNumber, documentPath, isThere } from "../invoicing.js";
import { moment } from "../moment.js";
import { announce } from "../shell.js";
import { pastNotice } from "../views/buying.js";
import { empty, notice } from "../views/notice.js";
import { bone, region } from "../views/region.js";

export function invoicePage({ params, signal }) {
  const { number } = params;
  const main = region({
    signal,
    label: "The invoice",
    load: (mine) => documentByNumber(number, mine),
    bones: () => bone("100%", "40rem"),
    missing: () => {
      const title = moment.isPast ? "Not written yet" : "There is no such invoice";
      announce(title);
      return moment.isPast ? pastNotice(title, `${number} had not been written by that day.`)
        : empty("receipt", title, "The address may be mistyped.", h("a", { class: "button", href: "/invoices" }, "My invoices"));
    },
    show: (document) => paper(document, signal),
  });
  return { title: number, node: [h("div", { class: "page-head" }, h("h1", {}, number), h("a", { href: "/invoices" }, "All my invoices")), main.node] };
}

function paper(document, signal) {
  const { number, kind, dated, total_cents: cents, order_id: order, credit_note: note, invoice } = document;
  const path = documentPath(number, "html");
  const frame = h("iframe", { class: "paper", src: path, title: `${kind === "invoice" ? "Invoice" : "Credit note"} ${number}`, sandbox: "allow-same-origin allow-modals", onload: (event) => fit(event.target) });
  const pdf = h("a", { class: "button quiet", href: documentPath(number, "pdf"), download: `${number}.pdf`, hidden: true, "data-testid": "pdf" }, icon("download"), "PDF");
  isThere(documentPath(number, "pdf"), signal).then((there) => { pdf.hidden = !there; });
  return h("div", { class: "stack" },
    note ? notice("warn", "This invoice was taken back", null, h("a", { href: `/invoices/${encodeURIComponent(note)}` }, note)) : null,
    h("div", { class: "row paper-bar" },
      h("p", {}, h("strong", { class: "money" }, money(cents)), h("span", { class: "muted" }, ` · ${dateOf(`${dated}T12:00:00Z`)}`)),
      h("button", { class: "button", type: "button", "data-testid": "print", onclick: () => frame.contentWindow.print() }, icon("print"), "Print"),
      pdf,
      h("a", { class: "button quiet", href: path, target: "_blank", rel: "noopener" }, "Open alone", h("span", { class: "visually-hidden" }, ", in a new tab")),
      h("a", { class: "button quiet", href: `/orders/${encodeURIComponent(order)}` }, "The order"),
      invoice ? h("a", { class: "button quiet", href: `/invoices/${encodeURIComponent(invoice)}` }, "The invoice") : null),
    h("div", { class: "desk" }, frame));
}

// As high as what is in it, so that it needs no scrolling of its own.
function fit(frame) {
  const page = frame.contentDocument?.documentElement;
  if (!page) return;
  const size = () => { frame.style.height = `${page.ownerDocument.body.scrollHeight + 2}px`; };
  size();
  new ResizeObserver(size).observe(page);
}
