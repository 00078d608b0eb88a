// What concerns the visitor: their budget, the look of the page, and being forgotten.

import { forget } from "./api.js";
import { make } from "./make.js";
import { forgetAll } from "./remember.js";
import { choices } from "./fields.js";
import { clock, lang, languages, number, say } from "./texts.js";

export class You {
  #dialog = document.getElementById("you");
  #budget = make("p", { class: "facts" });
  #forget = make("div", { class: "forget" });
  #on;

  /** `on` has `forgotten()` and `trouble(error)`. */
  constructor(on) {
    this.#on = on;
    const close = make("button", { class: "quiet", type: "button", autofocus: "", onclick: () => this.#dialog.close() }, say("close"));
    this.#dialog.append(
      make("h2", { id: "you-title" }, say("you")),
      this.#budget,
      this.#look(),
      this.#language(),
      this.#forget,
      this.#leave(),
      close,
      make("p", { class: "unseen", role: "status" }),
    );
    document.getElementById("you-open").addEventListener("click", () => this.#open());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  /** What is left to spend. */
  show(mine) {
    const facts = { left: number(Math.max(0, mine.budget - mine.used)), budget: number(mine.budget) };
    const words = [say("budget.left", facts)];
    if (mine.frees_at) words.push(say("budget.frees", { time: clock(mine.frees_at) }));
    this.#budget.textContent = words.join(". ");
  }

  #open() {
    this.#ask(false);
    this.#dialog.showModal();
  }

  #look() {
    const options = ["auto", "light", "dark"].map((value) => ({ value, label: say(`look.${value}`) }));
    const { dataset } = document.documentElement;
    const change = (look) => {
      if (look === "auto") delete dataset.theme;
      else dataset.theme = look;
      try {
        if (look === "auto") localStorage.removeItem("atelier.theme");
        else localStorage.setItem("atelier.theme", look); // bare, for theme.js
      } catch {
        // it holds until the page is closed
      }
    };
    return choices({ name: "look", legend: say("look"), options, value: dataset.theme ?? "auto", change });
  }

  // The server speaks it, so it is chosen there; what is half written stays in the browser.
  #language() {
    const names = Object.entries(languages).map(([code, name]) => {
      const here = code === lang ? { "aria-current": "true" } : {};
      return make("a", { href: `/language/${code}`, lang: code, hreflang: code, ...here }, name);
    });
    return make("nav", { class: "tongues", "aria-label": say("language") }, make("h3", {}, say("language")), make("p", { class: "links" }, ...names));
  }

  // First what it means, then the button that does it.
  #ask(sure) {
    const words = make("p", { class: "facts" }, say(sure ? "forget.sure" : "forget.words"));
    const button = (key, press, kind) => make("button", { class: `quiet ${kind}`, type: "button", onclick: press }, say(key));
    const buttons = sure
      ? [button("forget.yes", () => this.#do(), "danger"), button("forget.no", () => this.#ask(false), "")]
      : [button("forget", () => this.#ask(true), "")];
    const held = this.#forget.contains(document.activeElement);
    this.#forget.replaceChildren(make("h3", {}, say("forget")), words, make("div", { class: "row" }, ...buttons));
    if (held) this.#forget.querySelector(sure ? "button:last-child" : "button").focus();
  }

  async #do() {
    for (const button of this.#forget.querySelectorAll("button")) button.disabled = true;
    try {
      const gone = await forget();
      forgetAll();
      this.#dialog.close();
      this.#on.forgotten(gone);
    } catch (error) {
      this.#ask(false);
      this.#dialog.close();
      this.#on.trouble(error);
    }
  }

  #leave() {
    const docs = make("a", { href: "/docs" }, say("docs.title"));
    if (!document.body.hasAttribute("data-door")) return make("p", { class: "links" }, docs);
    const out = make("form", { method: "post", action: "/sign-out" }, make("button", { class: "quiet", type: "submit" }, say("door.leave")));
    return make("div", { class: "links" }, docs, out);
  }
}
