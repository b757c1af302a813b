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

/** The data is in capitals ("FRZN ICE"); sentence case is easier to read. Text with small letters is left as it is. */
export function readable(text) {
  if (!text) return "";
  if (/[a-z]/.test(text)) return text;
  const spaced = text.trim().replace(/([A-Z]{3,})\s*([/:,&])\s*(?=[A-Z]{3})/g, (_, word, sign) => `${word}${SPACED[sign]}`);
  const lower = spaced.replace(/\s+/g, " ").toLowerCase();
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

const SPACED = { "/": " / ", ":": ": ", ",": ", ", "&": " & " };
