// The prompt box: grows with what is written, Enter sends, a refusal brings the words back.

import { newKey, Refused, submit } from "./api.js";
import { say } from "./texts.js";

export class Composer {
  #form = document.getElementById("composer");
  #prompt = document.getElementById("prompt");
  #refusal = document.getElementById("refusal");
  #words = document.getElementById("refusal-words");
  #unsent = { prompt: "", key: "" };
  #on;

  /** `on` has `taken(job)`, `refused()` and `unreachable()`. */
  constructor(on) {
    this.#on = on;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#prompt.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word and must not send.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#form.requestSubmit();
      }
    });
    this.#prompt.addEventListener("input", () => this.#grow());
    document.getElementById("refusal-close").addEventListener("click", () => {
      this.#refusal.hidden = true;
      this.#prompt.focus();
    });
  }

  /** Put words into the box without sending them. */
  fill(text) {
    this.#prompt.value = text;
    this.#grow();
    this.#prompt.focus();
  }

  focus() {
    this.#prompt.focus({ preventScroll: true });
  }

  /** Send a request that does not come from the box, such as "again". */
  async ask(request, key = newKey()) {
    try {
      const job = await this.#patiently(request, key);
      this.#refusal.hidden = true;
      this.#on.taken(job);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) {
        this.#unsent = { prompt: request.prompt, key };
        this.#on.unreachable();
        this.explain(say("offline.unsent"));
        return false;
      }
      this.explain(sentence(error.facts));
      this.#on.refused();
      return false;
    }
  }

  /** Say why something was not done. */
  explain(words) {
    const page = document.documentElement;
    const atBottom = page.scrollHeight - page.clientHeight - scrollY < 80;
    this.#words.textContent = words;
    this.#refusal.hidden = false;
    if (atBottom) scrollTo({ top: page.scrollHeight, behavior: "instant" });
  }

  async #send() {
    const prompt = this.#prompt.value.trim();
    if (!prompt) return;
    this.fill("");
    // What may have arrived although we heard no answer goes with the same key again.
    const key = this.#unsent.prompt === prompt ? this.#unsent.key : newKey();
    this.#unsent = { prompt: "", key: "" };
    const sent = await this.ask({ prompt, flags: true }, key);
    if (!sent && !this.#prompt.value) this.fill(prompt);
  }

  // The key makes a second try harmless, should only the answer have been lost.
  async #patiently(request, key) {
    try {
      return await submit(request, key);
    } catch (error) {
      if (error instanceof Refused) throw error;
      await new Promise((resume) => setTimeout(resume, 700));
      return submit(request, key);
    }
  }

  #grow() {
    this.#prompt.style.height = "auto";
    this.#prompt.style.height = `${this.#prompt.scrollHeight}px`;
  }
}

/** A refusal in words. */
export const sentence = (facts) => facts.message || say("refused");
