"""Owns `Said`: text with entities, measured and cut as Telegram counts, in UTF-16 units.

No markup is ever written, so nothing has to be escaped: what people wrote is text, and what is
bold is said beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from telegram import LinkPreviewOptions, MessageEntity, User

from bot.desk.texts.visible import ELLIPSIS, JOINERS, visible

CAPTION = 1024
"""UTF-16 units that the words under a picture may have."""
TEXT = 4096
"""UTF-16 units that a message may have."""

_MENTION = re.compile(r"(?<=@)(?=\w)")
_INVISIBLE = "\u2060"
"""A word joiner: an @ before it mentions nobody, and nothing is seen of it."""
_CLINGS = re.compile("[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\u200c\u200d]")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said: a text, and which parts of it are bold, code and so on."""

    text: str
    entities: tuple[MessageEntity, ...] = ()

    @property
    def as_text(self) -> dict[str, Any]:
        """The arguments of a text message; addresses in it open no preview."""
        return {
            "text": self.text,
            "entities": self.entities,
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }

    @property
    def as_caption(self) -> dict[str, Any]:
        """The arguments of a message with a picture or a file."""
        return {"caption": self.text, "caption_entities": self.entities}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text of one kind; `kinds` are those of `MessageEntity`.

    Where a text is too long, the pieces that `give` are cut, the longest first.
    """

    text: str
    kinds: tuple[str, ...] = ()
    user: User | None = None
    url: str | None = None
    give: bool = False


def units(text: str) -> int:
    """The length of `text` as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str) -> str:
    """What somebody wrote, on one line, mentioning nobody."""
    return _MENTION.sub(_INVISIBLE, visible(text))


def cut(text: str, limit: int) -> str:
    """The beginning of `text` in at most `limit` units, with an ellipsis if something is gone.

    No character is torn apart, nor one from the marks, tones and joiners that belong to it.
    """
    if units(text) <= limit:
        return text
    room = limit - units(ELLIPSIS)
    if room < 0:
        return ""
    kept, end = 0, 0
    for end, sign in enumerate(text):  # noqa: B007 - where it stopped is what is looked for
        kept += 2 if ord(sign) > 0xFFFF else 1
        if kept > room:
            break
    while end and (_CLINGS.match(text[end]) or text[end - 1] in JOINERS):
        end -= 1
    flags = len(text[:end]) - len(text[:end].rstrip(_FLAGS))
    if flags % 2 and text[end] in _FLAGS:
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""The letters that make flags of countries, two and two."""


def say(pieces: Iterable[Piece | str], limit: int = TEXT) -> Said:
    """The pieces one after the other, in at most `limit` units; spaces at the ends are dropped."""
    given = [Piece(each) if isinstance(each, str) else each for each in pieces]
    given = _fitting([each for each in given if each.text], limit)
    if given:
        given[0] = replace(given[0], text=given[0].text.lstrip())
        given[-1] = replace(given[-1], text=given[-1].text.rstrip())
    text, entities, at = "", [], 0
    for piece in given:
        length = units(piece.text)
        if length:
            entities += [
                MessageEntity(kind, at, length, url=piece.url, user=piece.user)
                for kind in piece.kinds
            ]
        text += piece.text
        at += length
    return Said(text, tuple(entities))


def lines(*rows: Iterable[Piece | str] | str | None, limit: int = TEXT) -> Said:
    """The same, a row to a line; rows that are None or empty are left out."""
    pieces: list[Piece | str] = []
    for row in rows:
        if not row:
            continue
        if pieces:
            pieces.append("\n")
        pieces += [row] if isinstance(row, str) else list(row)
    return say(pieces, limit)


def _fitting(pieces: list[Piece], limit: int) -> list[Piece]:
    """The pieces within `limit`: first what gives is cut, then what stands last."""
    over = sum(units(each.text) for each in pieces) - limit
    giving = sorted((i for i, each in enumerate(pieces) if each.give), key=lambda i: -i)
    giving.sort(key=lambda i: -units(pieces[i].text))
    for i in [*giving, *reversed(range(len(pieces)))]:
        if over <= 0:
            break
        length = units(pieces[i].text)
        shorter = cut(pieces[i].text, max(0, length - over))
        over -= length - units(shorter)
        pieces[i] = replace(pieces[i], text=shorter)
    return [each for each in pieces if each.text]
