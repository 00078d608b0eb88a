// The disk: what takes how much room of it, what could go, and letting it go.

import { make } from "../make.js";
import { line, number, say } from "../texts.js";
import * as api from "./api.js";
import { bar, bytes, head, many, sure } from "./parts.js";

export class Disk {
  every = 5;
  #on;
  #words = make("p", { class: "facts wide" });
  #whole = make("div", { class: "whole", "aria-hidden": "true" });
  #list = make("ul", { class: "rooms" });
  #tidying = make("div", { class: "tidying" });

  constructor(box, on) {
    this.#on = on;
    box.append(head(say("admin.disk")), this.#words, this.#whole, this.#list, make("h3", {}, say("disk.tidy")), this.#tidying);
    this.#offer();
  }

  async look() {
    const disk = await api.disk();
    const ours = disk.rooms.reduce((sum, { bytes: size }) => sum + size, 0);
    const others = Math.max(0, disk.total - disk.free - ours);
    this.#words.textContent = line(
      say(disk.full ? "disk.full" : "disk.free", { free: bytes(disk.free), total: bytes(disk.total) }),
      say("disk.reserve", { reserve: bytes(disk.reserve) }),
      disk.folder,
    );
    this.#words.classList.toggle("bad", disk.full);
    const all = [...disk.rooms, { name: "others", bytes: others, limit: null, count: null }];
    this.#whole.replaceChildren(...all.filter(({ bytes: size }) => size > 0).map((room) => {
      const part = make("span", { class: `fill room-${room.name}` });
      part.style.flexGrow = String(room.bytes);
      return part;
    }), rest(disk.free));
    this.#list.replaceChildren(...all.map(entry));
  }

  // First what would go, then the button that lets it go.
  #offer() {
    const press = async () => {
      const could = await this.#on.act(() => api.tidy(true));
      if (could) this.#show(could);
    };
    this.#tidying.replaceChildren(make("p", { class: "facts wide" }, say("disk.tidy.words")), make("button", { class: "quiet", type: "button", onclick: press }, say("disk.tidy.look")));
  }

  #show(could) {
    const going = could.filter(({ count }) => count > 0);
    if (!going.length) {
      this.#tidying.replaceChildren(make("p", { role: "status", tabindex: "-1" }, say("disk.tidy.nothing")));
      return;
    }
    const rows = going.map(({ kind, count, bytes: size }) => make("li", {}, line(say(`sweep.${kind}`), number(count), bytes(size))));
    const done = (gone) => say("disk.tidy.done", { size: bytes(gone.reduce((sum, each) => sum + each.bytes, 0)) });
    const go = sure(say("disk.tidy.do"), async () => {
      await this.#on.act(() => api.tidy(false), done);
      this.#offer();
    });
    this.#tidying.replaceChildren(make("ul", { class: "going" }, ...rows), go);
    go.focus();
  }
}

function rest(free) {
  const part = make("span", { class: "rest" });
  part.style.flexGrow = String(free);
  return part;
}

function entry(room) {
  const swatch = make("span", { class: `swatch room-${room.name}`, "aria-hidden": "true" });
  const kept = room.count !== null && many("disk.count", room.count);
  const most = room.limit !== null && say("disk.limit", { limit: bytes(room.limit) });
  return make("li", {}, swatch, make("span", { class: "name" }, say(`room.${room.name}`)), make("span", { class: "size" }, bytes(room.bytes)), make("span", { class: "facts" }, line(kept, most)), ...(room.limit ? [bar(room.bytes / room.limit)] : []));
}
