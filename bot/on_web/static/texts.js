// The page's words: they come from the server in the visitor's language; none are written here.

const { lang, messages, examples, languages } = JSON.parse(document.getElementById("texts").textContent);

export { examples, lang, languages };

/** The sentence `key`, its {names} filled with `facts`. */
export function say(key, facts = {}) {
  return (messages[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");
}

// Within the language, the visitor's own habits: 24 hours or AM and PM, commas or points.
const habits = navigator.languages.find((each) => each.split("-")[0] === lang) ?? lang;
const numbers = new Intl.NumberFormat(habits, { maximumFractionDigits: 2 });

export const number = (value) => numbers.format(value);

/** "about 20 s", "about 3 min": rounded, because it is an estimate. */
export function about(seconds) {
  if (seconds < 90) {
    const rounded = seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5;
    return say("about.seconds", { n: number(rounded) });
  }
  if (seconds < 5400) return say("about.minutes", { n: number(Math.round(seconds / 60)) });
  return say("about.hours", { n: number(Math.round(seconds / 3600)) });
}

/** A moment as people here say it: "14:05", or "Tue 14:05" when it is not today. */
export function clock(moment) {
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  const style = { hour: "numeric", minute: "2-digit", ...(today ? {} : { weekday: "short" }) };
  return new Intl.DateTimeFormat(habits, style).format(date);
}

/** Words in the order of importance, parted by dots. */
export const line = (...parts) => parts.filter(Boolean).join("\u00a0· ");

/** A day and time in full, for something that stays. */
export function moment(when) {
  return new Intl.DateTimeFormat(habits, { dateStyle: "medium", timeStyle: "short" }).format(new Date(when));
}
