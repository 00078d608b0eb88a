// The models: what is installed, how large, how quick here, and what is broken.

import { make } from "../make.js";
import { line, number, say } from "../texts.js";
import * as api from "./api.js";
import { bytes, head, many, span, tag } from "./parts.js";

export class Models {
  every = 15;
  #list = make("ul", { class: "cards" });
  #told = "";

  constructor(box) {
    box.append(head(say("admin.models")), this.#list);
  }

  async look() {
    const models = await api.models();
    const told = JSON.stringify(models);
    if (told === this.#told) return;
    this.#told = told;
    this.#list.replaceChildren(...models.map(card));
  }
}

function card(model) {
  const facts = [
    model.seconds !== null && [say("card.speed"), say(model.measured ? "card.measured" : "card.guessed", { span: span(model.seconds) })],
    model.size && [say("card.usual"), line(`${model.size[0]}×${model.size[1]}`, say("steps", { n: model.steps }))],
    model.bytes > 0 && [say("card.disk"), bytes(model.bytes)],
    model.memory_bytes > 0 && [say("card.memory"), bytes(model.memory_bytes)],
    model.load_s !== null && [say("card.loads"), span(model.load_s)],
    model.pictures + model.failed > 0 && [say("card.week"), line(many("card.pictures", model.pictures), model.failed > 0 && say("card.failed", { n: number(model.failed) }))],
    model.licence && [say("card.licence"), model.licence],
  ].filter(Boolean);
  const kind = model.broken === null ? tag(say("state.ready"), "good") : tag(say("card.broken"), "bad");
  return make("li", { class: `card ${model.broken === null ? "" : "broken"}` },
    make("h3", {}, model.title, " ", kind, ...(model.default ? [" ", tag(say("card.default"))] : []), ...(model.resident ? [" ", tag(say("card.resident"))] : [])),
    make("p", { class: "facts" }, make("code", {}, model.name), " ", model.kind === "broken" ? "" : model.kind === "upscaler" ? say("card.enlarges") : model.kind),
    ...(model.broken === null ? [] : [make("p", { class: "reason" }, model.broken)]),
    ...(model.description ? [make("p", { class: "words" }, model.description)] : []),
    ...(facts.length ? [make("dl", { class: "pairs" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))))] : []));
}
