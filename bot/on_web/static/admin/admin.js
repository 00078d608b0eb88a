// The admin view: which section is shown, how often it asks how things stand, and what it says of it.

import { Refused, Unreachable } from "../api.js";
import { make } from "../make.js";
import { number, say } from "../texts.js";
import { toast } from "../toast.js";
import * as api from "./api.js";
import { Disk } from "./disk.js";
import { Log } from "./log.js";
import { Models } from "./models.js";
import { bytes, platform, span } from "./parts.js";
import { People } from "./people.js";
import { Queue } from "./queue.js";
import { Speed } from "./speed.js";

const SECTIONS = { queue: Queue, people: People, models: Models, disk: Disk, speed: Speed, log: Log };
const NOW_MS = 2000;

const byId = (id) => document.getElementById(id);
let shown = null;
let timer = 0;
let turns = 0;

/** What goes wrong is said; what is unreachable is tried again. */
function trouble(error) {
  if (error instanceof Refused) toast(error.facts.message ?? say("refused"));
  else if (error instanceof Unreachable) byId("banner").hidden = false;
  else throw error;
}

/** Do something, say how it went, and look at once at what has become of it. */
async function act(deed, done = "") {
  try {
    const answer = await deed();
    if (done) toast(typeof done === "function" ? done(answer) : done);
    return answer;
  } catch (error) {
    trouble(error);
    return null;
  } finally {
    beat();
  }
}

function turn() {
  const name = location.hash.slice(2) in SECTIONS ? location.hash.slice(2) : "queue";
  for (const link of byId("views").children) {
    const here = link.hash === `#/${name}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (here) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  const box = byId("section");
  box.replaceChildren();
  box.dataset.name = name;
  shown = new SECTIONS[name](box, { act, trouble });
  scrollTo({ top: 0, behavior: "instant" });
  turns = 0;
  beat();
}

/** Ask how things stand: the numbers at the top, and now and then the section below them. */
async function beat() {
  clearTimeout(timer);
  if (document.hidden) return;
  const section = shown;
  const due = turns % section.every === 0;
  turns += 1;
  try {
    const [facts] = await Promise.all([api.now(), due ? section.look() : null]);
    tiles(facts);
    byId("banner").hidden = true;
  } catch (error) {
    trouble(error);
  } finally {
    clearTimeout(timer);
    timer = setTimeout(beat, NOW_MS);
  }
}

function tiles(facts) {
  const state = (name) => say(`state.${name}`);
  const all = [
    [say("tile.engine"), facts.painting ? say("state.painting") : state(facts.engine), ["failed", "stopped"].includes(facts.engine)],
    [say("tile.waiting"), number(facts.waiting), false],
    [say("tile.oldest"), facts.oldest_s === null ? "–" : span(facts.oldest_s), false],
    [say("tile.pictures"), number(facts.pictures_today), false],
    [say("tile.failed"), number(facts.failed_today), facts.failed_today > 0],
    [say("tile.free"), bytes(facts.free_bytes), facts.disk_full],
    ...Object.entries(facts.chats).map(([name, how]) => [platform(name), state(how), how === "refused"]),
  ];
  const list = byId("tiles");
  if (list.children.length !== all.length) {
    list.replaceChildren(...all.map(() => make("div", {}, make("dt"), make("dd"))));
  }
  all.forEach(([words, value, bad], at) => {
    const tile = list.children[at];
    tile.classList.toggle("bad", bad);
    if (tile.firstChild.textContent !== words) tile.firstChild.textContent = words;
    if (tile.lastChild.textContent !== value) tile.lastChild.textContent = value;
  });
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("section").focus();
});
byId("banner").textContent = say("admin.offline");
document.addEventListener("visibilitychange", beat);
addEventListener("hashchange", turn);
turn();
