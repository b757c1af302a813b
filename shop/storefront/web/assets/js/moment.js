// The moment as of which the shop is shown: now, or a day of the past that the address names ("?as_of=2017-03-12").
// The router sets it, every query carries it, and whatever shows data hears when it changes.

import { isDay, namedDay, today } from "./days.js";

const CLOCK = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

class Moment extends EventTarget {
  #text = null;

  /** As the address says it; null for now. */
  get text() {
    return this.#text;
  }

  get isPast() {
    return this.#text !== null;
  }

  /** As services are asked: a day is seen as it was when it ended. */
  get asOf() {
    if (!this.#text) return null;
    return isDay(this.#text) ? `${this.#text}T23:59:59.999999Z` : this.#text;
  }

  get day() {
    return this.#text?.slice(0, 10) ?? null;
  }

  /** For a person: "12 March 2017". */
  get label() {
    if (!this.#text) return "now";
    return isDay(this.#text) ? namedDay(this.#text) : `${CLOCK.format(new Date(this.#text))} UTC`;
  }

  /** What is no moment of the past is now. */
  set(text) {
    const next = isPast(text) ? text : null;
    if (next === this.#text) return;
    this.#text = next;
    this.dispatchEvent(new Event("change"));
  }
}

/** Whether the text names a moment that is over: a day before today, or an instant in UTC. */
export function isPast(text) {
  if (isDay(text)) return text < today();
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text ?? "") && Date.parse(text) < Date.now();
}

export const moment = new Moment();

/** The path with the moment in it, so that whoever follows it stays there. */
export function atMoment(path, text = moment.text) {
  const [plain, search = ""] = path.split("?");
  const params = new URLSearchParams(search);
  if (text) params.set("as_of", text);
  else params.delete("as_of");
  return params.size ? `${plain}?${params}` : plain;
}
