// Calendar days as text ("2017-03-12"), in UTC, as the services count them.

const DAY_MS = 86_400_000;
const NAMED = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const WITH_WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });

/** How many days lie between 1 January 1970 and the day. */
export const numberOf = (day) => Math.round(Date.parse(`${day}T00:00:00Z`) / DAY_MS);
export const dayAt = (number) => new Date(number * DAY_MS).toISOString().slice(0, 10);
export const today = () => new Date().toISOString().slice(0, 10);

export function isDay(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text ?? "")) return false;
  const number = numberOf(text);
  return Number.isFinite(number) && dayAt(number) === text;
}

export const addDays = (day, many) => dayAt(numberOf(day) + many);

/** The same day of another month, or that month's last day where it is shorter. */
export function addMonths(day, many) {
  const [year, month, date] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + many, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + many, Math.min(date, last))).toISOString().slice(0, 10);
}

const at = (day) => new Date(`${day}T00:00:00Z`);

/** "12 March 2017" */
export const namedDay = (day) => NAMED.format(at(day));
/** "Sunday 12 March 2017", for who hears it. */
export const spokenDay = (day) => WITH_WEEKDAY.format(at(day)).replace(",", "");
/** "Mar", of a day or a month. */
export const shortMonth = (day) => MONTH.format(at(`${day}-01`.slice(0, 10)));
