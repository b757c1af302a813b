// Every call to a service goes through here: time limits, retries of what is safe to retry, positions, problems.

import { moment } from "./moment.js";
import { asked, wrote } from "./positions.js";
import { Problem, problemIn } from "./problem.js";

const TIMEOUT_MS = 10_000;
// A read model of the past is made when somebody asks for it.
const PAST_TIMEOUT_MS = 35_000;
const QUERY_PAUSES_MS = [400, 1200];

/**
 * A query, as of the moment as of which the shop is shown, unless it is `timeless`. Retried a little by itself, since
 * services restart. It waits for this browser's own writes to the service, unless `ownWrites` is false: for an answer
 * whose positions are those of another service. `service` is whom to name when it fails, where the path does not tell.
 */
export async function get(path, { signal, params, service = serviceOf(path), ownWrites = true, timeless = false, pauses = QUERY_PAUSES_MS } = {}) {
  const asOf = timeless ? null : moment.asOf;
  return withRetries(pauses, signal, async () => {
    const after = ownWrites && !asOf && asked(service);
    const headers = { Accept: "application/json", ...(after ? { "Tradewind-After": String(after) } : {}), ...(asOf ? { "Tradewind-As-Of": asOf } : {}) };
    const response = await send(withParams(path, { ...params, as_of: asOf }), { headers, limitMs: asOf ? PAST_TIMEOUT_MS : TIMEOUT_MS }, service, signal);
    // Today's answer must not be taken for that of another day.
    if (asOf && !response.headers.has("Tradewind-As-Of")) throw new Problem("timeless", { service });
    return response.json().catch(() => {
      throw new Problem("broken", { service, status: response.status });
    });
  });
}

/**
 * A command. The key makes it safe to send again: whatever happens on the way, it takes effect once. No page breaks it
 * off by being left: it may have taken effect, and then somebody must hear of it. `onRetry(attempt)` is told before each
 * further try.
 */
export async function command(path, body, { key, method = "POST", pauses = [500, 1000, 2000, 4000], onRetry } = {}) {
  // The page offers no command while it shows another day; what is left open in front of it must not send one either.
  if (moment.isPast) throw new Problem("past");
  return withRetries(pauses, undefined, async () => {
    const service = serviceOf(path);
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const response = await send(path, { method, headers, body: JSON.stringify(body) }, service);
    const position = positionOf(response);
    wrote(service, position);
    return { position, location: response.headers.get("Location") };
  }, onRetry);
}

async function send(url, { limitMs = TIMEOUT_MS, ...options }, service, signal) {
  const limit = AbortSignal.timeout(limitMs);
  const any = signal ? AbortSignal.any([signal, limit]) : limit;
  let response;
  try {
    response = await fetch(url, { ...options, signal: any, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw signal.reason ?? error;
    throw new Problem(limit.aborted ? "timeout" : "offline", { service });
  }
  if (!response.ok) throw await problemIn(response, service);
  return response;
}

async function withRetries(pauses, signal, attempt, onRetry) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Problem) || !error.transient || tries >= pauses.length) throw error;
      await pause(error.retryAfterMs ?? pauses[tries], signal);
      onRetry?.(tries + 1);
    }
  }
}

/** Waits, unless the page is left meanwhile. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

const serviceOf = (path) => path.split("/")[2];
const positionOf = (response) => Number(response.headers.get("Tradewind-Position") ?? Number.NaN);

function withParams(path, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  return query.size ? `${path}?${query}` : path;
}
