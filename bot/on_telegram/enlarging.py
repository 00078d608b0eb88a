"""Owns `/upscale`: a picture that somebody sends or replies to, made larger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.desk import flags
from bot.desk.errors import UnreadableValue
from bot.desk.texts import on_telegram as words
from bot.on_telegram import asking
from bot.on_telegram.sheets import light
from bot.on_telegram.sources import source_of
from bot.on_telegram.wording import lines

if TYPE_CHECKING:
    from bot.desk.answers import Asker, Ticket
    from bot.on_telegram.visit import Visit
    from engine.request import Ask

USUAL = 2
_SCALE = re.compile(r"[x×]?[0-9]{1,4}[x×]?(?=\s|$)", re.IGNORECASE)


async def upscale(visit: Visit) -> None:
    """Enlarge the picture of the message, or the one it replies to; without any, say how."""
    ask = wanted(visit.words)
    asker, message = await visit.asker(), visit.message
    source = None if message is None else await source_of(visit, asker, message)
    if source is None:
        await visit.reply(lines(light(words.which_to_enlarge(visit.lang))), quote=True)
        return

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        return await visit.parts.studio.upscale(
            asker,
            source,
            scale=ask.upscale or USUAL,
            upscaler=ask.upscaler,
            creative=ask.creative,
            key=key,
            message=where,
        )

    spoiler = asking.hidden(visit.words, message)
    await asking.order(visit, take, spoiler=spoiler, asker=asker)


def wanted(text: str) -> Ask:
    """What stood behind the command: a bare number is the scale, the rest are flags.

    Raises `UnreadableValue` for anything else.
    """
    ask = flags.parse(f"--upscale {text}" if _SCALE.match(text) else text)
    if ask.prompt:
        raise UnreadableValue("upscale", ask.prompt[:60], f"{USUAL}")
    return ask
