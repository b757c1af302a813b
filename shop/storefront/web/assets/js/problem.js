// What went wrong, as a person says it. A service answers with problem details (RFC 9457) and a stable code.

const SERVICES = { catalog: "product catalogue", ordering: "order desk", customers: "customer register", invoicing: "invoice office" };

export class Problem extends Error {
  /**
   * `kind`: "offline", "timeout", "away" (a service is down), "behind", "missing", "refused", "broken", "timeless" (a
   * service that knows only today) or "past" (nothing can be done there).
   */
  constructor(kind, { service, status, code, reason, detail, retryAfterMs } = {}) {
    super(detail || kind);
    this.kind = kind;
    this.service = service;
    this.status = status;
    this.code = code;
    // Which rule of the service said no, as a stable word.
    this.reason = reason;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later. A command that carries an idempotency key may then be sent again. */
  get transient() {
    return ["offline", "timeout", "away", "behind"].includes(this.kind);
  }

  get title() {
    const who = SERVICES[this.service] ?? "shop";
    switch (this.kind) {
      case "offline": return "The shop can't be reached";
      case "timeout": return `The ${who} takes too long to answer`;
      case "away": return `The ${who} isn't answering right now`;
      case "behind": return `The ${who} is still catching up`;
      case "missing": return "We can't find that";
      case "refused": return "That wasn't possible";
      case "timeless": return `The ${who} can't look back`;
      case "past": return "The past can't be changed";
      default: return "Something went wrong on our side";
    }
  }

  get advice() {
    switch (this.kind) {
      case "offline": return "Check your connection. Your cart is kept in this browser.";
      case "timeout": return "It may be busy. The rest of the shop still works, and your cart is safe.";
      case "away": return "It is probably being restarted. The rest of the shop still works, and your cart is safe.";
      case "behind": return "Your change is saved; this list will show it in a moment.";
      case "missing": return this.detail || "It may have been removed, or the address is wrong.";
      case "refused": return this.detail || "Please check what you entered.";
      case "timeless": return "It answers only for today. Go back to now to see this part.";
      case "past": return "You are looking at the shop as it was. Go back to now first.";
      default: return this.detail || "It has been noted. Trying again may help.";
    }
  }
}

/** The problem in an answer that is not a success. */
export async function problemIn(response, service) {
  const body = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("Retry-After"));
  const facts = {
    service,
    status: response.status,
    code: body.code,
    reason: body.reason,
    detail: body.detail,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 10) * 1000 : undefined,
  };
  return new Problem(kindOf(response.status, body.code), facts);
}

function kindOf(status, code) {
  if (code === "TW-2005") return "behind";
  if (status === 404 || status === 410) return "missing";
  if (status === 504 || status === 408) return "timeout";
  if (status === 502 || status === 503 || status === 429) return "away";
  return status < 500 ? "refused" : "broken";
}
