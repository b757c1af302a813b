// Small things kept in this browser. A browser that refuses storage gets them for the life of the page.

// What the browser did not take. It is newer than what the browser may hold under the same key.
const memory = new Map();

export function load(key, otherwise) {
  try {
    const text = memory.get(key) ?? localStorage.getItem(`tradewind.${key}`);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

export function save(key, value) {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(`tradewind.${key}`, text);
    memory.delete(key);
  } catch {
    // Full or forbidden.
    memory.set(key, text);
  }
}

export function forget(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(`tradewind.${key}`);
  } catch {
    // Forbidden: then it holds nothing either.
  }
}

/** Calls back when another tab changes the key. */
export function onForeignChange(key, callback) {
  window.addEventListener("storage", (event) => {
    if (event.key !== `tradewind.${key}`) return;
    memory.delete(key);
    callback();
  });
}
