// Reading one's own writes: for a while after a command, every read of the service asks for the position at which it
// was recorded. One answer that reflects it says nothing of the others: each read model follows the log by itself.

import { load, save } from "./storage.js";

// Read models are moments behind. What has not come so far by then has stopped, or the shop's data was started anew.
const FORGET_AFTER_MS = 2 * 60 * 1000;

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
