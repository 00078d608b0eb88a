// The line: what is painted, who waits, and what may be done about it.

import { icon, make } from "../make.js";
import { about, line, number, say } from "../texts.js";
import * as api from "./api.js";
import { Rows, ago, bar, called, head, platform, sure, tag } from "./parts.js";
import { openPerson } from "./person.js";

export class Queue {
  every = 1;
  #on;
  #rows;
  #nothing = make("p", { class: "nothing", hidden: "" }, say("queue.empty"));
  #all;

  constructor(box, on) {
    this.#on = on;
    this.#all = sure(say("queue.cancel.all"), () => on.act(api.cancelAll, ({ count }) => say("queue.cancelled", { n: number(count) })));
    this.#rows = new Rows(make("ol", { class: "rows" }), (item) => this.#row(item));
    box.append(head(say("admin.queue"), this.#all), this.#rows.element, this.#nothing);
  }

  async look() {
    const jobs = await api.queue();
    this.#rows.show(jobs);
    this.#nothing.hidden = jobs.length > 0;
    this.#all.hidden = jobs.length === 0;
  }

  #row({ id }) {
    const place = make("span", { class: "place" });
    const prompt = make("p", { class: "prompt" });
    const facts = make("p", { class: "facts" });
    const who = make("button", { type: "button", class: "who" });
    const progress = make("span", { class: "progress" });
    const cancel = sure(say("cancel"), () => this.#on.act(() => api.cancel(id)), { kind: "icon", name: "close", title: say("cancel") });
    const first = this.#mover(id, "first");
    const last = this.#mover(id, "last");
    const deeds = make("div", { class: "acts" }, first, last, cancel);
    const element = make("li", { class: "line" }, place, make("div", { class: "what" }, prompt, make("div", { class: "said" }, who, facts), progress), deeds);
    const show = (job) => {
      const running = job.position === 0;
      element.classList.toggle("running", running);
      text(place, running ? say("queue.now") : number(job.position));
      text(prompt, job.prompt || say("queue.wordless"));
      prompt.classList.toggle("wordless", !job.prompt);
      text(who, called({ name: job.name, id: job.person }));
      who.onclick = () => openPerson(job.person, this.#on);
      const size = `${job.width}×${job.height}`;
      const many = job.count > 1 && say("pictures", { n: job.count });
      const left = job.eta_s !== null && say("queue.eta", { about: about(job.eta_s) });
      text(facts, line(platform(job.platform), job.model, size, many, say("queue.asked", { ago: ago(job.created_at) }), left));
      if (job.private && !facts.nextElementSibling) facts.after(tag(say("queue.private")));
      if (job.deaths && !element.querySelector(".died")) facts.after(tag(say("queue.deaths", { n: job.deaths }), "warn died"));
      progress.replaceChildren(...(running ? [bar(job.share, "live")] : []));
      first.hidden = last.hidden = running;
      first.disabled = job.position === 1;
    };
    return { element, show };
  }

  #mover(id, place) {
    const words = say(`queue.${place}`);
    const press = () => this.#on.act(() => api.move(id, place));
    return make("button", { type: "button", class: "icon", title: words, "aria-label": words, onclick: press }, icon(place));
  }
}

function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
