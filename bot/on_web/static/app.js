// The page: wires the prompt box, the feed, the event stream and the budget together.

import * as api from "./api.js";
import { Composer, sentence } from "./composer.js";
import { Feed } from "./feed.js";
import { make } from "./make.js";
import { Stream } from "./stream.js";
import { clock, examples, number, say } from "./texts.js";

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let offered = new Map();

const tell = (words) => {
  byId("live").textContent = words;
};

const feed = new Feed({ again, cancel, remove, tell });
const composer = new Composer({
  taken: (job) => {
    const card = feed.put(job);
    welcome();
    bring(card);
    tell(job.message);
    budget();
  },
  refused: budget,
  unreachable: () => banner(true),
});
const stream = new Stream({
  event: (name, data) => {
    feed.follow(name, data);
    if (["done", "failed", "cancelled"].includes(name)) budget();
  },
  up: caughtUp,
  down: () => banner(true),
});

/** The same request with a new seed. */
function again(job) {
  const model = offered.get(job.model) ?? {};
  const request = { prompt: job.prompt, model: job.model, width: job.width, height: job.height };
  Object.assign(request, { steps: job.steps, count: job.count });
  if (job.negative && model.negative) request.negative = job.negative;
  if (model.guidance) request.guidance = job.guidance;
  if (job.source) Object.assign(request, { source: job.source, strength: job.strength });
  composer.ask(request);
}

function cancel(card) {
  return carefully(async () => {
    card.show(await api.cancel(card.job.id));
    budget();
  });
}

function remove(picture) {
  return carefully(async () => {
    await api.removePicture(picture.id);
    tell(say("deleted"));
  });
}

/** Do it; when it cannot be done, say why. */
async function carefully(deed) {
  try {
    await deed();
    return true;
  } catch (error) {
    if (error instanceof api.Refused) composer.explain(sentence(error.facts));
    else banner(true);
    return false;
  }
}

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
}

function welcome() {
  byId("welcome").hidden = !feed.empty;
}

function showExamples() {
  examples.forEach((example, index) => {
    const swatch = make("span", { class: `swatch swatch-${index}`, "aria-hidden": "true" });
    const press = () => composer.ask({ prompt: example, flags: true });
    const button = make("button", { type: "button", onclick: press }, swatch, example);
    byId("examples").append(make("li", {}, button));
  });
}

async function start() {
  showExamples();
  try {
    const [, models] = await Promise.all([feed.load(), api.models()]);
    offered = new Map(models.models.map((model) => [model.name, model]));
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  } catch {
    banner(true);
    setTimeout(() => location.reload(), 5000);
    return;
  }
  welcome();
  budget();
  stream.open();
  if (matchMedia("(hover: hover)").matches) composer.focus();
}

start();
