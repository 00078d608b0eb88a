"""Owns how a request is taken: words and a picture go to the studio, one status message comes back.

A busy group has no room for that: there a reaction, or what pops up at a button, is the first word.

A question for the prompt keeps what was given so far in an address behind an invisible sign, so
that its answer is understood after a restart as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import structlog
from telegram import ForceReply, Message, MessageEntity
from telegram.constants import ReactionEmoji
from telegram.error import TelegramError

from bot.desk import flags
from bot.desk.texts import on_telegram as words
from bot.on_telegram import captions, keyboards
from bot.on_telegram.pace import Urgency
from bot.on_telegram.sources import source_of
from bot.on_telegram.wording import Piece, say

if TYPE_CHECKING:
    from bot.desk.answers import Asker, Ticket
    from bot.on_telegram.visit import Visit
    from bot.on_telegram.where import Where
    from bot.on_telegram.wording import Said
    from engine.request import Ask

Take = Callable[["Asker", str, str], Awaitable["Ticket"]]
"""Gives an order to the studio: who asks, the key that makes repeating it harmless, the message."""

Answer = Callable[[str | None], Awaitable[None]]
"""Ends the waiting of a button, and shows those words to whoever pressed it."""

HOST = "atelier.invalid"
_MARK = "\u2060"
"""Carries the address of a question and is not seen."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What was given before the prompt was asked for: flags, a source, or a job to paint anew."""

    flags: str = ""
    source: str = ""
    job: str = ""

    def address(self) -> str:
        """The address that keeps it."""
        given = {"flags": self.flags, "source": self.source, "job": self.job}
        return f"https://{HOST}/?{urlencode({k: v for k, v in given.items() if v})}"

    @classmethod
    def of(cls, message: Message, bot: int) -> Self | None:
        """What the question `message` keeps; None if it is no question of ours."""
        if message.from_user is None or message.from_user.id != bot:
            return None
        for entity in message.entities or ():
            address = urlsplit(entity.url or "")
            if entity.type == MessageEntity.TEXT_LINK and address.hostname == HOST:
                found = {name: values[0] for name, values in parse_qs(address.query).items()}
                return cls(**{name: found.get(name, "") for name in ("flags", "source", "job")})
        return None


async def paint(visit: Visit, text: str, given: Open | None = None) -> None:
    """Paint what `text` and the message's picture say; without words, ask for them.

    `given` is what a question kept. Raises `Refusal`.
    """
    message, given = visit.message, given or Open()
    typed = f"{given.flags} {text}" if given.flags else text
    ask = flags.parse(typed)
    asker = await visit.asker()
    source = None if message is None else await source_of(visit, asker, message)
    source = source or given.source or None
    if not ask.prompt:
        await question(visit, replace(given, flags=typed.strip(), source=source or ""))
        return
    studio, spoiler = visit.parts.studio, hidden(typed, message)

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        if given.job:
            return await studio.again(asker, given.job, key=key, message=where, changes=_typed(ask))
        return await studio.paint(asker, replace(ask, source=source), key=key, message=where)

    await order(visit, take, spoiler=spoiler, asker=asker)


async def order(
    visit: Visit,
    take: Take,
    *,
    spoiler: bool = False,
    asker: Asker | None = None,
    answer: Answer | None = None,
) -> None:
    """Take on a request: a reaction, one status message, which is then kept moving.

    `answer` ends the waiting of a button; what it is given is shown to whoever pressed.
    """
    where, status = visit.where(spoiler=spoiler), visit.parts.status
    ticket = await take(asker or await visit.asker(), visit.key, where.to_json())
    if not ticket.created:
        return
    if visit.private or status.has_room(visit.chat.id):
        async with asyncio.TaskGroup() as group:
            group.create_task(_end_waiting(answer))
            group.create_task(_react(visit, Urgency.SPARE))
            told = group.create_task(_tell(visit, ticket, where))
        where = replace(where, message=told.result())
        await status.follow(ticket.job, where, position=ticket.position)
    else:
        status.follow_later(ticket, where)
        if answer is not None:
            await answer(_standing(ticket, where).text)
        elif not await _react(visit, Urgency.ANSWER):
            await visit.parts.notices.say(where, _standing(ticket, where))


async def question(visit: Visit, given: Open) -> None:
    """Ask for the prompt; the answer is a reply to this question, which keeps what was given."""
    asked = words.question(visit.lang, picture=bool(given.source), again=bool(given.job))
    pieces: list[Piece | str] = [Piece(_MARK, (MessageEntity.TEXT_LINK,), url=given.address())]
    if not visit.private and visit.message is None and visit.person > 0:
        pieces += [captions.mention(visit.person, visit.name), ": "]
    wanted = ForceReply(
        selective=not visit.private, input_field_placeholder=words.placeholder(visit.lang)
    )
    await visit.reply(say([*pieces, asked]), wanted, quote=True)


def hidden(text: str, message: Message | None) -> bool:
    """Whether the picture shall be veiled: by a flag, or because the request itself is."""
    if "spoiler" in flags.switches(text):
        return True
    if message is None:
        return False
    entities = (*(message.entities or ()), *(message.caption_entities or ()))
    veiled = any(entity.type == MessageEntity.SPOILER for entity in entities)
    return veiled or bool(message.has_media_spoiler)


def _typed(ask: Ask) -> dict[str, Any]:
    """What was typed, as changes to an earlier request; a new shape replaces an old size."""
    changes = {name: value for name, value in asdict(ask).items() if value is not None}
    if "aspect" in changes:
        return {"width": None, "height": None, **changes}
    return {"aspect": None, **changes} if "width" in changes else changes


async def _end_waiting(answer: Answer | None) -> None:
    """End the waiting of a button; the status message comes whether that got through or not."""
    if answer is not None:
        with suppress(TelegramError):
            await answer(None)


async def _react(visit: Visit, urgency: Urgency) -> bool:
    """Show that the request was seen; False where that is not possible: groups may forbid it."""
    if visit.message is None:
        return False
    try:
        await visit.bot.set_message_reaction(
            visit.chat.id,
            visit.message.message_id,
            ReactionEmoji.EYES,
            rate_limit_args=urgency,
        )
    except TelegramError as error:
        log.debug("no reaction", error=repr(error))
        return False
    return True


async def _tell(visit: Visit, ticket: Ticket, where: Where) -> int | None:
    """Say how the job stands; None if that did not arrive: the result then comes by itself."""
    try:
        sent = await visit.bot.send_message(
            **visit.to(),
            **_standing(ticket, where).as_text,
            reply_markup=keyboards.under_way(ticket.job, where),
        )
    except TelegramError as error:
        log.warning("a status message got lost", job=ticket.job.public, error=repr(error))
        return None
    return sent.message_id


def _standing(ticket: Ticket, where: Where) -> Said:
    """How the job stands at the beginning."""
    if ticket.job.state.final or not ticket.position:
        return captions.painting(
            where, eta_s=ticket.eta_s, progress=None, paints=ticket.job.paint.paints
        )
    return captions.waiting(
        where, position=ticket.position, eta_s=ticket.eta_s, warming=ticket.warming
    )
