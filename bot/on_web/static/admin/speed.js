// How it went over time: seconds for a picture, waiting, and what came of the jobs.

import { choices } from "../fields.js";
import { make } from "../make.js";
import { number, say } from "../texts.js";
import * as api from "./api.js";
import { head, span } from "./parts.js";
import { plot } from "./plot.js";

const HOUR = 3600;
const SPANS = {
  day: { hours: 24, of: 1, style: { hour: "numeric", minute: "2-digit" } },
  week: { hours: 7 * 24, of: 6, style: { weekday: "short", hour: "numeric" } },
  month: { hours: 30 * 24, of: 24, style: { day: "numeric", month: "short" } },
  year: { hours: 52 * 7 * 24, of: 7 * 24, style: { day: "numeric", month: "short" } },
};
const MOST = 4;
const habits = navigator.languages;

export class Speed {
  every = 30;
  #on;
  #span = "day";
  #plots = make("div", { class: "plots" });

  constructor(box, on) {
    this.#on = on;
    const options = Object.keys(SPANS).map((value) => ({ value, label: say(`speed.${value}`) }));
    const change = (value) => {
      this.#span = value;
      this.look().catch(on.trouble);
    };
    box.append(head(say("admin.speed")), choices({ name: "span", legend: say("speed.span"), options, value: this.#span, change }), this.#plots);
  }

  async look() {
    const chosen = this.#span;
    const hours = await api.hours(chosen);
    if (chosen !== this.#span) return;
    const buckets = filled(hours, SPANS[chosen]);
    const open = [...this.#plots.querySelectorAll("details")].map((each) => each.open);
    this.#plots.replaceChildren(
      plot({ title: say("plot.speed"), empty: say("plot.empty"), at: buckets.map(({ label }) => label), say: span, lines: speeds(buckets) }),
      plot({ title: say("plot.waits"), empty: say("plot.empty"), at: buckets.map(({ label }) => label), say: span, lines: [
        { name: say("plot.mean"), values: buckets.map(({ done, waited }) => (done ? waited / done : null)) },
        { name: say("plot.longest"), values: buckets.map(({ done, longest }) => (done ? longest : null)) },
      ] }),
      plot({ title: say("plot.jobs"), empty: say("plot.empty"), at: buckets.map(({ label }) => label), say: (n) => number(Math.round(n)), bars: ["done", "failed", "cancelled"].map((key) => ({ name: say(`became.${key}`), kind: key, values: buckets.map((each) => each[key]) })) }),
    );
    this.#plots.querySelectorAll("details").forEach((each, at) => (each.open = open[at] ?? false));
  }
}

// Equal stretches of time that end with this hour, idle ones included.
function filled(hours, { hours: many, of, style }) {
  const end = (Math.floor(Date.now() / 1000 / HOUR) + 1) * HOUR;
  const show = new Intl.DateTimeFormat(habits, style);
  const buckets = Array.from({ length: many / of }, (_, at) => {
    const from = end - (many - at * of) * HOUR;
    return { from, label: show.format(new Date(from * 1000)), done: 0, failed: 0, cancelled: 0, waited: 0, longest: 0, models: new Map() };
  });
  for (const hour of hours) {
    const bucket = buckets[Math.floor((hour.at - buckets[0].from) / (of * HOUR))];
    if (!bucket) continue;
    for (const key of ["done", "failed", "cancelled"]) bucket[key] += hour[key];
    bucket.waited += hour.waited_s;
    bucket.longest = Math.max(bucket.longest, hour.longest_s);
    const model = bucket.models.get(hour.model) ?? { pictures: 0, painted: 0 };
    bucket.models.set(hour.model, { pictures: model.pictures + hour.pictures, painted: model.painted + hour.painted_s });
  }
  return buckets;
}

// A line for each of the kinds that were painted most.
function speeds(buckets) {
  const sums = new Map();
  for (const { models } of buckets) for (const [name, { pictures }] of models) sums.set(name, (sums.get(name) ?? 0) + pictures);
  const most = [...sums].filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a).slice(0, MOST).map(([name]) => name);
  return most.map((name) => ({
    name,
    values: buckets.map(({ models }) => {
      const found = models.get(name);
      return found?.pictures ? found.painted / found.pictures : null;
    }),
  }));
}
