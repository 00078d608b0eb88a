// Pictures behind a veil: blurred until somebody wants to see them, then seen everywhere.

import { make } from "./make.js";
import { say } from "./texts.js";

const lifted = new Set();

/** Whether a picture is still to be blurred. */
export const veiled = (picture) => picture.veiled && !lifted.has(picture.id);

/** Blur what `box` shows of `picture`, under a button that lifts the veil. */
export function veil(box, picture) {
  box.querySelector(":scope > .lift")?.remove();
  box.toggleAttribute("data-veiled", veiled(picture));
  if (!veiled(picture)) return;
  box.dataset.veil = picture.id;
  const show = (event) => {
    event.stopPropagation();
    lifted.add(picture.id);
    for (const each of document.querySelectorAll(`[data-veil="${picture.id}"]`)) {
      const held = each.contains(document.activeElement);
      each.removeAttribute("data-veiled");
      each.querySelector(":scope > .lift")?.remove();
      if (held) each.querySelector("button")?.focus({ preventScroll: true });
    }
  };
  box.append(make("button", { class: "lift", type: "button", onclick: show }, make("span", {}, say("veil.show"))));
}
