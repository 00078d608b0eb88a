"""Says in which topics of a forum pictures may be asked for, each leading there."""

from __future__ import annotations

from collections.abc import Iterable

from telegram import MessageEntity

from bot.desk.texts import on_telegram as words
from bot.on_telegram.wording import Piece

GENERAL = "0"
"""The topic that every forum begins with has no number of its own."""
LINKED = -1_000_000_000_000
"""Supergroups have ids below this; links write what is left."""


def topics_line(chat: int, allowed: Iterable[str], lang: str) -> list[Piece | str]:
    """The sentence about the topics of the group `chat`; none named means every one."""
    topics = sorted(allowed, key=lambda each: (len(each), each))
    if not topics:
        return [words.every_topic(lang)]
    before, _, after = words.these_topics("\x00", lang).partition("\x00")
    row: list[Piece | str] = [before]
    for each in topics:
        if len(row) > 1:
            row.append(", ")
        name = words.topic(each, lang)
        if chat < LINKED:
            url = f"https://t.me/c/{LINKED - chat}/{1 if each == GENERAL else each}"
            row.append(Piece(name, (MessageEntity.TEXT_LINK,), url=url))
        else:
            row.append(name)
    return [*row, after]
