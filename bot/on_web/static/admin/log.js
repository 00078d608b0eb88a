// What was refused, which jobs failed, what else went wrong, and what was decided, newest first.

import { choices } from "../fields.js";
import { make } from "../make.js";
import { line, number, say } from "../texts.js";
import * as api from "./api.js";
import { called, head, platform, tag, when } from "./parts.js";
import { openPerson } from "./person.js";

export class Log {
  every = 5;
  #on;
  #kind = "";
  #seen = [];
  #end = true;
  #told = "";
  #list = make("ol", { class: "rows log" });
  #nothing = make("p", { class: "nothing", hidden: "" }, say("log.nothing"));
  #more = make("button", { class: "quiet earlier", type: "button", hidden: "" }, say("log.more"));

  constructor(box, on) {
    this.#on = on;
    const options = ["", "refused", "failed", "trouble", "decisions"].map((value) => ({ value, label: say(`log.${value || "all"}`) }));
    const change = (kind) => {
      this.#kind = kind;
      this.#seen = [];
      this.look().catch(on.trouble);
    };
    this.#more.addEventListener("click", () => this.#earlier().catch(on.trouble));
    box.append(head(say("admin.log")), choices({ name: "kind", legend: say("log.kind"), options, value: "", change }), this.#list, this.#nothing, this.#more);
  }

  async look() {
    const kind = this.#kind;
    if (kind === "decisions") {
      const made = await api.decisions();
      if (kind === this.#kind) this.#show(made.map(decision), made, false);
      return;
    }
    const { incidents, more } = await api.log(kind ? { kind } : {});
    if (kind !== this.#kind) return;
    const newest = incidents.at(-1)?.id ?? 0;
    const older = this.#seen.filter(({ id }) => id < newest);
    if (!older.length) this.#end = !more;
    this.#seen = [...incidents, ...older];
    this.#draw();
  }

  async #earlier() {
    const kind = this.#kind;
    const before = this.#seen.at(-1)?.id;
    const { incidents, more } = await api.log({ ...(kind ? { kind } : {}), before });
    if (kind !== this.#kind) return;
    this.#seen.push(...incidents);
    this.#end = !more;
    this.#draw();
  }

  #draw() {
    this.#show(this.#seen.map((each) => this.#entry(each)), this.#seen, !this.#end);
  }

  #show(entries, facts, more) {
    this.#nothing.hidden = entries.length > 0;
    this.#more.hidden = !more;
    const told = JSON.stringify([this.#kind, facts]);
    if (told === this.#told) return; // whoever reads is not disturbed
    this.#told = told;
    this.#list.replaceChildren(...entries);
  }

  #entry(incident) {
    const known = say(`why.${incident.code}`);
    const words = known === `why.${incident.code}` ? incident.code : known;
    const who = incident.person && make("button", { type: "button", class: "who", onclick: () => openPerson(incident.person, this.#on) }, called({ name: incident.name, id: incident.person }));
    return make("li", { class: `incident ${incident.kind}` },
      make("p", { class: "words" }, tag(say(`kind.${incident.kind}`), incident.kind === "refused" ? "" : "bad"), " ", words, incident.times > 1 ? make("strong", {}, ` ×${number(incident.times)}`) : ""),
      ...(incident.detail ? [make("p", { class: "detail" }, incident.detail)] : []),
      make("div", { class: "said" }, ...(who ? [who] : []), make("p", { class: "facts" }, line(platform(incident.platform), incident.job && say("log.job", { job: incident.job }), when(incident.at)))));
  }
}

function decision({ at, words }) {
  return make("li", { class: "incident" }, make("p", { class: "words" }, words), make("p", { class: "facts" }, when(at)));
}
