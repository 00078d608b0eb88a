// The prompt box: grows with what is written, Enter sends, a refusal brings the words back.

import { newKey, Refused, submit } from "./api.js";
import { keep, recall } from "./remember.js";
import { say } from "./texts.js";

export class Composer {
  #form = document.getElementById("composer");
  #prompt = document.getElementById("prompt");
  #refusal = document.getElementById("refusal");
  #words = document.getElementById("refusal-words");
  #unsent = { ask: "", key: "" };
  #on;

  /** `on` has `fields()` for what goes with the words, `taken(job)`, `refused()`, `unreachable()`. */
  constructor(on) {
    this.#on = on;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#prompt.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word and must not send.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#form.requestSubmit();
      }
    });
    this.#prompt.addEventListener("input", () => {
      this.#grow();
      keep("draft", this.#prompt.value || null);
    });
    addEventListener("resize", () => this.#grow());
    document.getElementById("refusal-close").addEventListener("click", () => {
      this.#refusal.hidden = true;
      this.#prompt.focus();
    });
    // What was typed before this script was there counts more than what was kept.
    this.fill(this.#prompt.value || (recall("draft") ?? ""), { focus: false });
    document.getElementById("send").disabled = false;
  }

  /** Put words into the box without sending them. */
  fill(text, { focus = true } = {}) {
    if (this.#prompt.value !== text) this.#prompt.value = text;
    keep("draft", text || null);
    this.#grow();
    if (focus) this.focus();
  }

  focus() {
    this.#prompt.focus({ preventScroll: true });
  }

  /** Ask by `post`, which takes the key of the request; says why if it is not taken. */
  async ask(post, key = newKey()) {
    try {
      const job = await this.#patiently(post, key);
      this.#refusal.hidden = true;
      this.#on.taken(job);
      return true;
    } catch (error) {
      const refused = error instanceof Refused;
      this.explain(refused ? sentence(error.facts) : say("offline.unsent"));
      if (refused) this.#on.refused();
      else this.#on.unreachable();
      return false;
    }
  }

  /** Send these words; they come back into the box if they are not taken. */
  async send(prompt) {
    const ask = { ...this.#on.fields(), prompt, flags: true };
    // What may have arrived although we heard no answer goes with the same key again.
    const same = JSON.stringify(ask);
    const key = this.#unsent.ask === same ? this.#unsent.key : newKey();
    this.#unsent = { ask: "", key: "" };
    if (await this.ask((once) => submit(ask, once), key)) return;
    this.#unsent = { ask: same, key };
    if (!this.#prompt.value) this.fill(prompt);
  }

  /** Say why something was not done. */
  explain(words) {
    const page = document.documentElement;
    const atBottom = page.scrollHeight - page.clientHeight - scrollY < 80;
    this.#words.textContent = words;
    this.#refusal.hidden = false;
    if (atBottom) scrollTo({ top: page.scrollHeight, behavior: "instant" });
  }

  #submit() {
    const prompt = this.#prompt.value.trim();
    if (!prompt) {
      this.focus();
      return;
    }
    this.fill("");
    this.send(prompt);
  }

  // The key makes a second try harmless, should only the answer have been lost.
  async #patiently(post, key) {
    try {
      return await post(key);
    } catch (error) {
      if (error instanceof Refused) throw error;
      await new Promise((resume) => setTimeout(resume, 700));
      return post(key);
    }
  }

  #grow() {
    this.#prompt.style.height = "auto";
    this.#prompt.style.height = `${this.#prompt.scrollHeight}px`;
  }
}

/** A refusal in words. */
export const sentence = (facts) => facts.message || say("refused");
