// What one service hears of another comes some moments later: asking again for what is not there yet.

import { pause } from "./api.js";

const PAUSE_MS = 1_000;

/** What `load()` gives as soon as it is there; after `tries`, that it is missing. */
export async function whenThere(load, { tries, signal, pauseMs = PAUSE_MS }) {
  for (let left = tries; ; left -= 1) {
    try {
      return await load();
    } catch (error) {
      if (error.kind !== "missing" || left <= 1) throw error;
      await pause(pauseMs, signal);
    }
  }
}
