// The feed: the cards of all jobs, oldest on top as in a chat, and the pages of history above.

import { history, job as fetchJob } from "./api.js";
import { Card } from "./card.js";

export class Feed {
  #list = document.getElementById("feed");
  #earlier = document.getElementById("earlier");
  #cards = new Map();
  #early = new Map();
  #does;
  #oldest = null;

  constructor(does) {
    this.#does = does;
    this.#earlier.addEventListener("click", () => this.#more());
    setInterval(() => this.#tick(), 1000);
  }

  get empty() {
    return this.#cards.size === 0;
  }

  get open() {
    return [...this.#cards.values()].filter((card) => card.open);
  }

  /**
   * Take over an event. It may be faster than the answer to the request itself, or tell of a job
   * of another tab: then it waits until its card is there.
   */
  follow(name, data) {
    const card = this.#cards.get(data.id);
    if (card) {
      card.follow(name, data);
      return;
    }
    const early = this.#early.get(data.id);
    this.#early.set(data.id, [...(early ?? []), [name, data]]);
    if (!early) fetchJob(data.id).then((job) => this.put(job), () => this.#early.delete(data.id));
  }

  /** Add a new job at the bottom, or take over what is new about a known one. */
  put(job) {
    const known = this.#cards.get(job.id);
    if (known) {
      if (known.open) known.show(job);
      return known;
    }
    const card = new Card(job, this.#does);
    this.#cards.set(job.id, card);
    this.#list.append(card.element);
    for (const [name, data] of this.#early.get(job.id) ?? []) card.follow(name, data);
    this.#early.delete(job.id);
    return card;
  }

  /** Put one page of history above everything that is shown. */
  async load() {
    const page = await history(this.#oldest);
    for (const job of page.jobs) {
      this.#oldest = job.id;
      if (this.#cards.has(job.id)) continue;
      const card = new Card(job, this.#does);
      this.#cards.set(job.id, card);
      this.#list.prepend(card.element);
    }
    this.#earlier.hidden = !page.more;
    return page.jobs.length;
  }

  async #more() {
    this.#earlier.disabled = true;
    const fromBottom = document.documentElement.scrollHeight - scrollY;
    try {
      await this.load();
      scrollTo({ top: document.documentElement.scrollHeight - fromBottom, behavior: "instant" });
    } finally {
      this.#earlier.disabled = false;
    }
  }

  #tick() {
    const now = Date.now();
    for (const card of this.#cards.values()) card.tick(now);
  }
}
