// What can be done with a picture: one set of buttons for the card, its menu, and the big view.

import { icon, make } from "./make.js";
import { menu } from "./menu.js";
import { say } from "./texts.js";

/**
 * The buttons under a single picture: what people do most, the rest in a menu. `does` has `vary`,
 * `upscale`, `source`, `reuse`, `copy`, `pin` and `remove`, each for a picture.
 */
export function toolbar(picture, does) {
  return make(
    "div",
    { class: "toolbar", role: "group", "aria-label": say("tools.label") },
    ...creative(picture, does, "pill"),
    ...scales(picture, does, "pill"),
    make(
      "span",
      { class: "icons" },
      iconic("source", say("source"), () => does.source(picture)),
      pin(picture, does, true),
      download(picture, true),
      more(picture, does, (close) => rest(picture, does, close)),
    ),
  );
}

/** The button with the menu of everything, for a picture among others. */
export function everything(picture, does) {
  return more(picture, does, (close) => [
    ...creative(picture, does, "entry", close),
    ...scales(picture, does, "entry", close),
    entry("source", say("source"), () => does.source(picture), close),
    pin(picture, does, false),
    download(picture, false),
    ...rest(picture, does, close),
  ]);
}

/** Keep `button` showing whether its picture is pinned. */
function pin(picture, does, small) {
  const button = make("button", { class: small ? "icon" : "entry", type: "button", "data-pin": picture.id });
  const words = make("span", { class: small ? "unseen" : "" });
  button.append(icon("pin"), words);
  showPin(button, words, picture.pinned);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await does.pin(picture, !picture.pinned);
    button.disabled = false;
    button.focus({ preventScroll: true });
  });
  return button;
}

function showPin(button, words, pinned) {
  button.setAttribute("aria-pressed", String(Boolean(pinned)));
  button.title = say(pinned ? "pin.off" : "pin.on");
  words.textContent = say("pin");
}

/** Show everywhere that a picture is pinned now, or no more. */
export function pinned(id, now) {
  for (const button of document.querySelectorAll(`[data-pin="${id}"]`)) {
    showPin(button, button.querySelector("span"), now);
  }
}

function creative(picture, does, form, close) {
  if (!picture.varies) return [];
  const both = [
    ["vary.subtle", false],
    ["vary.strong", true],
  ];
  return both.map(([key, strong]) =>
    named(form, strong ? "strong" : "subtle", say(key), () => does.vary(picture, strong), close),
  );
}

function scales(picture, does, form, close) {
  return (picture.scales ?? []).map((scale) =>
    named(
      form,
      "enlarge",
      form === "pill" ? `×${scale}` : say("enlarge", { n: scale }),
      () => does.upscale({ source: `picture:${picture.id}`, scale }),
      close,
      say("enlarge", { n: scale }),
    ),
  );
}

function rest(picture, does, close) {
  return [
    ...(picture.finer ? [entry("finer", say("finer"), () => does.finer(picture), close)] : []),
    entry("copy", say("copy"), () => does.copy(picture), close),
    entry("sliders", say("reuse"), () => does.reuse(picture), close),
    remove(picture, does),
  ];
}

function more(picture, does, items) {
  const button = make(
    "button",
    { class: "icon", type: "button", "aria-label": say("more"), title: say("more"), "aria-haspopup": "true" },
    icon("more"),
  );
  menu(button, say("tools.label"), items);
  return button;
}

function download(picture, small) {
  return make(
    "a",
    { class: small ? "icon" : "entry", href: `${picture.url}?download=1`, download: "", title: say("download") },
    icon("download"),
    make("span", { class: small ? "unseen" : "" }, say("download")),
  );
}

// The first press asks, the second deletes: no dialog, and no picture lost by a slip.
function remove(picture, does) {
  const words = make("span", {}, say("delete"));
  const button = make("button", { class: "entry", type: "button" }, icon("delete"), words);
  button.addEventListener("click", () => {
    if (button.classList.contains("sure")) {
      does.remove(picture);
      return;
    }
    button.classList.add("sure");
    words.textContent = say("delete.sure");
  });
  button.addEventListener("blur", () => {
    button.classList.remove("sure");
    words.textContent = say("delete");
  });
  return button;
}

function named(form, image, words, press, close, label) {
  if (form === "entry") return entry(image, words, press, close);
  return make(
    "button",
    { class: "quiet", type: "button", onclick: press, title: label ?? words, "aria-label": label },
    icon(image),
    words,
  );
}

function entry(image, words, press, close) {
  const onclick = () => {
    close?.();
    press();
  };
  return make("button", { class: "entry", type: "button", onclick }, icon(image), make("span", {}, words));
}

function iconic(image, label, press) {
  return make(
    "button",
    { class: "icon", type: "button", "aria-label": label, title: label, onclick: press },
    icon(image),
  );
}
