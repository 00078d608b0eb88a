"""What the tests of Telegram's commands share: a desk with quick people, and what they look at."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from storage.jobs import Job
from tests.bot.telegram_desk import TelegramDesk, open_post
from tests.loopback_telegram import Chat, Message, Person, Telegram


@dataclass(slots=True, kw_only=True)
class Counter:
    """The bot in front of real commands: people say and press, and see what comes back."""

    post: TelegramDesk
    telegram: Telegram
    ann: Person

    async def answer(self, asked: Message) -> Message:
        """The first message that came in answer, in whatever way."""
        if asked.chat.private:
            await self.telegram.until(lambda: self._after(asked), f"after {asked.content.text!r}")
            return self._after(asked)[0]
        return await self.telegram.answer(asked)

    async def painted(self, person: Person, text: str, **more: Any) -> Message:
        """The picture for a request in a private chat, once its delivery is written down."""
        picture = await self.telegram.picture(await person.says(None, text, **more))
        await self.post.desk.until(lambda: self._delivered(person))
        return picture

    async def told(self, person: Person, text: str, **more: Any) -> str:
        """What the bot answers to a word."""
        return (await self.answer(await person.says(None, text, **more))).content.text

    async def in_group(self, person: Person, chat: Chat, text: str, **more: Any) -> str:
        """What the bot answers in a group."""
        return (await self.telegram.answer(await person.says(chat, text, **more))).content.text

    async def alert(self, person: Person, message: Message, button: str) -> str:
        """What pops up after a press; empty if nothing does."""
        answer = await (await person.presses(message, button)).answered()
        return str(answer.get("text") or "")

    async def jobs(self, person: Person) -> list[Job]:
        """Somebody's jobs, the newest first."""
        known = await self.post.desk.people.known("telegram", str(person.id))
        return await self.post.desk.jobs.of_person(known.id)

    async def _delivered(self, person: Person) -> bool:
        return (await self.jobs(person))[0].delivered_at is not None

    def _after(self, asked: Message) -> list[Message]:
        posted = self.telegram.by_bot(asked.chat)
        return [each for each in posted if each.id > asked.id]


@asynccontextmanager
async def open_counter(data: Path, **settings: Any) -> AsyncIterator[Counter]:
    """A counter with ann before it."""
    async with open_post(data, **settings) as post:
        yield Counter(post=post, telegram=post.telegram, ann=post.ann)


def labels(message: Message) -> list[list[str]]:
    """What stands on the buttons, row by row."""
    rows = (message.markup or {}).get("inline_keyboard", [])
    return [[button["text"] for button in row] for row in rows]


def verbs(message: Message) -> set[str]:
    """What the buttons do."""
    rows = (message.markup or {}).get("inline_keyboard", [])
    return {button["callback_data"].split(":")[1] for row in rows for button in row}


def png(colour: str = "navy", size: tuple[int, int] = (64, 48)) -> bytes:
    """A picture to start from."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()
