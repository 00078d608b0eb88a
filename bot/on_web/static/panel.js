// Opens and closes the settings: over the prompt on small windows, at the side on wide ones.

import { keep, recall } from "./remember.js";

const WIDE = matchMedia("(min-width: 75rem)");

export class Panel {
  #panel = document.getElementById("panel");
  #button = document.getElementById("panel-open");

  constructor() {
    this.#button.addEventListener("click", () => this.#show(this.#panel.hidden));
    document.getElementById("panel-close").addEventListener("click", () => {
      this.#show(false);
      this.#button.focus();
    });
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.#show(false);
      this.#button.focus();
    });
    WIDE.addEventListener("change", () => this.#fit());
    this.#fit();
  }

  // On wide windows it stays as people left it, open at first; on small ones it never begins open.
  #fit() {
    this.#draw(WIDE.matches && recall("panel") !== false);
  }

  #show(open) {
    if (WIDE.matches) keep("panel", open);
    this.#draw(open);
    if (open && !WIDE.matches) document.getElementById("panel-close").focus({ preventScroll: true });
  }

  #draw(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    document.documentElement.toggleAttribute("data-panel", open);
  }
}
