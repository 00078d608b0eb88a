// How the page talks to the server: JSON in, JSON out, refusals as `Refused`.

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

/** An expected "no": `code`, `message`, `limit`, `frees_at` as the server said them. */
export class Refused extends Error {
  constructor(status, facts) {
    super(facts.message);
    this.status = status;
    this.facts = facts;
  }
}

/** The server cannot be reached. */
export class Unreachable extends Error {}

async function call(method, path, { body, key, signal } = {}) {
  const file = body instanceof Blob;
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: {
        "X-Time-Zone": ZONE,
        ...(key ? { "Idempotency-Key": key } : {}),
        ...(body === undefined || file ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined || file ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  if (response.status === 401) {
    window.location.assign("/sign-in");
    throw new Unreachable();
  }
  if ([502, 503, 504].includes(response.status)) throw new Unreachable();
  const answer = response.status === 204 ? null : await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

/** A new Idempotency-Key; crypto.randomUUID is missing where the page comes over plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const submit = (ask, key) => call("POST", "/api/jobs", { body: ask, key });
export const again = (id, key) => call("POST", `/api/jobs/${id}/again`, { key });
export const job = (id) => call("GET", `/api/jobs/${id}`);
export const cancel = (id) => call("POST", `/api/jobs/${id}/cancel`);
export const history = (before) =>
  call("GET", `/api/jobs?limit=20${before ? `&before=${before}` : ""}`);

export const vary = (id, strong, key) =>
  call("POST", `/api/pictures/${id}/vary`, { body: { strong }, key });
export const secondLook = (id, key) => call("POST", `/api/pictures/${id}/second-look`, { key });
export const upscale = (order, key) => call("POST", "/api/upscales", { body: order, key });
export const pin = (id, pinned) => call(pinned ? "PUT" : "DELETE", `/api/pictures/${id}/pin`);
export const removePicture = (id) => call("DELETE", `/api/pictures/${id}`);
export const upload = (file) => call("POST", "/api/sources", { body: file });

/** A page of the gallery: pictures whose prompt holds `search`, below the picture `before`. */
export function gallery({ search = "", pinned = false, before = null, signal }) {
  const query = new URLSearchParams({ limit: "40" });
  if (search) query.set("search", search);
  if (pinned) query.set("pinned", "true");
  if (before) query.set("before", before);
  return call("GET", `/api/pictures?${query}`, { signal });
}

export const models = () => call("GET", "/api/models");
export const styles = () => call("GET", "/api/styles");
export const upscalers = () => call("GET", "/api/upscalers");
export const defaults = () => call("GET", "/api/defaults");
export const keepDefaults = (ask) => call("PUT", "/api/defaults", { body: ask });
export const forgetDefaults = () => call("DELETE", "/api/defaults");
export const me = () => call("GET", "/api/me");
export const forget = () => call("POST", "/api/forget");
