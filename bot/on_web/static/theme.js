// What has to hold before the page is drawn, so that nothing flashes and nothing moves: light or dark
// as chosen on this device, and the room that the settings take beside the pictures.

(() => {
  const root = document.documentElement;
  let look = null;
  let panel = null;
  try {
    look = localStorage.getItem("atelier.theme");
    panel = localStorage.getItem("atelier.panel");
  } catch {
    // storage is switched off: the system's choice holds
  }
  if (look === "light" || look === "dark") root.dataset.theme = look;
  const wide = window.matchMedia("(min-width: 75rem)").matches;
  root.toggleAttribute("data-panel", wide && panel !== "false" && location.hash !== "#/gallery");
})();
