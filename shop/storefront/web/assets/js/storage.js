// Small things kept in this browser. A browser that refuses storage gets them for the life of the page.

const memory = new Map();

export function load(key, otherwise) {
  try {
    const text = localStorage.getItem(`tradewind.${key}`) ?? memory.get(key);
    return text === undefined || text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

export function save(key, value) {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    localStorage.setItem(`tradewind.${key}`, text);
  } catch {
    // Full or forbidden: the copy in memory serves.
  }
}

export function forget(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(`tradewind.${key}`);
  } catch {
    // As above.
  }
}

/** Calls back when another tab changes the key. */
export function onForeignChange(key, callback) {
  window.addEventListener("storage", (event) => {
    if (event.key === `tradewind.${key}`) callback();
  });
}
