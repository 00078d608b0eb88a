// How the admin view talks to the server. Its header says that no other site asks.

import { Refused, Unreachable } from "../api.js";

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(`/admin/api/${path}`, {
      method,
      credentials: "same-origin",
      headers: { "X-Atelier-Admin": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? body : JSON.stringify(body),
    });
  } catch {
    throw new Unreachable();
  }
  if (response.status === 401) {
    window.location.assign("/admin/sign-in");
    throw new Unreachable();
  }
  if ([502, 503, 504].includes(response.status)) throw new Unreachable();
  const answer = response.status === 204 ? null : await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const now = () => call("GET", "now");
export const queue = () => call("GET", "queue");
export const cancelAll = () => call("POST", "queue/cancel");
export const cancel = (job) => call("POST", `jobs/${job}/cancel`);
export const move = (job, place) => call("POST", `jobs/${job}/${place}`);
export const people = (query) => call("GET", `people?${new URLSearchParams(query)}`);
export const person = (number) => call("GET", `people/${number}`);
export const decide = (number, what, order = {}) => call("POST", `people/${number}/${what}`, order);
export const models = () => call("GET", "models");
export const disk = () => call("GET", "disk");
export const tidy = (dry) => call("POST", `disk/tidy?dry=${dry}`);
export const hours = (span) => call("GET", `hours?span=${span}`);
export const log = (query) => call("GET", `log?${new URLSearchParams(query)}`);
export const decisions = () => call("GET", "decisions");
