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

  /** All pictures that hang here, in the order in which they are seen. */
  all() {
    return [...this.#list.children].flatMap((element) => this.#cards.get(element.dataset.id).pictures);
  }

  /** A picture was deleted. */
  gone(id) {
    for (const card of this.#cards.values()) card.gone(id);
  }

  /** A picture was pinned, or let go. */
  pinned(id, now) {
    for (const picture of this.all()) if (picture.id === id) picture.pinned = now;
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
      known.perhaps(job);
      return known;
    }
    const card = this.#made(job);
    let after = this.#list.lastElementChild; // answers may come in another order than they were asked
    while (after && after.dataset.asked > card.element.dataset.asked) {
      after = after.previousElementSibling;
    }
    if (after) after.after(card.element);
    else this.#list.prepend(card.element);
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
      this.#list.prepend(this.#made(job).element);
    }
    this.#earlier.hidden = !page.more;
    return page.jobs.length;
  }

  #made(job) {
    const card = new Card(job, this.#does);
    card.element.dataset.asked = new Date(job.created_at).toISOString(); // one form, so that it sorts
    this.#cards.set(job.id, card);
    return card;
  }

  async #more() {
    this.#earlier.disabled = true;
    const fromBottom = document.documentElement.scrollHeight - scrollY;
    try {
      await this.load();
      scrollTo({ top: document.documentElement.scrollHeight - fromBottom, behavior: "instant" });
    } catch (error) {
      this.#does.trouble(error);
    } finally {
      this.#earlier.disabled = false;
    }
  }

  #tick() {
    const now = Date.now();
    for (const card of this.#cards.values()) card.tick(now);
  }
}
