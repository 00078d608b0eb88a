// A small menu at a button: opens at its side (from below on narrow screens), arrow keys move in it.

import { make } from "./make.js";

let made = 0;

/** Give `button` a menu; `items()` makes its entries anew each time it opens. */
export function menu(button, label, items) {
  made += 1;
  const list = make("div", { class: "menu", popover: "auto", id: `menu-${made}`, role: "group", "aria-label": label });
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    if (list.matches(":popover-open")) {
      list.hidePopover();
      return;
    }
    list.replaceChildren(...items(() => list.hidePopover()));
    if (!list.isConnected) button.after(list);
    list.showPopover();
    place(list, button);
    entries(list)[0]?.focus({ preventScroll: true });
  });
  // A press on the button first closes the menu "lightly"; without this it would open it again.
  button.addEventListener("pointerdown", (event) => {
    if (list.matches(":popover-open")) {
      event.preventDefault();
      button.addEventListener("click", (click) => click.stopImmediatePropagation(), { once: true, capture: true });
    }
  });
  list.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "closed") list.remove();
  });
  list.addEventListener("keydown", (event) => {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const all = entries(list);
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    all[(to + all.length) % all.length]?.focus();
  });
  return list;
}

const entries = (list) => [...list.querySelectorAll("button, a")];

function place(list, button) {
  if (matchMedia("(max-width: 40rem)").matches) {
    list.style.inset = ""; // the style sheet puts it at the lower edge
    return;
  }
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const below = at.bottom + 6 + height < innerHeight;
  list.style.inset = "auto";
  list.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
  list.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
}
