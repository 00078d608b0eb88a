// Puts text on the clipboard, also where the page comes over plain http and the new way is missing.

export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed at this moment: the old way may be
    }
  }
  const at = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "unseen";
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  at?.focus({ preventScroll: true });
  return done;
}
