"""Owns words to several people of a busy group: what waits for room there goes as one message.

Each of them is named in it. Whoever is alone with their answer gets it as a reply, as ever.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram import MessageEntity, ReplyParameters
from telegram.error import RetryAfter

from bot.on_telegram.captions import name_of
from bot.on_telegram.pace import Urgency
from bot.on_telegram.wording import TEXT, Said, say, units

if TYPE_CHECKING:
    from telegram.ext import ExtBot

    from bot.on_telegram.limiter import Limiter
    from bot.on_telegram.pace import Turn
    from bot.on_telegram.where import Where

MOST = 20
"""So many people are answered in one message."""

_Room = tuple[int, int | None]
"""A chat, and a topic of it."""


@dataclass(slots=True, eq=False)
class _Answer:
    """What waits to be said to whom; `told` ends the waiting."""

    where: Where
    said: Said
    told: asyncio.Future[None]


class Notices:
    """Says things where there is no room for a message to each."""

    def __init__(self, *, bot: ExtBot[Urgency | Turn], limiter: Limiter) -> None:
        self._bot = bot
        self._limiter = limiter
        self._waiting: dict[_Room, list[_Answer]] = {}
        self._tasks: dict[_Room, asyncio.Task[None]] = {}

    def needed(self, chat: int) -> bool:
        """Whether a chat has no room for an answer of its own now."""
        return not self._limiter.pace.room(chat, Urgency.ANSWER)

    async def say(self, where: Where, said: Said) -> None:
        """Say it with what else is to be said there; returns once it was.

        Raises `TelegramError` as a message of its own would.
        """
        room = (where.chat, where.thread)
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(room, []).append(_Answer(where, said, told))
        if room not in self._tasks:
            task = asyncio.create_task(self._run(room), name=f"notices to {where.chat}")
            self._tasks[room] = task
        await told

    async def close(self) -> None:
        """Say nothing more; whoever waits for an answer asks again after the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, room: _Room) -> None:
        try:
            await self._speak(room)
        except Exception as error:  # nobody waits for ever
            _end(self._waiting.pop(room, []), error)
        finally:
            del self._tasks[room]  # at once: who comes now needs another

    async def _speak(self, room: _Room) -> None:
        while self._left(room):
            async with self._limiter.turn(room[0], Urgency.ANSWER) as turn:
                if not self._left(room):
                    return
                batch, together = _fitting(self._left(room))
                try:
                    await self._bot.send_message(
                        chat_id=room[0],
                        message_thread_id=room[1],
                        reply_parameters=_reply(batch),
                        **together.as_text,
                        rate_limit_args=turn,
                    )
                except RetryAfter:
                    continue  # the turn waits for as long as the server wants
                except Exception as error:
                    _end(batch, error)
                else:
                    _end(batch, None)

    def _left(self, room: _Room) -> list[_Answer]:
        """Who still waits in a room for an answer."""
        left = [each for each in self._waiting.pop(room, ()) if not each.told.done()]
        if left:
            self._waiting[room] = left
        return left


def _end(batch: list[_Answer], error: Exception | None) -> None:
    for each in batch:
        if each.told.done():  # its update is not worked off any more
            continue
        if error is None:
            each.told.set_result(None)
        else:
            each.told.set_exception(error)


def _reply(batch: list[_Answer]) -> ReplyParameters | None:
    """Whoever is alone is answered by a reply."""
    last = batch[-1].where
    message = last.about if last.asked is None else last.asked
    if message is None or len({each.where.asker for each in batch}) > 1:
        return None
    return ReplyParameters(message, allow_sending_without_reply=True)


def _fitting(answers: list[_Answer]) -> tuple[list[_Answer], Said]:
    """As many answers as one message holds, those that say the same as one line."""
    for count in range(min(len(answers), MOST), 1, -1):
        said = _together(answers[:count])
        if units(said.text) <= TEXT:
            return answers[:count], said
    return answers[:1], answers[0].said


def _together(answers: list[_Answer]) -> Said:
    """One text of all these; people are named if there are several."""
    several = len({each.where.asker for each in answers}) > 1
    sentences: dict[str, tuple[Said, dict[int, Where]]] = {}
    for each in answers:
        _, people = sentences.setdefault(each.said.text, (each.said, {}))
        people[each.where.asker] = each.where
    parts: list[tuple[str, tuple[MessageEntity, ...]]] = []
    for said, people in sentences.values():
        if parts:
            parts.append(("\n\n", ()))
        names = [name for each in people.values() if (name := name_of(each))]
        if several and names:
            called = say([piece for name in names for piece in (name, ", ")][:-1])
            parts += [(called.text, called.entities), (": ", ())]
        parts.append((said.text, said.entities))
    text, entities = MessageEntity.concatenate(*parts)
    return Said(text, tuple(entities))
