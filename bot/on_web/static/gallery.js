// The gallery: all pictures of this visitor, newest first, found by the words of their prompts.

import { gallery } from "./api.js";
import { make } from "./make.js";
import { say } from "./texts.js";
import { veil } from "./veil.js";

const TYPING_MS = 250;

export class Gallery {
  #list = document.getElementById("wallpaper");
  #search = document.getElementById("search");
  #kept = document.getElementById("kept");
  #more = document.getElementById("more");
  #nothing = document.getElementById("nothing");
  #found = document.getElementById("found");
  #does;
  #pictures = [];
  #asking = null;
  #typing = 0;
  #stale = true;
  #rest = false;

  /** `does` has `open(picture)` and `trouble(error)`. */
  constructor(does) {
    this.#does = does;
    document.getElementById("finder").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#begin(), TYPING_MS);
    });
    this.#kept.addEventListener("change", () => this.#begin());
    this.#more.addEventListener("click", () => this.#page());
    const near = (seen) => seen.some((each) => each.isIntersecting) && this.#page();
    new IntersectionObserver(near, { rootMargin: "600px" }).observe(this.#more);
  }

  all() {
    return this.#pictures;
  }

  /** The way the big view goes on at the end; undefined when there is nothing more. */
  get more() {
    return this.#rest ? () => this.#page() : undefined;
  }

  /** It comes into view: look for what is new. */
  enter() {
    if (this.#stale) this.#begin();
  }

  /** There may be new pictures. */
  outdated() {
    this.#stale = true;
    if (!document.getElementById("gallery").hidden && !this.#asking) this.#renew();
  }

  gone(id) {
    this.#pictures = this.#pictures.filter((picture) => picture.id !== id);
    const tile = this.#list.querySelector(`[data-id="${id}"]`);
    const next = (tile?.nextElementSibling ?? tile?.previousElementSibling)?.querySelector("button");
    const held = tile?.contains(document.activeElement);
    tile?.remove();
    if (held) (next ?? this.#search).focus({ preventScroll: true });
    this.#say();
  }

  pinned(id, now) {
    const picture = this.#pictures.find((each) => each.id === id);
    if (picture) picture.pinned = now;
    this.#list.querySelector(`[data-id="${id}"]`)?.toggleAttribute("data-pinned", now);
  }

  async #begin() {
    clearTimeout(this.#typing);
    this.#asking?.abort();
    this.#asking = null;
    await this.#page(true);
  }

  // Whoever looks at the gallery keeps their place: what is new comes in front of the rest.
  async #renew() {
    try {
      const page = await gallery({ search: this.#search.value.trim(), pinned: this.#kept.checked });
      const known = new Set(this.#pictures.map(({ id }) => id));
      const fresh = page.pictures.filter(({ id }) => !known.has(id));
      if (fresh.length === page.pictures.length && known.size > 0) {
        await this.#begin(); // more than a page is new: begin anew rather than leave a gap
        return;
      }
      this.#pictures.unshift(...fresh);
      this.#list.prepend(...fresh.map((picture) => this.#tile(picture)));
      this.#rest = this.#rest || (known.size === 0 && page.more);
      this.#stale = false;
      this.#say();
    } catch (error) {
      this.#does.trouble(error);
    }
  }

  async #page(fresh = false) {
    if (this.#asking || (!fresh && !this.#rest)) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.#list.setAttribute("aria-busy", "true");
    try {
      const page = await gallery({
        search: this.#search.value.trim(),
        pinned: this.#kept.checked,
        before: fresh ? null : this.#pictures.at(-1)?.id,
        signal: asking.signal,
      });
      if (fresh) {
        this.#pictures = [];
        this.#list.replaceChildren();
        this.#stale = false;
      }
      this.#pictures.push(...page.pictures);
      this.#list.append(...page.pictures.map((picture) => this.#tile(picture)));
      this.#rest = page.more;
      this.#say();
    } catch (error) {
      if (error.name !== "AbortError") this.#does.trouble(error);
    } finally {
      if (this.#asking === asking) {
        this.#asking = null;
        this.#list.removeAttribute("aria-busy");
      }
    }
  }

  #tile(picture) {
    const ratio = picture.width / picture.height;
    const image = make("img", {
      src: picture.thumb,
      alt: say("picture.alt", { prompt: picture.prompt }),
      width: picture.width,
      height: picture.height,
      loading: "lazy",
      decoding: "async",
    });
    image.addEventListener("load", () => image.classList.add("there"));
    const open = () => this.#does.open(picture);
    const tile = make(
      "li",
      { "data-id": picture.id, "data-pinned": picture.pinned ? "" : undefined },
      make("button", { type: "button", title: picture.prompt, onclick: open }, image),
    );
    tile.style.setProperty("--ratio", ratio);
    veil(tile, picture);
    return tile;
  }

  #say() {
    const n = this.#pictures.length;
    const searched = this.#search.value.trim() || this.#kept.checked;
    this.#more.hidden = !this.#rest;
    this.#nothing.hidden = n > 0;
    this.#nothing.textContent = say(searched ? "gallery.nothing" : "gallery.empty");
    const count = n === 1 ? say("gallery.one") : say(this.#rest ? "gallery.some" : "gallery.many", { n });
    this.#found.textContent = n ? count : this.#nothing.textContent;
  }
}
