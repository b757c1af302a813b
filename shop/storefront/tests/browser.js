// As much of a browser as the page's modules without elements need. Import it before any of them.

const kept = new Map();

/** A test sets this to make the browser refuse to keep anything. */
export const storage = { isFull: false };

globalThis.window = new EventTarget();
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem(key, text) {
    if (storage.isFull) throw new Error("the quota is exceeded");
    kept.set(key, text);
  },
  removeItem: (key) => kept.delete(key),
};

/** What another tab does: the value is there, and then this tab hears of it. */
export function changeInAnotherTab(key, value) {
  kept.set(`tradewind.${key}`, JSON.stringify(value));
  window.dispatchEvent(Object.assign(new Event("storage"), { key: `tradewind.${key}` }));
}

/** A browser that is used for the first time. */
export function forgetAll() {
  kept.clear();
  storage.isFull = false;
}
