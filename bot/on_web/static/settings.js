// What goes with the words of every request: model, shape, steps, seed … and the form that shows it.

import { forgetDefaults, keepDefaults } from "./api.js";
import { choices, line, select, slider } from "./fields.js";
import { make, icon } from "./make.js";
import { keep, recall } from "./remember.js";
import { about, line as joined, number, say } from "./texts.js";
import { toast } from "./toast.js";

const OPEN = {
  model: null,
  shape: null,
  count: 1,
  style: null,
  negative: "",
  steps: null,
  guidance: null,
  seed: null,
  upscale: null,
  upscaler: null,
  creative: null,
  scheduler: null,
};
/* null: left open, so that the server's defaults hold, also when they change */

const SCHEDULERS = { lcm: "LCM", euler: "Euler", "dpm++": "DPM++", tcd: "TCD" };

const MAX_SEED = 2 ** 32 - 1;

export class Settings {
  #fields = document.getElementById("fields");
  #keeping = document.getElementById("keeping");
  #kept = recall("settings");
  #values = { ...OPEN, ...(this.#kept ?? {}) };
  #offer = { models: [], styles: [], upscalers: [], most: 4 };
  #own = {}; // the visitor's defaults, which fill what is left open in a request
  #on;

  /** `on` has `changed()`, `trouble(error)` and `lastSeed()`, the seed of the newest picture. */
  constructor(on) {
    this.#on = on;
    document.getElementById("panel-reset").addEventListener("click", () => this.reset());
  }

  /** What there is to choose from, once the server has said it. */
  offer({ own, ...offer }) {
    this.#offer = offer;
    this.#own = given(own);
    if (!this.#kept) this.#values = this.#read(this.#own); // nothing was chosen here yet
    this.#draw();
  }

  get model() {
    const { models } = this.#offer;
    return models.find((model) => model.name === this.#values.model) ?? models[0];
  }

  /** The fields of a request; what is left open is left out. */
  get ask() {
    const { shape, count, negative, upscale, ...rest } = this.#values;
    const ask = { ...rest, count: count > 1 ? count : null, negative: negative.trim() || null, upscale };
    const { model } = this;
    const size = model?.sizes.find((each) => nameOf(each) === shape);
    if (size) [ask.width, ask.height] = size;
    if (!upscale) ask.upscaler = ask.creative = null;
    if (model && !model.guidance) ask.guidance = null;
    if (model && !model.negative) ask.negative = null;
    if (!model?.schedulers.includes(ask.scheduler)) ask.scheduler = null;
    return given({ ...this.#against(model, ask), ...given(ask) });
  }

  // What is open in the form but not in the visitor's defaults has to be said, or these would hold.
  #against(model, { upscale }) {
    if (!model) return {};
    const { models, upscalers } = this.#offer;
    const [width, height] = model.sizes[0];
    const own = this.#own;
    const usual = {
      model: models[0].name,
      count: 1,
      style: "none",
      negative: model.negative ? "" : null,
      steps: model.default_steps,
      guidance: model.guidance ? model.default_guidance : null,
      scheduler: model.scheduler || null,
      upscale: 1,
      upscaler: upscale ? upscalers[0]?.name : null,
    };
    const said = Object.entries(usual).filter(([name]) => name in own);
    return { ...Object.fromEntries(said), ...("width" in own || "aspect" in own ? { width, height } : {}) };
  }

  /** Take over the settings of a request; what is not on offer here stays open. */
  fill(request) {
    this.#values = this.#read(request);
    this.#changed();
    this.#draw();
  }

  // The values of a request, as the form has them.
  #read(request) {
    const { models, styles, upscalers } = this.#offer;
    const known = (all, name) => (all.some((each) => each.name === name) ? name : null);
    const values = {
      ...OPEN,
      model: known(models, request.model),
      style: known(styles, request.style),
      count: Math.min(request.count ?? 1, this.#offer.most),
      negative: request.negative ?? "",
      seed: request.seed ?? null,
      upscale: request.upscale > 1 ? request.upscale : null,
      upscaler: known(upscalers, request.upscaler),
      creative: request.creative ?? null,
    };
    const model = models.find(({ name }) => name === values.model) ?? models[0];
    const [across, down] = request.width ? [request.width, request.height] : (request.aspect ?? "").split(/[:x×/]/).map(Number);
    if (across && down) values.shape = nearest(model, across, down);
    if (request.steps) values.steps = Math.min(Math.max(request.steps, model.min_steps), model.max_steps);
    if (model.schedulers.includes(request.scheduler)) values.scheduler = request.scheduler;
    if (request.guidance != null && model.guidance) values.guidance = Math.min(request.guidance, model.max_guidance);
    return values;
  }

  /** Begin as the visitor's defaults say. */
  reset() {
    this.#values = this.#read(this.#own);
    this.#changed();
    this.#draw();
  }

  /** What differs from the usual, in few words. */
  get summary() {
    const { shape, count, style, steps, guidance, seed, upscale, negative, model, scheduler } = this.#values;
    const title = (all, name) => all.find((each) => each.name === name)?.title;
    return [
      model && title(this.#offer.models, model),
      shape && ratioOf(shape.split("x").map(Number)),
      count > 1 && say("pictures", { n: count }),
      style && title(this.#offer.styles, style),
      steps && say("steps", { n: steps }),
      guidance != null && `${say("guidance")} ${number(guidance)}`,
      scheduler && SCHEDULERS[scheduler],
      seed != null && say("seed", { n: seed }),
      upscale && `×${upscale}`,
      negative && say("without.some"),
    ].filter(Boolean);
  }

  #set(change, redraw = false) {
    Object.assign(this.#values, change);
    this.#changed();
    if (redraw) this.#draw();
  }

  #changed() {
    keep("settings", this.#values);
    this.#on.changed();
  }

  #draw() {
    const { model } = this;
    if (!model) return;
    const at = document.activeElement?.id || document.activeElement?.name;
    const parts = [
      this.#models(model),
      this.#shapes(model),
      this.#counts(),
      this.#styles(),
      model.negative && this.#negative(),
      this.#steps(model),
      model.guidance && this.#guidance(model),
      model.schedulers.length > 1 && this.#schedulers(model),
      this.#seed(),
      this.#offer.upscalers.length > 0 && this.#upscales(model),
    ].filter(Boolean);
    this.#fields.replaceChildren(...parts);
    this.#drawKeeping();
    // Whoever moved through the form by keyboard goes on where they were.
    if (at) (document.getElementById(at) ?? this.#fields.querySelector(`[name="${at}"]:checked`))?.focus({ preventScroll: true });
    this.#on.changed();
  }

  // What is chosen can become what every request begins with, wherever the visitor asks.
  #drawKeeping() {
    const button = (key, press) => make("button", { id: key.replace(".", "-"), class: "quiet", type: "button", onclick: press }, say(key));
    const some = Object.keys(this.#own).length > 0;
    const held = this.#keeping.contains(document.activeElement);
    this.#keeping.replaceChildren(
      make("p", { class: "words" }, say(some ? "defaults.some" : "defaults.words")),
      button("defaults.keep", () => this.#keepThese()),
      ...(some ? [button("defaults.forget", () => this.#forgetThem())] : []),
    );
    if (held) this.#keeping.querySelector("button").focus({ preventScroll: true });
  }

  async #keepThese() {
    const { seed, ...ask } = this.ask;
    await this.#decide(() => keepDefaults(ask), given(ask), "defaults.kept");
  }

  async #forgetThem() {
    await this.#decide(forgetDefaults, {}, "defaults.forgotten");
  }

  async #decide(deed, own, said) {
    try {
      await deed();
    } catch (error) {
      this.#on.trouble(error);
      return;
    }
    this.#own = own;
    this.#drawKeeping();
    toast(say(said));
  }

  #models(model) {
    const options = this.#offer.models.map(({ name, title }) => ({ value: name, label: title }));
    const change = (name) => {
      const first = name === this.#offer.models[0].name;
      this.#set({ model: first ? null : name, shape: null, steps: null, guidance: null, scheduler: null }, true);
    };
    return select({ id: "model", label: say("model"), options, value: model.name, change, words: told(model) });
  }

  #shapes(model) {
    const options = model.sizes.map((size) => {
      const [width, height] = size;
      const drawn = make("i", { class: "shape", "aria-hidden": "true" });
      drawn.style.aspectRatio = `${width} / ${height}`;
      drawn.classList.toggle("tall", height > width);
      return { value: nameOf(size), label: ratioOf(size), title: `${width}×${height}`, content: [drawn] };
    });
    const value = options.some((option) => option.value === this.#values.shape) ? this.#values.shape : options[0].value;
    const change = (shape) => this.#set({ shape: shape === options[0].value ? null : shape });
    return choices({ name: "shape", legend: say("shape"), options, value, change, kind: "shapes" });
  }

  #counts() {
    const options = Array.from({ length: this.#offer.most }, (_, i) => ({ value: String(i + 1), label: String(i + 1) }));
    const change = (count) => this.#set({ count: Number(count) });
    return choices({ name: "count", legend: say("count"), options, value: String(this.#values.count), change });
  }

  #styles() {
    const options = [
      { value: "", label: say("style.none") },
      ...this.#offer.styles.map(({ name, title }) => ({ value: name, label: title })),
    ];
    const change = (style) => this.#set({ style: style || null });
    return select({ id: "style", label: say("style"), options, value: this.#values.style ?? "", change });
  }

  #negative() {
    const change = (negative) => this.#set({ negative });
    const { negative } = this.#values;
    return line({ id: "negative", label: say("without"), value: negative, change, placeholder: say("without.example"), max: 2000 });
  }

  #steps(model) {
    const usual = model.default_steps;
    return slider({
      id: "steps",
      label: say("steps.label"),
      min: model.min_steps,
      max: model.max_steps,
      step: 1,
      value: this.#values.steps ?? usual,
      shown: (n) => (n === usual ? say("usual", { n }) : String(n)),
      change: (steps) => this.#set({ steps: steps === usual ? null : steps }),
    });
  }

  #guidance(model) {
    const usual = model.default_guidance;
    return slider({
      id: "guidance",
      label: say("guidance"),
      min: 0,
      max: model.max_guidance,
      step: 0.5,
      value: this.#values.guidance ?? usual,
      shown: (n) => (n === usual ? say("usual", { n: number(n) }) : number(n)),
      change: (guidance) => this.#set({ guidance: guidance === usual ? null : guidance }),
    });
  }

  #schedulers(model) {
    const usual = model.scheduler ?? "";
    const named = model.schedulers.map((name) => ({ value: name, label: SCHEDULERS[name] ?? name }));
    const options = usual ? named : [{ value: "", label: say("scheduler.usual") }, ...named];
    const change = (name) => this.#set({ scheduler: name === usual ? null : name });
    return select({ id: "scheduler", label: say("scheduler"), options, value: this.#values.scheduler ?? usual, change });
  }

  #seed() {
    const { seed } = this.#values;
    const input = make("input", {
      id: "seed", type: "text", inputmode: "numeric", pattern: "[0-9]*", maxlength: 12,
      placeholder: say("seed.random"), autocomplete: "off", "aria-describedby": "seed-words",
    });
    input.value = seed ?? "";
    const lock = make("button", { class: "icon lock", type: "button", id: "seed-lock" });
    const words = make("p", { class: "words", id: "seed-words" });
    const show = () => {
      const locked = this.#values.seed !== null;
      lock.setAttribute("aria-pressed", String(locked));
      lock.setAttribute("aria-label", say("seed.lock"));
      lock.title = say(locked ? "seed.locked" : "seed.lock");
      lock.replaceChildren(icon(locked ? "locked" : "unlocked"));
      words.textContent = say(locked ? "seed.locked" : "seed.open");
    };
    input.addEventListener("input", () => {
      const digits = input.value.replace(/\D/g, "");
      if (digits !== input.value) input.value = digits;
      this.#set({ seed: digits === "" ? null : Math.min(Number(digits), MAX_SEED) });
      show();
    });
    input.addEventListener("change", () => (input.value = this.#values.seed ?? ""));
    lock.addEventListener("click", () => {
      const locked = this.#values.seed !== null;
      this.#set({ seed: locked ? null : (this.#on.lastSeed() ?? crypto.getRandomValues(new Uint32Array(1))[0]) });
      input.value = this.#values.seed ?? "";
      show();
    });
    show();
    const label = make("label", { for: "seed" }, say("seed.label"));
    return make("div", { class: "field" }, label, make("div", { class: "joined" }, input, lock), words);
  }

  #upscales(model) {
    const { upscale, upscaler, creative } = this.#values;
    const options = [{ value: "", label: say("upscale.none") }, ...[2, 4].map((n) => ({ value: String(n), label: `×${n}` }))];
    const change = (scale) => this.#set({ upscale: scale ? Number(scale) : null }, true);
    const parts = [choices({ name: "upscale", legend: say("upscale"), options, value: String(upscale ?? ""), change })];
    const networks = this.#offer.upscalers;
    if (upscale && networks.length > 1) {
      const named = networks.map(({ name, title }) => ({ value: name, label: title }));
      const value = upscaler ?? networks[0].name;
      const choose = (name) => this.#set({ upscaler: name === networks[0].name ? null : name }, true);
      const words = networks.find(({ name }) => name === value)?.description;
      parts.push(select({ id: "upscaler", label: say("upscaler"), options: named, value, change: choose, words }));
    }
    if (upscale && model.image_to_image) {
      parts.push(
        slider({
          id: "creative", label: say("creative"), min: 0, max: 0.6, step: 0.05, value: creative ?? 0,
          shown: (n) => (n ? say("percent", { n: number(Math.round(n * 100)) }) : say("creative.none")),
          change: (n) => this.#set({ creative: n >= 0.05 ? Math.round(n * 100) / 100 : null }),
        }),
      );
    }
    return make("div", { class: "group" }, ...parts);
  }
}

/** What a model is, how long a picture takes with it, and by which licence it may be used. */
function told({ description, seconds, licence, commercial }) {
  const facts = joined(
    seconds && say("model.seconds", { about: about(seconds) }),
    licence && say("model.licence", { licence }),
    !commercial && say("model.private"),
  );
  return [description, facts].filter(Boolean).join(" — ");
}

/** What is not left open. */
const given = (ask) => Object.fromEntries(Object.entries(ask ?? {}).filter(([, value]) => value != null));

const nameOf = ([width, height]) => `${width}x${height}`;

function nearest(model, width, height) {
  const off = ([w, h]) => Math.abs(Math.log((w / h) * (height / width))) + Math.abs(Math.log((w * h) / (width * height))) / 100;
  const [best] = [...model.sizes].sort((one, other) => off(one) - off(other));
  return best === model.sizes[0] ? null : nameOf(best);
}

/** "3:2": the shape of a size in small whole numbers. */
export function ratioOf([width, height]) {
  const exact = (a, b) => (b === 0 ? a : exact(b, a % b));
  const common = exact(width, height);
  const [across, down] = [width / common, height / common];
  if (across <= 32 && down <= 32) return `${across}:${down}`;
  return width > height ? `${number(Math.round((100 * width) / height) / 100)}:1` : `1:${number(Math.round((100 * height) / width) / 100)}`;
}
