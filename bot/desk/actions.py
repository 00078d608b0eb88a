"""The grammar of buttons on every chat: `a:<verb>:<target>`, at most 64 bytes, nothing else kept.

A button knows no more than this, so that it works after a restart and on a message of last year:
what it is about is looked up in the storage. Its text grants nothing; who may do what is asked
again at every press.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import StrEnum

MAX_BYTES = 64
"""Telegram keeps no more with a button; Discord takes 100 characters."""
PREFIX = "a"

_FORM = re.compile(rf"{PREFIX}:([a-z][a-z0-9-]{{0,19}}):([a-z0-9][a-z0-9.]{{0,55}})", re.ASCII)


class Verb(StrEnum):
    """What a button does; in brackets, what its target is."""

    CANCEL = "cancel"
    """Do not paint it after all (job)."""
    AGAIN = "again"
    """The same request with a new seed (job)."""
    PROMPT = "prompt"
    """The same request with other words: asks for them first (job)."""
    VARY_SUBTLE = "vary-subtle"
    """A little different from this one (picture)."""
    VARY_STRONG = "vary-strong"
    """Clearly different from this one (picture)."""
    DETAILS = "details"
    """Everything that made it, and the flags to paint it again (job)."""
    DM = "dm"
    """Send it to me alone (job)."""
    REPORT = "report"
    """Tell the moderators (job or picture)."""
    DELETE = "delete"
    """Ask whether it shall go for good (job: all its pictures, or picture)."""
    DELETE_SURE = "delete-sure"
    """Delete it for good (job: all its pictures, or picture; on Discord job.nth.message)."""
    KEEP = "keep"
    """Rather not delete it (job or picture)."""
    SOURCE = "source"
    """Paint from this one: what comes back from a form (picture, or a key with a dot)."""
    SHOW = "show"
    """Show a job again (job)."""
    PAGE = "page"
    """A page of one's own history (its number from 0, on Telegram after whose it is; and with
    dots what was searched for, packed)."""
    CLEAR = "clear"
    """Forget one's defaults (anything; on Telegram whose)."""
    ALBUM = "album"
    """The pictures of a job, each for itself (job)."""
    ORIGINAL = "original"
    """The files as they were painted, without loss (job)."""
    TUNE = "tune"
    """Choose other settings for a job (job, and with dots what is chosen so far)."""
    TUNED = "tuned"
    """Paint it with what is chosen (the same)."""
    SET = "set"
    """Choose one of one's own defaults (person, field, value, with dots)."""
    UPSCALE2 = "up2"
    """Make it twice as wide and high (picture)."""
    UPSCALE4 = "up4"
    """Make it four times as wide and high (picture)."""
    HD = "hd"
    """Decode it again with the full decoder (picture)."""
    FORGET = "forget"
    """Forget me: stop, delete and blank all that is mine (whose)."""
    STAY = "stay"
    """Rather not be forgotten (whose)."""
    PIN = "pin"
    """Keep it whatever its age, or let it go (picture)."""


@dataclass(frozen=True, slots=True)
class Action:
    """One press of a button: what to do, and with what."""

    verb: Verb
    target: str

    def format(self) -> str:
        """The text a button keeps. Raises `ValueError` if `parse` would not read it back."""
        text = f"{PREFIX}:{self.verb}:{self.target}"
        if parse(text) != self:
            raise ValueError(f"not possible as a button: {text!r}")
        return text


def packed(words: str | None) -> str:
    """Words as a part of a target; "" for none."""
    return base64.b32encode((words or "").encode()).decode().rstrip("=").lower()


def unpacked(text: str) -> str | None:
    """What `packed` put into a target; None if that is nothing, or was never made by it."""
    try:
        found = base64.b32decode(text.upper() + "=" * (-len(text) % 8)).decode()
    except ValueError:
        return None
    return found or None


def possible(verb: Verb, target: str) -> bool:
    """Whether a button has room for this."""
    return parse(f"{PREFIX}:{verb}:{target}") is not None


def parse(text: str) -> Action | None:
    """The action a button kept; None for everything that `format` never wrote."""
    match = _FORM.fullmatch(text)
    if match is None or len(text) > MAX_BYTES:
        return None
    try:
        return Action(Verb(match[1]), match[2])
    except ValueError:
        return None
