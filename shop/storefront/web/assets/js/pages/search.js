// Search and browse: departments, results, more results. The words come from the search box in the frame.

import { allDepartments, findProducts } from "../catalog.js";
import { lookOf } from "../departments.js";
import { h, put, s } from "../dom.js";
import { count, plural } from "../format.js";
import { icon } from "../icons.js";
import { announce } from "../shell.js";
import { empty, errorNotice } from "../views/notice.js";
import { productBones, productCard } from "../views/product-card.js";
import { bone, region } from "../views/region.js";
import { shelf } from "../views/shelf.js";

export function searchPage({ query, signal }) {
  let wanted = wantedOf(query);
  const top = h("div");
  const shelves = h("div", { class: "stack" });
  const chips = region({
    signal,
    label: "The list of departments",
    compact: "The departments can't be shown right now.",
    load: allDepartments,
    bones: () => h("div", { class: "departments" }, Array.from({ length: 7 }, () => bone("8rem", "2.6rem"))),
    show: (departments) => markPresent(departmentLinks(departments), wanted),
  });
  const results = region({
    signal,
    label: "The search",
    load: (mine) => findProducts(wanted, mine),
    bones: productBones,
    show: (found) => resultList(found, wanted, signal),
  });
  const page = {
    title: "",
    node: [top, h("nav", { "aria-label": "Departments" }, chips.node), shelves, h("section", { "aria-label": "Products" }, results.node)],
    update(next) {
      wanted = wantedOf(next);
      showTop();
      markPresent(chips.node, wanted);
      results.reload();
    },
  };
  const showTop = () => {
    page.title = wanted.q ? `“${wanted.q}”` : wanted.department ? lookOf(wanted.department).label : "";
    const browsing = !wanted.q && !wanted.department;
    put(top, browsing ? hero() : null);
    put(shelves, browsing ? SHELVES.map(([department, title]) => shelf(department, title, signal)) : null);
  };
  showTop();
  return page;
}

// What a grocer puts at the entrance. A catalogue without these departments has no shelves.
const SHELVES = [["Produce", "Fresh today"], ["Pastry", "From the bakery"]];

const wantedOf = ({ q = "", department }) => ({ q: q.trim(), department });

function departmentLinks(departments) {
  const chip = (name, label, iconName, products) => h("li", {},
    h("a", { class: "chip", "data-department": name },
      icon(iconName), label, products === undefined ? null : h("span", { class: "count" }, count(products))));
  const sorted = [...departments].sort((a, b) => b.products - a.products);
  return h("ul", { class: "departments" },
    chip("", "All", "basket"),
    sorted.map(({ name, products }) => chip(name, lookOf(name).label, lookOf(name).icon, products)));
}

// Each link keeps the words that are searched for now. They are changed where they stand, so that the one that was
// pressed keeps the focus.
function markPresent(links, { q, department = "" }) {
  for (const link of links.querySelectorAll("a.chip")) {
    const name = link.dataset.department;
    const params = new URLSearchParams({ ...(q && { q }), ...(name && { department: name }) });
    link.href = `/${params.size ? `?${params}` : ""}`;
    if (name === department) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  return links;
}

function resultList({ items, total, next }, { q, department }, signal) {
  const place = department ? ` in ${lookOf(department).label}` : "";
  if (items.length === 0) {
    announce("Nothing found");
    return [
      h("h1", { class: "visually-hidden" }, "Nothing found"),
      empty("wind", q ? `Nothing found for “${q}”${place}` : `There is nothing${place} yet`,
        q ? "Try fewer or shorter words, such as “milk” or “bread”." : "The catalogue may still be filling. Try again in a moment.",
        department && q ? h("a", { class: "button", href: `/?${new URLSearchParams({ q })}` }, "Search all departments") : null,
        h("a", { class: "button quiet", href: "/" }, "See everything")),
    ];
  }
  const found = total ?? items.length;
  announce(`${plural(found, "product")} found`);
  const list = h("ul", { class: "products" }, items.map(productCard));
  const heading = q ? `${plural(found, "product")} for “${q}”${place}` : department ? `${lookOf(department).label}` : "All products";
  return h("div", { class: "stack" },
    h("div", { class: "page-head" },
      q || department ? h("h1", {}, heading) : h("h2", {}, heading),
      q ? null : h("p", { class: "muted" }, plural(found, "product"))),
    list,
    next ? moreButton(list, next, { q, department }, signal) : null);
}

function moreButton(list, next, wanted, signal) {
  const holder = h("div", { class: "more" });
  const button = h("button", { class: "button quiet", type: "button", onclick: more }, "Show more products");
  async function more() {
    button.disabled = true;
    try {
      const found = await findProducts({ ...wanted, after: next }, signal);
      const cards = found.items.map(productCard);
      list.append(...cards);
      cards[0]?.querySelector("a").focus({ preventScroll: true });
      next = found.next;
      button.disabled = false;
      put(holder, next ? button : null);
    } catch (error) {
      if (!signal.aborted) {
        button.disabled = false;
        put(holder, errorNotice(error, more));
      }
    }
  }
  return put(holder, button);
}

function hero() {
  return h("section", { class: "hero", "aria-label": "Welcome" },
    h("h1", {}, "Fresh groceries, followed live to your door"),
    h("p", {}, "Fill a cart, place the order, and watch it pass all six stages as they happen."),
    s("svg", { class: "hero-art", viewBox: "0 0 240 180", "aria-hidden": "true" },
      s("path", { class: "wave", d: "M4 152c12 8 24 8 36 0s24-8 36 0 24 8 36 0 24-8 36 0 24 8 36 0 24-8 36 0" }),
      s("path", { class: "sail", d: "M124 14c40 26 60 62 62 106l-62 6z" }),
      s("path", { class: "jib", d: "M114 44v80l-50-4c8-30 25-56 50-76z" }),
      s("path", { class: "hull", d: "M52 132c46 9 96 9 142 0-8 18-24 28-46 28H98c-22 0-38-10-46-28z" })));
}
