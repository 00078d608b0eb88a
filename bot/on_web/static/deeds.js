// What people do with jobs and pictures: asks the server, then tells every part that shows them.

import * as api from "./api.js";
import { copy } from "./clip.js";
import { sentence } from "./composer.js";
import { say } from "./texts.js";
import { tell, toast } from "./toast.js";
import { pinned } from "./tools.js";

/**
 * The deeds behind the buttons. `parts` has `composer`, `settings`, `source`, `feed`, `gallery`,
 * `big`, `offline()` and `chat()`, which brings the chat into view.
 */
export function deeds(parts) {
  /** Do it; when it cannot be done, say why. */
  async function carefully(deed) {
    try {
      await deed();
      return true;
    } catch (error) {
      trouble(error);
      return false;
    }
  }

  function trouble(error) {
    if (error instanceof api.Refused) toast(sentence(error.facts));
    else if (error instanceof api.Unreachable) parts.offline();
    else throw error;
  }

  // A new job: it is seen in the chat.
  function ask(post) {
    parts.chat();
    return parts.composer.ask(post);
  }

  function from(picture) {
    parts.source.choose({ source: `picture:${picture.id}`, image: picture.thumb });
    parts.chat();
    parts.composer.focus();
    toast(say("source.chosen"));
  }

  return {
    trouble,
    again: (job) => ask((key) => api.again(job.id, key)),
    vary: (picture, strong) => ask((key) => api.vary(picture.id, strong, key)),
    upscale: (order) => ask((key) => api.upscale(order, key)),
    finer: (picture) => ask((key) => api.secondLook(picture.id, key)),
    source: from,

    cancel: (card) =>
      carefully(async () => {
        card.perhaps(await api.cancel(card.job.id));
        parts.budget();
      }),

    remove: (picture) =>
      carefully(async () => {
        await api.removePicture(picture.id);
        for (const part of [parts.feed, parts.gallery, parts.big]) part.gone(picture.id);
        tell(say("deleted"));
      }),

    pin: (picture, now) =>
      carefully(async () => {
        await api.pin(picture.id, now);
        picture.pinned = now;
        for (const part of [parts.feed, parts.gallery]) part.pinned(picture.id, now);
        pinned(picture.id, now);
        toast(say(now ? "pin.done" : "pin.undone"));
      }),

    async copy(picture) {
      toast(say((await copy(picture.flags)) ? "copied" : "copied.not"));
    },

    reuse(picture) {
      parts.settings.fill({ ...picture.request, seed: picture.seed, count: 1 });
      parts.chat();
      parts.composer.fill(picture.request.prompt);
      toast(say("reused"));
    },

    /** A picture from elsewhere: one of ours fills the form, any other is what to start from. */
    async file(file) {
      parts.chat();
      parts.source.busy(true);
      let found = null;
      const sent = await carefully(async () => (found = await api.upload(file)));
      parts.source.busy(false);
      if (!sent) return;
      const use = () => parts.source.choose({ source: found.source, image: file });
      if (!found.request) {
        await use();
        parts.composer.focus();
        return;
      }
      parts.settings.fill(found.request);
      parts.composer.fill(found.request.prompt);
      toast(say("from.filled"), { label: say("from.instead"), does: use });
    },

    /** Bring a file to the server; comes to its name there, or to nothing if that did not work. */
    async send(file) {
      let found;
      await carefully(async () => (found = await api.upload(file)));
      return found?.source;
    },

    ours: (id) => from({ id, thumb: `/api/pictures/${id}/thumbnail` }),
  };
}
