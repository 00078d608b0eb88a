// Where a picture is painted anew: drawn over it with a brush, by finger, mouse or keyboard.

import { make } from "./make.js";
import { number, say } from "./texts.js";

const LONGEST_PX = 1024;
const STEP_PX = 8;
const INK = "#e0533d";

/** A sheet with the picture and a brush; one for all pictures. */
export class Mask {
  #sheet = make("dialog", { class: "sheet mask", "aria-labelledby": "mask-title" });
  #canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": say("mask.canvas"), "aria-describedby": "mask-words" });
  #picture = make("img", { alt: "", draggable: "false" });
  #ink = this.#canvas.getContext("2d");
  #brush = make("input", { id: "mask-brush", type: "range", min: "2", max: "40", step: "1" });
  #away = make("input", { id: "mask-away", type: "checkbox" });
  #cursor = make("span", { class: "brush", "aria-hidden": "true" });
  #strokes = [];
  #at = null;
  #end = null;

  constructor() {
    this.#brush.value = "12";
    const shown = make("output", { for: "mask-brush" }, say("percent", { n: number(12) }));
    this.#brush.addEventListener("input", () => {
      shown.textContent = say("percent", { n: number(this.#brush.valueAsNumber) });
      this.#show();
    });
    const press = (words, does, kind = "quiet") => make("button", { class: kind, type: "button", onclick: does }, say(words));
    this.#sheet.append(
      make("h2", { id: "mask-title" }, say("mask.title")),
      make("p", { class: "facts", id: "mask-words" }, say("mask.words")),
      make("div", { class: "easel" }, this.#picture, this.#canvas, this.#cursor),
      make("div", { class: "slider" }, make("label", { for: "mask-brush" }, say("mask.brush")), shown, this.#brush),
      make("label", { class: "switch" }, this.#away, make("span", {}, say("mask.away"))),
      make(
        "div",
        { class: "row" },
        press("mask.undo", () => this.#undo()),
        press("mask.clear", () => this.#begin()),
        press("mask.cancel", () => this.#sheet.close()),
        press("mask.done", () => this.#done(), "primary"),
      ),
    );
    document.body.append(this.#sheet);
    this.#canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) this.#canvas.addEventListener(name, () => this.#up());
    this.#canvas.addEventListener("pointerleave", () => (this.#cursor.hidden = true));
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#sheet.addEventListener("close", () => this.#finish(null));
  }

  /**
   * Draw on the picture at `address`. Comes to a file, white where something was drawn; "" if there
   * is nothing on it any more; null if it was left as it was.
   */
  async draw(address) {
    this.#picture.src = address;
    await this.#picture.decode();
    const { naturalWidth: width, naturalHeight: height } = this.#picture;
    if (!this.#same(address)) {
      const scale = Math.min(1, LONGEST_PX / Math.max(width, height));
      [this.#canvas.width, this.#canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
      this.#begin();
    }
    this.#canvas.dataset.of = address;
    this.#sheet.style.setProperty("--ratio", width / height);
    this.#sheet.showModal();
    this.#canvas.focus();
    return new Promise((resolve) => (this.#end = resolve));
  }

  #same(address) {
    return this.#canvas.dataset.of === address;
  }

  #begin() {
    this.#strokes = [];
    this.#at = { x: this.#canvas.width / 2, y: this.#canvas.height / 2 };
    this.#redraw();
  }

  #undo() {
    this.#strokes.pop();
    this.#redraw();
  }

  get #width() {
    return (this.#brush.valueAsNumber / 100) * Math.min(this.#canvas.width, this.#canvas.height);
  }

  #down(event) {
    if (!event.isPrimary || event.button) return;
    event.preventDefault();
    this.#canvas.focus();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#at = this.#place(event);
    this.#start();
  }

  #move(event) {
    this.#at = this.#place(event);
    this.#show();
    if (this.#canvas.hasPointerCapture(event.pointerId)) this.#go();
  }

  #up() {
    this.#cursor.classList.remove("down");
  }

  /* The keyboard: arrows move the brush, with Space or Enter it draws a dot, with Shift a line. */
  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (by) {
      const { x, y } = this.#at;
      if (event.shiftKey && !event.repeat) this.#start();
      this.#at = {
        x: Math.min(Math.max(0, x + by[0] * STEP_PX), this.#canvas.width),
        y: Math.min(Math.max(0, y + by[1] * STEP_PX), this.#canvas.height),
      };
      if (event.shiftKey) this.#go();
      this.#show();
    } else if (event.key === " " || event.key === "Enter") this.#start();
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) this.#undo();
    else return;
    event.preventDefault();
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.#canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.#canvas.height,
    };
  }

  #start() {
    this.#strokes.push({ width: this.#width, away: this.#away.checked, points: [this.#at] });
    this.#paint(this.#strokes.at(-1));
  }

  #go() {
    const stroke = this.#strokes.at(-1);
    stroke.points.push(this.#at);
    this.#paint({ ...stroke, points: stroke.points.slice(-2) });
  }

  #show() {
    const box = this.#canvas.getBoundingClientRect();
    const scale = box.width / this.#canvas.width;
    this.#cursor.hidden = false;
    this.#cursor.style.width = `${this.#width * scale}px`;
    this.#cursor.style.left = `${this.#canvas.offsetLeft + this.#at.x * scale}px`;
    this.#cursor.style.top = `${this.#canvas.offsetTop + this.#at.y * scale}px`;
  }

  #paint({ width, away, points }) {
    const ink = this.#ink;
    ink.globalCompositeOperation = away ? "destination-out" : "source-over";
    ink.strokeStyle = INK;
    ink.lineWidth = width;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(points[0].x, points[0].y);
    for (const { x, y } of points.length > 1 ? points.slice(1) : [{ x: points[0].x + 0.01, y: points[0].y }]) ink.lineTo(x, y);
    ink.stroke();
  }

  #redraw() {
    this.#ink.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    for (const stroke of this.#strokes) this.#paint(stroke);
  }

  get #empty() {
    const { data } = this.#ink.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
    for (let at = 3; at < data.length; at += 4) if (data[at]) return false;
    return true;
  }

  async #done() {
    if (this.#empty) {
      this.#finish("");
      return;
    }
    const flat = make("canvas", { width: this.#canvas.width, height: this.#canvas.height });
    const on = flat.getContext("2d");
    on.drawImage(this.#canvas, 0, 0);
    on.globalCompositeOperation = "source-in";
    on.fillStyle = "#fff";
    on.fillRect(0, 0, flat.width, flat.height);
    on.globalCompositeOperation = "destination-over";
    on.fillStyle = "#000";
    on.fillRect(0, 0, flat.width, flat.height);
    this.#finish(await new Promise((resolve) => flat.toBlob(resolve, "image/png")));
  }

  #finish(result) {
    const end = this.#end;
    this.#end = null;
    if (this.#sheet.open) this.#sheet.close();
    end?.(result);
  }
}
