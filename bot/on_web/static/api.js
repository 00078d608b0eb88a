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

async function call(method, path, { body, headers = {} } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        "X-Time-Zone": ZONE,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
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

export const submit = (ask, key) =>
  call("POST", "/api/jobs", { body: ask, headers: { "Idempotency-Key": key } });
export const job = (id) => call("GET", `/api/jobs/${id}`);
export const cancel = (id) => call("POST", `/api/jobs/${id}/cancel`);
export const history = (before) =>
  call("GET", `/api/jobs?limit=20${before ? `&before=${before}` : ""}`);
export const removePicture = (id) => call("DELETE", `/api/pictures/${id}`);
export const me = () => call("GET", "/api/me");
export const models = () => call("GET", "/api/models");
