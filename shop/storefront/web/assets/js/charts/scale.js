// Where things stand in a chart. Pure: nothing here draws.

/** A round number that is not below the value, for the top of an axis. */
export function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value) ?? value;
}

/** Maps from a range of values to a range of places. */
export function linear([from, to], [start, end]) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** Which of some labels are shown, so that none touches the next: every first, second, third, … of them. */
export function everyNth(many, room, least) {
  const fit = Math.max(1, Math.floor(room / least));
  return Math.max(1, Math.ceil(many / fit));
}

/** The bounds of a price axis: some room around what there is, and never a line without height. */
export function around(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((high - low) * 0.25, high * 0.05, 1);
  return [Math.max(0, low - room), high + room];
}

const MONTH_MS = 30 * 24 * 3_600_000;

/**
 * Where a time axis ends, for what began at `first` and last changed at `last`: at `end`, but not so long after the last
 * change that all changes stand in a corner.
 */
export function horizon(first, last, end) {
  return Math.min(end, last + Math.max((last - first) * 0.15, MONTH_MS));
}
