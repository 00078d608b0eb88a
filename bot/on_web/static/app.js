// The page: wires the prompt box, the settings, the feed, the gallery and the event stream together.

import * as api from "./api.js";
import { Big } from "./big.js";
import { Composer } from "./composer.js";
import { deeds } from "./deeds.js";
import { takePictures } from "./drop.js";
import { Feed } from "./feed.js";
import { Gallery } from "./gallery.js";
import { make } from "./make.js";
import { Panel } from "./panel.js";
import { Settings } from "./settings.js";
import { Source } from "./source.js";
import { Stream } from "./stream.js";
import { clock, examples, line, number, say } from "./texts.js";
import { tell, toast } from "./toast.js";
import { You } from "./you.js";

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const parts = { offline: () => banner(true), chat, budget };
const does = { ...deeds(parts), open: (picture) => parts.big.show(picture, parts.feed) };

const feed = (parts.feed = new Feed(does));
const gallery = (parts.gallery = new Gallery({
  open: (picture) => parts.big.show(picture, gallery),
  trouble: does.trouble,
}));
parts.big = new Big({ ...does, ...leavingBig(["again", "vary", "finer", "upscale", "source", "reuse"]) });
const source = (parts.source = new Source(does));
const settings = (parts.settings = new Settings({
  changed: () => {
    byId("chosen").textContent = line(...(settings?.summary ?? []));
    source.inpaints = Boolean(settings?.model?.inpainting);
  },
  lastSeed: () => feed.all().at(-1)?.seed,
  trouble: does.trouble,
}));
const composer = (parts.composer = new Composer({
  fields: () => ({ ...settings.ask, ...source.ask }),
  taken: (job) => {
    const card = feed.put(job);
    welcome();
    bring(card);
    tell(job.message);
    budget();
  },
  refused: budget,
  unreachable: () => banner(true),
}));
const you = new You({
  trouble: does.trouble,
  forgotten: (gone) => {
    sessionStorage.setItem("atelier.said", say("forgotten", { n: number(gone.pictures) }));
    location.assign("/");
  },
});
const stream = new Stream({
  event: (name, data) => {
    feed.follow(name, data);
    if (!["done", "failed", "cancelled"].includes(name)) return;
    budget();
    if (name === "done") gallery.outdated();
  },
  up: caughtUp,
  down: () => banner(true),
});
new Panel();
takePictures({ file: does.file, ours: does.ours });

// In the big view, what makes a new job or fills the form closes the view, so that this is seen.
function leavingBig(names) {
  const closing = (name) => (...facts) => {
    parts.big.close();
    return does[name](...facts);
  };
  return Object.fromEntries(names.map((name) => [name, closing(name)]));
}

/**
 * Show the chat or the gallery, as the address says: by a fragment that is no element's name, or the
 * browser would move the focus there.
 */
function turn() {
  const to = location.hash === "#/gallery" ? "gallery" : "feed";
  document.body.dataset.view = to;
  byId("gallery").hidden = to !== "gallery";
  for (const id of ["chat", "desk"]) byId(id).hidden = to === "gallery";
  for (const name of ["feed", "gallery"]) {
    if (name === to) byId(`to-${name}`).setAttribute("aria-current", "page");
    else byId(`to-${name}`).removeAttribute("aria-current");
  }
  if (to === "gallery") gallery.enter();
  scrollTo({ top: to === "feed" && !feed.empty ? document.documentElement.scrollHeight : 0, behavior: "instant" });
}

function chat() {
  if (document.body.dataset.view === "feed") return;
  location.hash = "#/";
  turn();
}

// By hand, since the address tells which view is shown.
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId(document.body.dataset.view === "gallery" ? "search" : "prompt").focus();
});

/** Scroll a card into view, once its frame has its place. */
function bring(card) {
  card.element.scrollIntoView({ block: "end", behavior: calm.matches ? "instant" : "smooth" });
}

function banner(down) {
  byId("banner").hidden = !down;
  byId("banner").textContent = down ? say("offline") : "";
}

/** The connection is there (again): what has become of the jobs that were open meanwhile? */
async function caughtUp() {
  banner(false);
  for (const picture of document.querySelectorAll(".lost .picture")) picture.src = picture.src;
  await Promise.allSettled(feed.open.map(async (card) => card.show(await api.job(card.job.id))));
  gallery.outdated();
  budget();
}

async function budget() {
  const mine = await api.me().catch(() => null);
  if (!mine) return;
  const left = Math.max(0, mine.budget - mine.used);
  const facts = { left: number(left), budget: number(mine.budget) };
  const later = left < 1 && mine.frees_at;
  byId("budget-words").textContent = later
    ? say("budget.later", { ...facts, time: clock(mine.frees_at) })
    : say("budget.left", facts);
  byId("budget-meter").style.width = `${mine.budget ? (100 * left) / mine.budget : 0}%`;
  byId("budget").hidden = false;
  you.show(mine);
}

function welcome() {
  byId("welcome").hidden = !feed.empty;
}

function showExamples() {
  examples.forEach((example, index) => {
    const swatch = make("span", { class: `swatch swatch-${index}`, "aria-hidden": "true" });
    const press = () => composer.send(example);
    const button = make("button", { type: "button", onclick: press }, swatch, example);
    byId("examples").append(make("li", {}, button));
  });
}

async function offer() {
  const asked = [api.models(), api.styles(), api.upscalers(), api.defaults()];
  const [{ models, most }, { styles }, { upscalers }, own] = await Promise.all(asked);
  settings.offer({ models, styles, upscalers, most, own });
  source.scales = upscalers.length ? [2, 4] : [];
}

async function start() {
  showExamples();
  try {
    await Promise.all([feed.load(), offer()]);
  } catch {
    banner(true);
    setTimeout(() => location.reload(), 5000);
    return;
  }
  welcome();
  addEventListener("hashchange", turn);
  turn();
  budget();
  stream.open();
  const said = sessionStorage.getItem("atelier.said");
  sessionStorage.removeItem("atelier.said");
  if (said) toast(said);
  if (matchMedia("(hover: hover)").matches && document.body.dataset.view === "feed") composer.focus();
}

start();
