// What several sections share: lists that change in place, buttons that ask twice, spans and sizes.

import { make, icon } from "../make.js";
import { moment, number, say } from "../texts.js";

const SURE_MS = 5000;

/** Bytes as people read them: 1.2 GB. */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let value = size;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  const places = value < 10 && at > 1 ? 1 : 0;
  return `${number(Number(value.toFixed(places)))}\u00a0${units[at]}`;
}

/** A span: 40 s, 3 min, 2 h, 5 d; below ten seconds with a tenth. */
export function span(seconds) {
  if (seconds < 9.95) return say("span.s", { n: number(Math.round(seconds * 10) / 10) });
  if (seconds < 90) return say("span.s", { n: number(Math.round(seconds)) });
  if (seconds < 5400) return say("span.min", { n: number(Math.round(seconds / 60)) });
  if (seconds < 172_800) return say("span.h", { n: number(Math.round(seconds / 3600)) });
  return say("span.d", { n: number(Math.round(seconds / 86_400)) });
}

/** "3 min ago", from epoch seconds. */
export const ago = (at) => say("ago", { span: span(Math.max(1, Math.round(Date.now() / 1000 - at))) });

/** A number of things: the sentence `key`, or `key.one` for a single one. */
export const many = (key, n) => say(n === 1 ? `${key}.one` : key, { n: number(n) });

/** A moment in full, from epoch seconds. */
export const when = (at) => moment(at * 1000);

/** What somebody is called, or their number. */
export const called = ({ name, id }) => name || say("nobody", { n: id });

/** What a platform is called. */
export const platform = (name) => (name ? say(`on.${name}`) : "");

/** A short word in a frame. */
export const tag = (words, kind = "") => make("span", { class: `tag ${kind}` }, words);

/**
 * A button that asks once more before it does something for good: the first press says so, the
 * second does it.
 */
export function sure(label, does, { kind = "quiet", name = "", title = label } = {}) {
  const words = make("span", {}, label);
  const button = make("button", { type: "button", class: kind, title, "aria-label": name ? title : undefined });
  button.append(...(name ? [icon(name)] : [words]));
  let asked = 0;
  const calm = () => {
    clearTimeout(asked);
    asked = 0;
    button.classList.remove("danger");
    if (name) {
      button.replaceChildren(icon(name));
      button.setAttribute("aria-label", title);
    } else words.textContent = label;
  };
  button.addEventListener("blur", calm);
  button.addEventListener("keydown", (event) => event.key === "Escape" && calm());
  button.addEventListener("click", async () => {
    if (!asked) {
      asked = setTimeout(calm, SURE_MS);
      button.classList.add("danger");
      if (name) {
        button.replaceChildren(say("sure"));
        button.removeAttribute("aria-label");
      } else words.textContent = say("sure");
      return;
    }
    calm();
    button.disabled = true;
    await does();
    button.disabled = false;
  });
  return button;
}

/**
 * A list whose entries change in place, so that whoever stands on one with the keyboard stays there:
 * `row(item)` makes one and returns `{element, show(item)}`.
 */
export class Rows {
  #rows = new Map();
  #row;

  constructor(element, row) {
    this.element = element;
    this.#row = row;
  }

  show(items) {
    const known = this.#rows;
    this.#rows = new Map();
    items.forEach((item, at) => {
      const row = known.get(item.id) ?? this.#row(item);
      this.#rows.set(item.id, row);
      row.show(item);
      if (this.element.children[at] !== row.element) this.element.insertBefore(row.element, this.element.children[at] ?? null);
    });
    while (this.element.children.length > items.length) this.element.lastElementChild.remove();
  }
}

/** The head of a section: its title and what can be done there. */
export function head(title, ...deeds) {
  return make("div", { class: "head" }, make("h2", { id: "section-title" }, title), ...deeds);
}

/** A bar that is full to `share` (0–1), beside words that say the same. */
export function bar(share, kind = "") {
  const full = make("span", {});
  full.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return make("span", { class: `bar ${kind}`, "aria-hidden": "true" }, full);
}
