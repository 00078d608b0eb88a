// The place of one picture in a card: canvas, rough preview, then the picture, always of one size.

import { icon, make } from "./make.js";
import { everything } from "./tools.js";
import { say } from "./texts.js";
import { veil } from "./veil.js";

const FADED_MS = 600;
const LARGE = 1024; // from this on a small one is shown until the whole file is there

export class Frame {
  #does;
  #several;
  picture = null;

  /** `several` pictures in one card carry their menu on the picture itself. */
  constructor(does, several) {
    this.#does = does;
    this.#several = several;
    this.element = make("figure", { class: "frame" });
  }

  /** "painted", "now" or "later" while the job is painted; null when it is over. */
  set phase(phase) {
    if (phase) this.element.dataset.phase = phase;
    else delete this.element.dataset.phase;
  }

  /** What is there so far; `rough` is 1 for nothing but noise, 0 for nearly done. */
  preview(image, rough) {
    let shown = this.element.querySelector(".preview");
    if (!shown) {
      shown = make("img", { class: "preview", alt: "" });
      this.element.append(shown);
    }
    shown.src = image;
    this.element.style.setProperty("--rough", rough);
  }

  /** Show the finished picture; `soon` if people wait for it rather than scroll to it. */
  hang(picture, soon) {
    if (this.picture) return;
    this.picture = picture;
    const { element } = this;
    const shown = make("img", {
      class: "picture",
      alt: say("picture.alt", { prompt: picture.prompt }),
      width: picture.width,
      height: picture.height,
      decoding: "async",
      loading: soon ? "eager" : "lazy",
      "data-id": picture.id,
    });
    shown.addEventListener("load", () => {
      element.classList.remove("lost");
      element.classList.add("hung");
      setTimeout(() => element.querySelector(".preview")?.remove(), FADED_MS);
    });
    shown.addEventListener("error", () => element.classList.add("lost"));
    if (!this.element.querySelector(".preview") && !picture.veiled && Math.max(picture.width, picture.height) > LARGE) this.preview(picture.thumb, 0);
    shown.src = picture.url;
    const open = make(
      "button",
      { class: "open", type: "button", title: say("open"), onclick: () => this.#does.open(picture) },
      shown,
    );
    element.append(open);
    if (this.#several) element.append(make("figcaption", { class: "tools" }, everything(picture, this.#does)));
    else element.append(make("span", { class: "glass", "aria-hidden": "true" }, icon("open")));
    veil(element, picture);
  }
}
