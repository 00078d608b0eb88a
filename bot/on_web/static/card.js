// One job as a card of the feed: its prompt, the frames of its pictures, its state, its buttons.

import { Frame } from "./frame.js";
import { icon, make } from "./make.js";
import { toolbar } from "./tools.js";
import { line, number, say } from "./texts.js";
import { standing } from "./standing.js";
import { tell } from "./toast.js";

/** The stored picture that a job enlarges or looks at again, if it paints nothing. */
const stored = (job) => job.upscale?.of ?? job.second_look_of;

const FINAL = new Set(["done", "failed", "cancelled"]);

/** Shows a job and follows its events; `does` has `again`, `cancel` and what `tools.js` needs. */
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
  #followed = false;

  constructor(job, does) {
    this.#does = does;
    this.job = job;
    this.#bar.setAttribute("aria-label", say("progress.label"));
    this.#cancel = make(
      "button",
      { class: "quiet", type: "button", onclick: () => this.#stop() },
      say("cancel"),
    );
    this.element = make("li", { class: "job", tabindex: "-1", "aria-label": job.prompt, "data-id": job.id });
    this.#build();
    this.show(job);
  }

  get open() {
    return !FINAL.has(this.job.state);
  }

  /** The pictures that hang here, as the big view wants them. */
  get pictures() {
    return this.#frames.map((frame) => frame.picture).filter(Boolean);
  }

  /** Take over what the server says of the job as a whole. */
  show(job) {
    this.job = job;
    this.element.dataset.state = job.state;
    this.#notes.textContent = (job.notes ?? []).map((note) => note.message).join(" ");
    if (this.open) this.#showProgress(job.progress ?? { share: 0 });
    else this.#finish();
  }

  /** Take over an answer that may be older than what the stream has told meanwhile. */
  perhaps(job) {
    if (this.open && (!this.#followed || FINAL.has(job.state))) this.show(job);
  }

  /** Take over one event of the stream. */
  follow(name, data) {
    if (!this.open) return;
    this.#followed = true;
    if (FINAL.has(name)) {
      this.show(data);
      tell(say(`live.${data.state}`, { prompt: this.job.prompt }));
      return;
    }
    if (name === "preview") {
      const rough = 1 - Math.min(1, this.#share * this.job.count - data.index);
      this.#frames[data.index]?.preview(data.image, rough);
      return;
    }
    const state = name === "queued" ? "queued" : "running";
    if (state === "running" && this.job.state === "queued") {
      tell(say("live.painting", { prompt: this.job.prompt }));
    }
    const progress = state === "running" ? data : { share: 0 };
    this.job = { ...this.job, ...data, state, progress };
    this.element.dataset.state = state;
    this.#showProgress(progress);
  }

  /** Count the estimate down between two events. */
  tick(now) {
    if (this.open) this.#words.textContent = standing(this.job, (now - this.#asOf) / 1000);
  }

  /** A picture was deleted: here, in the big view, or in the gallery. */
  gone(id) {
    const frame = this.#frames.find((each) => each.picture?.id === id);
    if (!frame) return;
    const held = this.element.contains(document.activeElement);
    frame.element.remove();
    this.#frames = this.#frames.filter((each) => each !== frame);
    this.job.pictures = this.job.pictures.filter((kept) => kept.id !== id);
    this.element.querySelector(".toolbar")?.remove();
    if (this.job.pictures.length === 0) {
      this.#wall.after(make("p", { class: "state" }, say("deleted")));
      this.#bare();
    }
    if (held) this.element.focus({ preventScroll: true });
  }

  #build() {
    const { job } = this;
    const wall = this.#wall;
    this.element.toggleAttribute("data-several", job.count > 1);
    this.element.style.setProperty("--ratio", job.width / job.height);
    this.element.style.setProperty("--natural", `${job.final_width}px`);
    for (let index = 0; index < job.count; index += 1) {
      const frame = new Frame(this.#does, job.count > 1);
      this.#frames.push(frame);
      wall.append(frame.element);
    }
    const state = make("div", { class: "state" }, make("span", { class: "dot" }), this.#words);
    state.append(this.#cancel);
    this.element.append(this.#title(), wall, state, this.#foot);
    wall.append(this.#bar);
    this.element.append(this.#notes);
  }

  // The words, and beside them the picture that it was painted from, if that is one of ours.
  #title() {
    const { job } = this;
    const title = make("p", { class: "prompt" }, job.prompt);
    const from = stored(job) ?? job.source;
    if (!from?.startsWith("picture:")) return title;
    const shown = make("img", {
      class: "origin",
      src: `/api/pictures/${from.slice("picture:".length)}/thumbnail`,
      alt: say("origin"),
      width: 40,
      height: 40,
      loading: "lazy",
    });
    shown.addEventListener("error", () => shown.remove());
    if (this.open && stored(job)) this.#frames[0].preview(shown.src, 0.3);
    return make("div", { class: "title" }, shown, title);
  }

  #showProgress(progress) {
    this.#share = progress.share ?? 0;
    this.#asOf = Date.now();
    this.#bar.value = this.#share;
    this.#words.textContent = standing(this.job, 0);
    const now = progress.index ?? 0;
    this.#frames.forEach((frame, index) => {
      frame.phase = index < now ? "painted" : index === now ? "now" : "later";
    });
  }

  #finish() {
    const { job } = this;
    if (this.#cancel === document.activeElement) this.element.focus({ preventScroll: true });
    this.#bar.remove();
    this.#cancel.remove();
    for (const frame of this.#frames) frame.phase = null;
    const pictures = (job.pictures ?? []).map((picture) => this.#whole(picture));
    if (pictures.length === 0) {
      this.#bare();
      this.#words.textContent = job.state === "done" ? say(withheld(job) ? "veil.withheld" : "deleted") : job.message;
    } else {
      this.#words.closest(".state")?.remove();
      const soon = this.element.isConnected;
      for (const picture of pictures) this.#frames[picture.index]?.hang(picture, soon);
      if (job.state === "done") for (const frame of this.#frames) if (!frame.picture) frame.element.remove();
    }
    const buttons = pictures.length === 1 && job.count === 1 ? [toolbar(pictures[0], this.#does)] : [];
    if (!stored(job) || job.state !== "done") buttons.unshift(this.#again());
    this.#foot.replaceChildren(this.#facts(), make("div", { class: "row" }, ...buttons));
  }

  // A picture with what its job says about it: all that the big view and the buttons need.
  #whole(picture) {
    const { prompt, request, created_at, model } = this.job;
    return { ...picture, prompt, request, created_at, model };
  }

  // Nothing hangs here (any more): only the words stay.
  #bare() {
    this.#wall.remove();
    this.element.toggleAttribute("data-bare", true);
  }

  #facts() {
    const { job } = this;
    const seconds = job.started_at && job.finished_at
      ? (new Date(job.finished_at) - new Date(job.started_at)) / 1000
      : null;
    const pure = stored(job) !== null;
    const made = job.second_look_of ? say("finer.done") : job.upscale ? say("enlarged", { n: job.upscale.scale }) : "";
    return make(
      "p",
      { class: "facts" },
      line(
        pure ? made : [job.model, made].filter(Boolean).join(", "),
        `${job.final_width}×${job.final_height}`,
        pure ? "" : say("steps", { n: job.steps }),
        pure ? "" : say("seed", { n: job.seed }),
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
}

const withheld = (job) => job.notes?.some(({ code }) => code === "withheld");
