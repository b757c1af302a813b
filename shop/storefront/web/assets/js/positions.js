// Reading one's own writes: after a command, the position it was recorded at is asked for until a read has shown it.

import { load, save } from "./storage.js";

// A position that no read confirms is given up: the shop's data may have been started anew.
const FORGET_AFTER_MS = 10 * 60 * 1000;

/** Remembers that this browser wrote at `position` in a service. */
export function wrote(service, position) {
  if (!Number.isSafeInteger(position) || position <= (asked(service) ?? 0)) return;
  save("positions", { ...load("positions", {}), [service]: { position, since: Date.now() } });
}

/** The position that a read of the service has to reflect, if any. */
export function asked(service) {
  const entry = load("positions", {})[service];
  return entry && Date.now() - entry.since < FORGET_AFTER_MS ? entry.position : undefined;
}

/** A read has answered: what it reflects need not be asked for again. */
export function seen(service, position) {
  const entry = load("positions", {})[service];
  if (!entry || !(position >= entry.position)) return;
  const rest = load("positions", {});
  delete rest[service];
  save("positions", rest);
}
