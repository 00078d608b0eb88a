// One event stream for all jobs of this visitor: browsers allow only six connections to a server.

const NAMES = ["queued", "step", "preview", "done", "failed", "cancelled"];
const HIDDEN_MS = 60_000;

/** Follows /api/events until the page goes; `on` has `event(name, data)`, `up()` and `down()`. */
export class Stream {
  #on;
  #source = null;
  #waits = 1000;
  #retry = 0;
  #hiding = 0;

  constructor(on) {
    this.#on = on;
    addEventListener("online", () => this.reopen());
    addEventListener("offline", () => this.#lost());
    document.addEventListener("visibilitychange", () => this.#seenOrHidden());
  }

  open() {
    if (this.#source) return;
    const source = new EventSource("/api/events");
    this.#source = source;
    source.addEventListener("open", () => {
      this.#waits = 1000;
      this.#on.up();
    });
    for (const name of NAMES) {
      source.addEventListener(name, (event) => this.#on.event(name, JSON.parse(event.data)));
    }
    source.addEventListener("error", () => this.#lost());
  }

  close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  reopen() {
    this.close();
    this.open();
  }

  // EventSource gives up for good after an answer such as 502, so we always retry ourselves.
  #lost() {
    this.close();
    this.#on.down();
    this.#retry = setTimeout(() => this.open(), this.#waits);
    this.#waits = Math.min(this.#waits * 2, 15_000);
  }

  // A tab that nobody looks at gives its connection to the others.
  #seenOrHidden() {
    clearTimeout(this.#hiding);
    if (document.hidden) this.#hiding = setTimeout(() => this.close(), HIDDEN_MS);
    else this.open();
  }
}
