// A short word at the edge that goes away by itself, above everything, with at most one button.

import { make } from "./make.js";

const SHOWN_MS = 6000;
const box = document.getElementById("toast");
const words = document.getElementById("toast-words");
let leaving = 0;

/** Say `text` to eyes and screen readers; `deed` is a button `{label, does}` that goes with it. */
export function toast(text, deed = null) {
  clearTimeout(leaving);
  box.querySelector("button")?.remove();
  words.textContent = text;
  if (deed) {
    const press = () => {
      hide();
      deed.does();
    };
    box.append(make("button", { type: "button", onclick: press }, deed.label));
  }
  if (box.matches(":popover-open")) box.hidePopover(); // once more on top of what opened since
  box.showPopover();
  tell(text);
  leaving = setTimeout(leave, deed ? SHOWN_MS * 2 : SHOWN_MS);
}

/** Say `text` to screen readers alone. What lies outside an open dialog is not read by them. */
export function tell(text) {
  const dialog = document.querySelector("dialog[open] [role=status]");
  (dialog ?? document.getElementById("live")).textContent = text;
}

function leave() {
  // Whoever is about to press the button gets the time for it.
  if (box.matches(":hover, :focus-within")) leaving = setTimeout(leave, SHOWN_MS);
  else hide();
}

function hide() {
  if (box.matches(":popover-open")) box.hidePopover();
}
