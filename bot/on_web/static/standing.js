// How a job stands, in one line: its place in the queue, or what is being done and how long it takes.

import { about, line, say } from "./texts.js";

/** `since` is how many seconds ago the server said what `job` holds. */
export function standing(job, since) {
  const left = job.eta_s == null ? null : Math.max(0, job.eta_s - since);
  return job.state === "queued" ? queued(job, left) : running(job, left);
}

function queued(job, left) {
  if (left == null) return job.message;
  const place = job.position <= 1 ? "first" : "later";
  const where = say(`${job.warming ? "warming" : "queued"}.${place}`, { n: job.position });
  return line(where, about(left));
}

function running(job, left) {
  const { stage = "painting", step = 0, steps = 1, index = 0 } = job.progress ?? {};
  const which = job.count > 1 ? say("which", { i: index + 1, n: job.count }) : "";
  const over = left == null || left < 1 ? "" : say("left", { about: about(left) });
  if (stage === "painting" && which) return line(say("painting.several", { i: index + 1, n: job.count }), over);
  const tiles = steps > 1 ? say("tile", { i: Math.min(step + 1, steps), n: steps }) : "";
  return line(say(`${stage}.one`), which, stage === "painting" ? "" : tiles, over);
}
