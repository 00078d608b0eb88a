// One job as a card of the feed: its prompt, the frames of its pictures, its state, its buttons.

import { icon, make } from "./make.js";
import { about, line, number, say } from "./texts.js";

const FINAL = new Set(["done", "failed", "cancelled"]);

/** Shows a job and follows its events; `does` has `again`, `cancel`, `remove` and `tell`. */
export class Card {
  #does;
  #frames = [];
  #words = make("span", { class: "words" });
  #bar = make("progress", { max: "1", value: "0" });
  #cancel;
  #wall = make("div", { class: "wall" });
  #foot = make("footer", { class: "foot" });
  #notes = make("p", { class: "notes" });
  #share = 0;
  #asOf = 0;

  constructor(job, does) {
    this.#does = does;
    this.job = job;
    this.#bar.setAttribute("aria-label", say("progress.label"));
    this.#cancel = make(
      "button",
      { class: "quiet", type: "button", onclick: () => this.#stop() },
      say("cancel"),
    );
    this.element = make("li", { class: "job", tabindex: "-1", "aria-label": job.prompt });
    this.#build();
    this.show(job);
  }

  get open() {
    return !FINAL.has(this.job.state);
  }

  /** Take over what the server says of the job as a whole. */
  show(job) {
    this.job = job;
    this.element.dataset.state = job.state;
    this.#notes.textContent = (job.notes ?? []).map((note) => note.message).join(" ");
    if (this.open) this.#showProgress(job.progress ?? { share: 0 });
    else this.#finish();
  }

  /** Take over one event of the stream. */
  follow(name, data) {
    if (!this.open) return;
    if (FINAL.has(name)) {
      this.show(data);
      this.#announce();
      return;
    }
    if (name === "preview") {
      this.#preview(data);
      return;
    }
    const state = name === "queued" ? "queued" : "running";
    if (state === "running" && this.job.state === "queued") {
      this.#does.tell(say("live.painting", { prompt: this.job.prompt }));
    }
    const progress = state === "running" ? data : { share: 0 };
    this.job = { ...this.job, ...data, state, progress };
    this.element.dataset.state = state;
    this.#showProgress(progress);
  }

  /** Count the estimate down between two events. */
  tick(now) {
    if (this.open) this.#words.textContent = this.#stateWords(now);
  }

  #build() {
    const { job } = this;
    const wall = this.#wall;
    this.element.toggleAttribute("data-several", job.count > 1);
    this.element.style.setProperty("--ratio", job.width / job.height);
    this.element.style.setProperty("--natural", `${job.width}px`);
    for (let index = 0; index < job.count; index += 1) {
      const frame = make("figure", { class: "frame" });
      this.#frames.push(frame);
      wall.append(frame);
    }
    const state = make("div", { class: "state" }, make("span", { class: "dot" }), this.#words);
    state.append(this.#cancel);
    this.element.append(make("p", { class: "prompt" }, job.prompt), wall, state, this.#foot);
    wall.append(this.#bar);
    this.element.append(this.#notes);
  }

  #showProgress(progress) {
    this.#share = progress.share ?? 0;
    this.#asOf = Date.now();
    this.#bar.value = this.#share;
    this.#words.textContent = this.#stateWords(this.#asOf);
    this.#frames.forEach((frame, index) => {
      frame.dataset.phase = index === (progress.index ?? 0) ? "now" : "later";
      if (index < (progress.index ?? 0)) frame.dataset.phase = "painted";
    });
  }

  #stateWords(now) {
    const { job } = this;
    const left = job.eta_s == null ? null : Math.max(0, job.eta_s - (now - this.#asOf) / 1000);
    if (job.state === "queued") {
      if (left == null) return job.message;
      const place = job.position <= 1 ? "first" : "later";
      const where = say(`${job.warming ? "warming" : "queued"}.${place}`, { n: job.position });
      return line(where, about(left));
    }
    const of = job.count > 1 ? { i: (job.progress?.index ?? 0) + 1, n: job.count } : null;
    const painting = of ? say("painting.several", of) : say("painting.one");
    return line(painting, left == null || left < 1 ? "" : say("left", { about: about(left) }));
  }

  #preview({ index, image }) {
    const frame = this.#frames[index];
    if (!frame) return;
    let shown = frame.querySelector(".preview");
    if (!shown) {
      shown = make("img", { class: "preview", alt: "" });
      frame.append(shown);
    }
    shown.src = image;
    frame.style.setProperty("--rough", 1 - Math.min(1, this.#share * this.job.count - index));
  }

  #finish() {
    const { job } = this;
    if (this.#cancel === document.activeElement) this.element.focus({ preventScroll: true });
    this.#bar.remove();
    this.#cancel.remove();
    for (const frame of this.#frames) frame.removeAttribute("data-phase");
    const pictures = job.pictures ?? [];
    if (pictures.length === 0) {
      this.#bare();
      this.#words.textContent = job.state === "done" ? say("deleted") : job.message;
    } else {
      this.#words.closest(".state")?.remove();
      for (const picture of pictures) this.#hang(picture);
    }
    this.#foot.replaceChildren(this.#facts(), this.#again());
  }

  // Nothing hangs here (any more): only the words stay.
  #bare() {
    this.#wall.remove();
    this.element.toggleAttribute("data-bare", true);
  }

  #hang(picture) {
    const { job } = this;
    const frame = this.#frames[picture.index];
    if (!frame || frame.querySelector(".picture")) return;
    const shown = make("img", {
      class: "picture",
      alt: say("picture.alt", { prompt: job.prompt }),
      width: picture.width,
      height: picture.height,
      decoding: "async",
      loading: this.element.isConnected ? "eager" : "lazy",
    });
    shown.addEventListener("load", () => {
      frame.classList.remove("lost");
      frame.classList.add("hung");
      setTimeout(() => frame.querySelector(".preview")?.remove(), 600); // it has faded by then
    });
    shown.addEventListener("error", () => frame.classList.add("lost"));
    shown.src = picture.url;
    const buttons = make(
      "figcaption",
      { class: "tools" },
      make(
        "a",
        {
          class: "icon",
          href: `${picture.url}?download=1`,
          download: "",
          "aria-label": say("download"),
          title: say("download"),
        },
        icon("download"),
      ),
      make(
        "button",
        {
          class: "icon",
          type: "button",
          "aria-label": say("delete"),
          title: say("delete"),
          onclick: (event) => this.#remove(picture, event.currentTarget),
        },
        icon("delete"),
      ),
    );
    frame.append(shown, buttons);
  }

  #facts() {
    const { job } = this;
    const seconds = job.started_at && job.finished_at
      ? (new Date(job.finished_at) - new Date(job.started_at)) / 1000
      : null;
    return make(
      "p",
      { class: "facts" },
      line(
        job.model,
        `${job.width}×${job.height}`,
        say("steps", { n: job.steps }),
        say("seed", { n: job.seed }),
        job.state === "done" && seconds !== null
          ? say("took", { n: number(seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)) })
          : "",
      ),
    );
  }

  #again() {
    return make(
      "button",
      { class: "quiet again", type: "button", onclick: () => this.#does.again(this.job) },
      icon("again"),
      say("again"),
    );
  }

  async #stop() {
    this.#cancel.disabled = true;
    if (!(await this.#does.cancel(this))) this.#cancel.disabled = false;
  }

  // The first press asks, the second deletes: no dialog, and no picture lost by a slip.
  async #remove(picture, button) {
    if (!button.classList.contains("sure")) {
      button.classList.add("sure");
      button.setAttribute("aria-label", say("delete.sure"));
      button.append(make("span", {}, say("delete.sure")));
      const calm = () => {
        button.classList.remove("sure");
        button.setAttribute("aria-label", say("delete"));
        button.querySelector("span")?.remove();
      };
      button.addEventListener("blur", calm, { once: true });
      return;
    }
    if (!(await this.#does.remove(picture))) return;
    this.job.pictures = this.job.pictures.filter((kept) => kept.id !== picture.id);
    this.#frames[picture.index].remove();
    if (this.job.pictures.length === 0) {
      this.#wall.after(make("p", { class: "state" }, say("deleted")));
      this.#bare();
    }
    this.element.focus({ preventScroll: true });
  }

  #announce() {
    const { job } = this;
    const key = job.state === "done" ? "live.done" : `live.${job.state}`;
    this.#does.tell(say(key, { prompt: job.prompt }));
  }
}
