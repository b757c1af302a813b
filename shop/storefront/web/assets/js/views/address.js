// A postal address, in the lines in which it is written.

import { h } from "../dom.js";

export const linesOf = ({ street, city, region, postal_code: code, country }) => [street, [[city, region].filter(Boolean).join(", "), code].filter(Boolean).join(" "), country].filter(Boolean);

export const addressBlock = (address, name) => h("address", {}, name ? h("strong", {}, name) : null, linesOf(address).map((line) => h("span", {}, line)));
