// The picture to start from: its small likeness over the prompt, how much of it to repaint.

import { icon, make } from "./make.js";
import { Mask } from "./mask.js";
import { keep, recall } from "./remember.js";
import { number, say } from "./texts.js";

const USUAL = 0.6;
const SMALL_PX = 112;
const CLEAR = 55; // of 255: what is less opaque counts as transparent

/**
 * Chosen here, sent with the next requests until it is taken away; `does` has `upscale(order)` and
 * `send(file)`, which comes to the name under which the server keeps it.
 */
export class Source {
  #box = document.getElementById("from");
  #does;
  #chosen = null;
  #scales = [];
  #inpaints = false;
  #whole = null;
  #mask = null;

  constructor(does) {
    this.#does = does;
    this.#chosen = recall("source");
    this.#draw();
  }

  /** Into which sizes a picture can be enlarged here. */
  set scales(scales) {
    this.#scales = scales;
    this.#draw();
  }

  /** Whether the model paints inside a mask. */
  set inpaints(inpaints) {
    if (inpaints === this.#inpaints) return;
    this.#inpaints = inpaints;
    this.#draw();
  }

  /** The fields of a request. */
  get ask() {
    if (!this.#chosen) return {};
    const { source, strength, mask } = this.#chosen;
    return { source, strength, ...(mask && this.#inpaints ? { mask } : {}) };
  }

  get chosen() {
    return this.#chosen !== null;
  }

  /** Start from `source`, of which `image` (an address or a file) shows what it is. */
  async choose({ source, image, strength = USUAL }) {
    const file = image instanceof Blob;
    const { small, clear } = file ? await likeness(image) : { small: image, clear: false };
    if (this.#whole) URL.revokeObjectURL(this.#whole);
    this.#whole = file ? URL.createObjectURL(image) : null;
    this.#chosen = { source, small, strength };
    if (clear && this.#inpaints) this.#marked("alpha");
    else this.#changed();
  }

  /** Say which part is painted anew: a mask by its name, "alpha", or null for all of it. */
  #marked(mask) {
    const { strength } = this.#chosen;
    const usual = strength === USUAL || strength === 1;
    this.#chosen = { ...this.#chosen, mask, strength: usual ? (mask ? 1 : USUAL) : strength };
    this.#changed();
  }

  /* Where the picture itself can be had: of a file, as long as the page has not been left. */
  get #address() {
    const [kind, id] = this.#chosen.source.split(":");
    return kind === "picture" ? `/api/pictures/${id}` : this.#whole;
  }

  async #drawMask() {
    const { source } = this.#chosen;
    const drawn = await (this.#mask ??= new Mask()).draw(this.#address);
    if (drawn === null || this.#chosen?.source !== source) return;
    const mask = drawn === "" ? null : await this.#does.send(drawn);
    if (mask !== undefined && this.#chosen?.source === source) this.#marked(mask);
    this.#box.querySelector(".part")?.focus();
  }

  clear() {
    this.#chosen = null;
    this.#changed();
  }

  /** A picture is being sent: say so where it will stand. */
  busy(coming) {
    this.#box.toggleAttribute("data-busy", coming);
    if (coming) {
      this.#box.hidden = false;
      this.#box.replaceChildren(make("p", { role: "status" }, make("span", { class: "dot" }), say("from.sending")));
    } else this.#draw();
  }

  #changed() {
    keep("source", this.#chosen);
    this.#draw();
  }

  #draw() {
    this.#box.hidden = !this.chosen;
    if (!this.chosen) {
      this.#box.replaceChildren();
      return;
    }
    const { small, source } = this.#chosen;
    const away = make(
      "button",
      { class: "icon", type: "button", "aria-label": say("from.away"), title: say("from.away"), onclick: () => this.clear() },
      icon("close"),
    );
    const enlarge = this.#scales.map((scale) =>
      make(
        "button",
        {
          class: "quiet",
          type: "button",
          title: say("from.enlarge", { n: scale }),
          "aria-label": say("from.enlarge", { n: scale }),
          onclick: () => this.#does.upscale({ source, scale }),
        },
        say("enlarge", { n: scale }),
      ),
    );
    const shown = make("img", { src: small, alt: say("from.alt"), width: 56, height: 56 });
    const more = make("span", { class: "enlarge" }, ...this.#part(), ...enlarge);
    this.#box.replaceChildren(shown, this.#slider(), more, away);
  }

  #part() {
    if (!this.#inpaints || !this.#address) return [];
    const { mask } = this.#chosen;
    const words = say(mask === "alpha" ? "mask.clear.parts" : mask ? "mask.some" : "mask.open");
    const press = () => this.#drawMask();
    return [make("button", { class: "quiet part", type: "button", "aria-pressed": String(Boolean(mask)), onclick: press }, words)];
  }

  #slider() {
    const percent = Math.round(this.#chosen.strength * 100);
    const shown = make("output", { for: "strength" }, say("percent", { n: number(percent) }));
    const range = make("input", { id: "strength", type: "range", min: "5", max: "100", step: "5" });
    range.value = percent;
    range.addEventListener("input", () => {
      shown.textContent = say("percent", { n: number(range.valueAsNumber) });
      this.#chosen = { ...this.#chosen, strength: range.valueAsNumber / 100 };
      keep("source", this.#chosen);
    });
    return make("div", { class: "slider" }, make("label", { for: "strength" }, say("from.strength")), shown, range);
  }
}

/** A small picture of a file, as an address that outlives a reload; `clear`: parts are transparent. */
async function likeness(file) {
  try {
    const image = await createImageBitmap(file);
    const scale = SMALL_PX / Math.min(image.width, image.height);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SMALL_PX;
    const [width, height] = [image.width * scale, image.height * scale];
    const on = canvas.getContext("2d");
    on.drawImage(image, 0, 0, SMALL_PX, SMALL_PX);
    const { data } = on.getImageData(0, 0, SMALL_PX, SMALL_PX);
    const clear = data.some((level, at) => at % 4 === 3 && level < CLEAR);
    on.clearRect(0, 0, SMALL_PX, SMALL_PX);
    on.drawImage(image, (SMALL_PX - width) / 2, (SMALL_PX - height) / 2, width, height);
    return { small: canvas.toDataURL("image/webp", 0.8), clear };
  } catch {
    return { small: "/static/icon.svg", clear: false }; // the server could read it, this browser cannot
  }
}
