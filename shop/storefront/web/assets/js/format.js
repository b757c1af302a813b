// How figures, times and the catalogue's shouted names are shown to a person.

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const whole = new Intl.NumberFormat("en-US");
const day = new Intl.DateTimeFormat("en-US", { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", second: "2-digit" });

export const money = (cents) => (Number.isFinite(cents) ? dollars.format(cents / 100) : "–");
export const count = (number) => whole.format(number);
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export const dateOf = (at) => shown(at, day);
export const momentOf = (at) => shown(at, moment);

/** The time of day for something of today, else the date with it. */
export function timeOf(at) {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? shown(at, clock) : shown(at, moment);
}

function shown(at, format) {
  const date = new Date(at);
  return at && !Number.isNaN(date.getTime()) ? format.format(date) : "";
}

/**
 * Names from the data, for reading: capitals ("FRZN ICE") become sentence case, and signs get the room without which a
 * line cannot break ("Cheese:Cheeseballs/Spreads").
 */
export function readable(text) {
  if (!text) return "";
  const spaced = text.trim().replace(/\s+/g, " ").replace(/([A-Za-z]{3,})([/:,&])(?=[A-Za-z]{3})/g, (_, word, sign) => `${word}${SPACED[sign]}`);
  if (/[a-z]/.test(spaced)) return spaced;
  return spaced.charAt(0) + spaced.slice(1).toLowerCase();
}

const SPACED = { "/": " / ", ":": ": ", ",": ", ", "&": " & " };
