// The people: who was here lately, who is banned, who is called so.

import { choices } from "../fields.js";
import { icon, make } from "../make.js";
import { number, say } from "../texts.js";
import * as api from "./api.js";
import { Rows, ago, bar, called, head, platform, tag, when } from "./parts.js";
import { openPerson } from "./person.js";

const TYPING_MS = 250;

export class People {
  every = 5;
  #on;
  #rows;
  #words = "";
  #banned = false;
  #pages = 1;
  #nothing = make("p", { class: "nothing", hidden: "" });
  #more = make("button", { class: "quiet earlier", type: "button", hidden: "" }, say("people.more"));

  constructor(box, on) {
    this.#on = on;
    const search = make("input", { id: "people-search", type: "search", maxlength: 100, placeholder: say("people.search"), autocomplete: "off" });
    let typing = 0;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#choose({ words: search.value.trim() }), TYPING_MS);
    });
    const finder = make("div", { class: "finder", role: "search" }, make("label", { class: "unseen", for: "people-search" }, say("people.search")), icon("search"), search);
    const options = ["lately", "banned"].map((value) => ({ value, label: say(`people.${value}`) }));
    const filter = choices({ name: "which", legend: say("people.which"), options, value: "lately", change: (value) => this.#choose({ banned: value === "banned" }) });
    this.#more.addEventListener("click", () => {
      this.#pages += 1;
      this.look().catch(on.trouble);
    });
    this.#rows = new Rows(make("ul", { class: "rows" }), (item) => this.#row(item));
    box.append(head(say("admin.people")), make("div", { class: "filters" }, finder, filter), this.#rows.element, this.#nothing, this.#more);
  }

  async look() {
    const found = [];
    let more = true;
    const [words, banned] = [this.#words, this.#banned];
    for (let page = 0; page < this.#pages && more; page += 1) {
      const answer = await api.people({ words, banned, skip: found.length });
      found.push(...answer.people);
      more = answer.more;
    }
    if (words !== this.#words || banned !== this.#banned) return; // another question was asked meanwhile
    const single = new Map(found.map((person) => [person.id, person]));
    this.#rows.show([...single.values()]);
    this.#nothing.hidden = found.length > 0;
    this.#nothing.textContent = say(words ? "people.unknown" : banned ? "people.unbanned" : "people.nobody");
    this.#more.hidden = !more;
  }

  #choose(change) {
    if ("words" in change) this.#words = change.words;
    if ("banned" in change) this.#banned = change.banned;
    this.#pages = 1;
    this.look().catch(this.#on.trouble);
  }

  #row({ id }) {
    const name = make("span", { class: "name" });
    const facts = make("span", { class: "facts" });
    const used = make("span", { class: "facts used" });
    const meter = make("span", { class: "metered" });
    const tags = make("span", { class: "tags" });
    const press = () => openPerson(id, this.#on);
    const button = make("button", { type: "button", class: "one", onclick: press }, make("span", { class: "face" }, name, tags, facts), make("span", { class: "spent" }, used, meter));
    const show = (person) => {
      name.textContent = called(person);
      facts.textContent = [platform(person.platform), person.seen_at && ago(person.seen_at)].filter(Boolean).join(" · ");
      used.textContent = say("people.used", { used: number(person.used), budget: number(person.budget) });
      meter.replaceChildren(bar(person.budget ? person.used / person.budget : 1));
      tags.replaceChildren(...marks(person));
    };
    return { element: make("li", {}, button), show };
  }
}

/** What stands out about somebody. */
export function marks(person) {
  const found = [];
  if (person.banned) found.push(tag(person.banned_until ? say("people.banned.until", { when: when(person.banned_until) }) : say("people.banned.good"), "bad"));
  if (person.own_budget !== null) found.push(tag(say("people.own")));
  if (person.waiting) found.push(tag(say("people.waiting", { n: person.waiting })));
  return found;
}
