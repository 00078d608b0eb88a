// One person closely: what they used, what they may, and what the operator decides about it.

import { icon, make } from "../make.js";
import { line, number, say } from "../texts.js";
import * as api from "./api.js";
import { ago, bar, bytes, called, many, platform, sure, when } from "./parts.js";
import { marks } from "./people.js";

const BANS = [3600, 86_400, 604_800, 2_592_000, null];
const dialog = document.getElementById("person");
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

/** Show somebody; `on` has `act(deed, done)` and `trouble(error)`. */
export async function openPerson(id, on) {
  try {
    draw(await api.person(id), on);
  } catch (error) {
    on.trouble(error);
    return;
  }
  if (!dialog.open) dialog.showModal();
}

function draw(view, on) {
  const { row } = view;
  const decide = async (what, order, done) => {
    const answer = await on.act(() => api.decide(row.id, what, order), done);
    if (answer?.row) draw(answer, on);
    else if (answer) await openPerson(row.id, on);
  };
  const held = dialog.contains(document.activeElement) ? document.activeElement.id : "";
  const close = make("button", { class: "icon", type: "button", autofocus: "", "aria-label": say("close"), title: say("close"), onclick: () => dialog.close() }, icon("close"));
  dialog.replaceChildren(
    make("div", { class: "head" }, make("h2", { id: "person-title" }, called(row)), close),
    make("p", { class: "tags" }, ...marks(row)),
    make("p", { class: "facts" }, line(platform(row.platform), row.external && `${say("person.id")} ${row.external}`, row.seen_at && say("person.seen", { ago: ago(row.seen_at) }), say("person.since", { when: when(view.known_since) }))),
    make("p", { class: "facts" }, line(many("person.pictures", view.pictures), bytes(view.picture_bytes))),
    make("div", { class: "metered" }, make("p", {}, say("person.used", { used: number(row.used), budget: number(row.budget) })), bar(row.budget ? row.used / row.budget : 1)),
    amounts(row, decide),
    bans(view, decide),
    make("div", { class: "row" },
      sure(say("person.reset"), () => decide("reset", {}, say("person.reset.done"))),
      sure(say("person.cancel"), () => decide("cancel", {}, ({ count }) => say("queue.cancelled", { n: number(count) })))),
    lately(view.recent),
    make("p", { class: "unseen", role: "status" }),
  );
  (document.getElementById(held) ?? close).focus({ preventScroll: true });
}

// Credits on top for a day, and a budget of one's own.
function amounts(row, decide) {
  const give = amount("give", say("person.give"), say("person.give.do"), "10", (credits) =>
    decide("give", { credits }, say("person.given", { n: number(credits) })));
  const own = amount("own", say("person.budget"), say("person.budget.do"), row.own_budget ?? "", (credits) =>
    decide("budget", { credits }, say("person.budget.done", { n: number(credits) })));
  if (row.own_budget !== null) {
    const press = () => decide("budget", { credits: null }, say("person.budget.gone"));
    own.append(make("button", { class: "quiet", type: "button", onclick: press }, say("person.budget.none")));
  }
  return make("div", { class: "deciding" }, give, own);
}

function amount(id, label, verb, value, does) {
  const input = make("input", { id: `person-${id}`, type: "number", min: id === "give" ? "0.01" : "0", max: "1000000", step: "any", required: "", inputmode: "decimal" });
  input.value = value;
  const send = (event) => {
    event.preventDefault();
    does(input.valueAsNumber);
  };
  return make("form", { class: "amount", onsubmit: send }, make("label", { for: `person-${id}` }, label), make("div", { class: "joined" }, input, make("button", { class: "quiet", type: "submit" }, verb)));
}

function bans({ row, bans: elsewhere }, decide) {
  const parts = [];
  if (row.banned) {
    const press = () => decide("unban", {}, say("person.unbanned"));
    parts.push(make("button", { class: "quiet", type: "button", onclick: press }, say("person.unban")));
  } else {
    const choice = make("select", { id: "person-ban" });
    choice.append(...BANS.map((seconds) => make("option", { value: String(seconds) }, say(`ban.${seconds ?? "good"}`))));
    choice.value = "86400";
    const ban = sure(say("person.ban.do"), () => decide("ban", { seconds: choice.value === "null" ? null : Number(choice.value) }, say("person.banned")));
    parts.push(make("label", { for: "person-ban" }, say("person.ban")), make("div", { class: "joined" }, choice, ban));
  }
  for (const each of elsewhere) {
    const until = each.until === null ? say("people.banned.good") : say("people.banned.until", { when: when(each.until) });
    parts.push(make("p", { class: "facts" }, line(platform(each.platform), each.place, until)));
  }
  return make("div", { class: "banning" }, ...parts);
}

function lately(recent) {
  if (!recent.length) return make("p", { class: "facts" }, say("person.idle"));
  const rows = recent.map((job) =>
    make("li", { class: job.state === "failed" ? "bad" : "" },
      make("code", {}, job.id), make("span", {}, say(`became.${job.state}`)), make("span", { class: "facts" }, line(job.model, ago(job.at), many("person.charge", job.charge)))));
  return make("div", { class: "lately" }, make("h3", {}, say("person.lately")), make("ul", {}, ...rows));
}
