// The big view: one picture as large as the window allows, arrow keys and swipes to its neighbours.

import { icon, make } from "./make.js";
import { line, moment, say } from "./texts.js";
import { toolbar } from "./tools.js";
import { veil } from "./veil.js";

const SWIPE_PX = 48;

export class Big {
  #dialog = document.getElementById("big");
  #does;
  #list = null;
  #at = 0;
  #from = null;
  #shown = make("img", { class: "shown" });
  #under = make("img", { class: "under", alt: "" });
  #count = make("p", { class: "count" });
  #side = make("div", { class: "about" });
  #stage;
  #back;
  #on;
  #start = null;

  constructor(does) {
    this.#does = does;
    this.#back = this.#arrow("back", -1);
    this.#on = this.#arrow("on", 1);
    const close = make(
      "button",
      { class: "icon close", type: "button", "aria-label": say("close"), title: say("close"), onclick: () => this.close() },
      icon("close"),
    );
    const stage = this.#stage = make("div", { class: "stage" }, this.#under, this.#shown, this.#back, this.#on);
    this.#dialog.append(
      stage,
      make("div", { class: "side" }, make("div", { class: "side-top" }, this.#count, close), this.#side),
      make("p", { class: "unseen", role: "status" }),
    );
    this.#shown.addEventListener("load", () => this.#shown.classList.add("there"));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    stage.addEventListener("click", (event) => event.target === stage && this.close());
    stage.addEventListener("pointerdown", (event) => (this.#start = event.isPrimary ? event : null));
    stage.addEventListener("pointerup", (event) => this.#swiped(event));
    stage.addEventListener("pointercancel", () => (this.#start = null));
    this.#dialog.addEventListener("close", () => this.#closed());
    addEventListener("popstate", () => this.#dialog.open && this.#dialog.close());
  }

  get open() {
    return this.#dialog.open;
  }

  /**
   * Show `picture` out of `list`, which has `all()` and may have `more()`, a promise of more of
   * them at the end. A press on "back" closes the view instead of leaving the page.
   */
  show(picture, list) {
    this.#list = list;
    this.#from = document.activeElement;
    this.#at = Math.max(0, list.all().findIndex((each) => each.id === picture.id));
    this.#draw();
    if (this.#dialog.open) return;
    history.pushState({ big: true }, "");
    this.#dialog.showModal();
    this.#dialog.querySelector(".close").focus();
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  /** A picture was deleted: show its neighbour, or nothing more. */
  gone(id) {
    if (!this.#dialog.open || this.#shown.dataset.id !== id) return;
    const left = this.#list.all().length;
    if (left === 0) {
      this.close();
      return;
    }
    this.#at = Math.min(this.#at, left - 1);
    this.#draw();
    this.#dialog.querySelector(".close").focus();
  }

  #draw() {
    const all = this.#list.all();
    const picture = all[this.#at];
    if (!picture) return;
    this.#shown.classList.remove("there");
    this.#under.src = picture.thumb;
    for (const image of [this.#shown, this.#under]) {
      image.width = picture.width;
      image.height = picture.height;
      image.style.setProperty("--ratio", picture.width / picture.height);
      image.style.setProperty("--natural", `${picture.width}px`);
    }
    this.#shown.dataset.id = picture.id;
    delete this.#stage.dataset.veil;
    veil(this.#stage, picture);
    this.#shown.alt = say("picture.alt", { prompt: picture.prompt });
    this.#shown.src = picture.url;
    this.#count.textContent = say("big.count", { i: this.#at + 1, n: all.length });
    const { request } = picture;
    this.#side.replaceChildren(
      make("p", { class: "prompt" }, picture.prompt),
      ...(request.negative ? [make("p", { class: "facts" }, say("big.without", { words: request.negative }))] : []),
      make(
        "p",
        { class: "facts" },
        line(picture.model, `${picture.width}×${picture.height}`, say("seed", { n: picture.seed }), moment(picture.created_at)),
      ),
      toolbar(picture, this.#does),
    );
    this.#back.disabled = this.#at === 0;
    this.#on.disabled = this.#at >= all.length - 1 && !this.#list.more;
    if (document.activeElement?.disabled) this.#dialog.querySelector(".close").focus();
    for (const near of [all[this.#at + 1], all[this.#at - 1]]) {
      if (near) new Image().src = near.url; // it is in the cache when the arrow is pressed
    }
  }

  async #step(by) {
    const { id } = this.#shown.dataset;
    const at = this.#list.all().findIndex((each) => each.id === id); // others may have come before it
    const to = (at < 0 ? this.#at : at) + by;
    if (to >= this.#list.all().length && this.#list.more) await this.#list.more();
    if (to < 0 || to >= this.#list.all().length || !this.#dialog.open) return;
    this.#at = to;
    this.#draw();
    const { prompt } = this.#list.all()[to];
    this.#dialog.querySelector("[role=status]").textContent = `${this.#count.textContent}: ${prompt}`;
  }

  #key(event) {
    if (event.target.closest(".menu") || event.altKey || event.ctrlKey || event.metaKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.#step(by);
  }

  #swiped(event) {
    const start = this.#start;
    this.#start = null;
    if (!start || event.pointerType === "mouse") return;
    const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
    if (Math.abs(x) > SWIPE_PX && Math.abs(x) > Math.abs(y)) this.#step(x < 0 ? 1 : -1);
    else if (y > 2 * SWIPE_PX && y > Math.abs(x)) this.close();
  }

  #arrow(name, by) {
    const label = say(`big.${name}`);
    return make(
      "button",
      { class: `icon arrow ${name}`, type: "button", "aria-label": label, title: label, onclick: () => this.#step(by) },
      icon(name),
    );
  }

  #closed() {
    this.#shown.removeAttribute("src");
    if (history.state?.big) history.back();
    // The browser gives the focus back by itself, before this is heard of: it may have moved on.
    const lost = document.activeElement === document.body;
    if (lost && this.#from?.isConnected) this.#from.focus({ preventScroll: true });
  }
}
