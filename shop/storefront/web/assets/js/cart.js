// The cart: kept in this browser, the same in every tab.

import { load, onForeignChange, save } from "./storage.js";

export const MOST_OF_ONE = 99;

class Cart extends EventTarget {
  get lines() {
    return load("cart", []);
  }

  /** The lines that can be ordered: a product that is no longer sold stays in the cart, but costs nothing. */
  get orderable() {
    return this.lines.filter((line) => !line.gone);
  }

  get units() {
    return unitsOf(this.orderable);
  }

  get total() {
    return totalOf(this.orderable);
  }

  add(product, quantity = 1) {
    const { id, name, department, category, type, size, price_cents } = product;
    const lines = this.lines;
    const line = lines.find((line) => line.id === id);
    if (line) Object.assign(line, { price_cents, gone: false, quantity: within(line.quantity + quantity) });
    else lines.push({ id, name, department, category, type, size, price_cents, quantity: within(quantity) });
    this.#keep(lines);
  }

  setQuantity(id, quantity) {
    this.#keep(this.lines.map((line) => (line.id === id ? { ...line, quantity: within(quantity) } : line)));
  }

  /** What has been learned of some products, by id: `price_cents`, and whether they are `gone` from the shop. */
  learn(facts) {
    this.#keep(this.lines.map((line) => ({ ...line, ...facts.get(line.id) })));
  }

  remove(id) {
    this.#keep(this.lines.filter((line) => line.id !== id));
  }

  /** Takes out what has been ordered; what another tab put in meanwhile stays. */
  takeOut(ordered) {
    const quantities = new Map(ordered.map((line) => [line.product_id, line.quantity]));
    const left = this.lines.map((line) => ({ ...line, quantity: line.quantity - (quantities.get(line.id) ?? 0) }));
    this.#keep(left.filter((line) => line.quantity > 0));
  }

  #keep(lines) {
    save("cart", lines);
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

export const unitsOf = (lines) => lines.reduce((sum, line) => sum + line.quantity, 0);
export const totalOf = (lines) => lines.reduce((sum, line) => sum + line.quantity * line.price_cents, 0);

const within = (quantity) => Math.min(MOST_OF_ONE, Math.max(1, Math.trunc(quantity) || 1));

export const cart = new Cart();
onForeignChange("cart", () => cart.changed());
