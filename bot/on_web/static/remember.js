// What this browser remembers of the page itself: the draft, the settings, the look. No server knows it.

const PREFIX = "atelier.";

/** What was kept under `name`; null if nothing was, or the browser keeps nothing. */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** Keep `value` under `name`; null forgets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // no room, or switched off: then it lasts until the page is closed
  }
}

/** Forget all of it. */
export function forgetAll() {
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(PREFIX)) localStorage.removeItem(name);
    }
  } catch {
    // nothing was kept
  }
}
