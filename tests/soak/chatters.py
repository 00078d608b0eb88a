"""Restless people on Telegram: in private, in a group, with keyboards, photos, second thoughts."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field

from bot.desk.actions import Action, Verb, parse
from tests.loopback_telegram import Chat, Message, Person, Telegram
from tests.loopback_telegram.people import Press
from tests.soak import wishes
from tests.soak.journal import Acts, Journal, go_on, pick

ACTS = {
    "words": 40.0,
    "flags": 15.0,
    "nonsense": 4.0,
    "photo": 6.0,
    "upscale": 3.0,
    "press": 40.0,
    "look": 10.0,
    "inline": 5.0,
    "cancel": 3.0,
    "edit": 2.0,
    "take back": 1.0,
    "block": 0.5,
    "forget": 0.5,
}
PRESSED = frozenset(
    {
        Verb.CANCEL,
        Verb.AGAIN,
        Verb.VARY_SUBTLE,
        Verb.VARY_STRONG,
        Verb.ALBUM,
        Verb.ORIGINAL,
        Verb.TUNE,
        Verb.TUNED,
        Verb.DELETE,
        Verb.DELETE_SURE,
        Verb.KEEP,
        Verb.UPSCALE2,
        Verb.HD,
        Verb.PAGE,
        Verb.SET,
        Verb.CLEAR,
        Verb.PIN,
    }
)
RARELY = {
    Verb.DELETE: 0.2,
    Verb.DELETE_SURE: 0.5,
    Verb.ALBUM: 0.2,
    Verb.ORIGINAL: 0.2,
    Verb.UPSCALE2: 0.4,
}
LOOKS = ("/queue", "/usage", "/history", "/models", "/styles", "/help", "/settings", "/start")
PATIENCE_S = 15.0


@dataclass(slots=True, kw_only=True)
class Square:
    """What all of them share."""

    telegram: Telegram
    journal: Journal
    group: Chat
    asked: list[tuple[float, Message, Person]] = field(default_factory=list)
    """Every message that wants a picture: when, which, whose."""
    blocked: set[int] = field(default_factory=set)
    """Who blocked the bot for a while: what was on its way to them may never arrive."""


@dataclass(slots=True, kw_only=True)
class Chatter:
    """Somebody on Telegram."""

    person: Person
    square: Square
    chance: random.Random
    said: deque[Message] = field(default_factory=lambda: deque(maxlen=8))

    async def live(self) -> None:
        """Go on until cancelled."""
        acts: Acts = {
            "words": lambda: self._ask(wishes.prompt(self.chance) + " --steps 3"),
            "flags": lambda: self._ask(wishes.flagged(self.chance)),
            "nonsense": lambda: self._ask(wishes.odd(self.chance)[:900]),
            "photo": self._photo,
            "upscale": self._upscale,
            "press": self._press,
            "look": self._look,
            "inline": self._inline,
            "cancel": self._cancel,
            "edit": self._edit,
            "take back": self._take_back,
            "block": self._block,
            "forget": self._forget,
        }
        await self.person.starts()
        await go_on(self.chance, ACTS, acts, (1.5, 6.0))

    async def _ask(self, words: str, photo: bytes | None = None) -> None:
        group = self.square.group if self.chance.random() < 0.3 else None
        said = words if group is None and not words.startswith("-") else f"/imagine {words}"
        message = await self.person.says(group, said, photo=photo)
        self.square.asked.append((time.monotonic(), message, self.person))
        self.square.journal.count("telegram: asks")
        self.said.append(message)
        await self._told(message)

    async def _told(self, asked: Message) -> None:
        """Wait a little for the first word."""
        began = time.monotonic()
        while not asked.reactions and not answers(self.square.telegram, asked):
            if time.monotonic() - began > PATIENCE_S:
                return  # it may still come; that is looked at in the end
            await asyncio.sleep(0.05)
        self.square.journal.waits["telegram"].append(time.monotonic() - began)

    async def _photo(self) -> None:
        await self._ask(wishes.prompt(self.chance) + " --steps 4", photo=_jpeg(self.chance))

    async def _upscale(self) -> None:
        message = await self.person.says(None, "/upscale", photo=_jpeg(self.chance))
        self.square.asked.append((time.monotonic(), message, self.person))
        self.said.append(message)

    async def _press(self) -> None:
        shown = [m for m in self._shown() if m.markup and not m.deleted]
        possible = [
            (message, data) for message in shown for data in _data(message) if self._likes(data)
        ]
        if possible:
            message, data = self.chance.choice(possible)
            press = await self.person.presses(message, data)
            await self._answered(press, f"a press of {data}")

    async def _look(self) -> None:
        await self.person.says(None, self.chance.choice(LOOKS))

    async def _inline(self) -> None:
        press = await self.person.asks_inline(self.chance.choice(["fox", "castle", "sea", ""]))
        await self._answered(press, "an inline question")

    async def _cancel(self) -> None:
        await self.person.says(None, self.chance.choice(["/cancel", "/cancel all", "/cancel x"]))

    async def _edit(self) -> None:
        if self.said:
            message = self.chance.choice(self.said)
            if not message.deleted and message.content.media is None:
                await self.person.edits(message, wishes.prompt(self.chance))

    async def _take_back(self) -> None:
        if self.said:
            await self.person.deletes(self.chance.choice(self.said))

    async def _block(self) -> None:
        self.square.blocked.add(self.person.id)
        await self.person.blocks()
        self.square.journal.count("telegram: blocked for a while")
        await asyncio.sleep(self.chance.uniform(2.0, 8.0))
        await self.person.unblocks()
        await self.person.starts()

    async def _forget(self) -> None:
        asked = await self.person.says(None, "/forget")
        await self._told(asked)
        for message in answers(self.square.telegram, asked):
            for data in _data(message):
                action = parse(data)
                if action is not None and action.verb is Verb.FORGET:
                    press = await self.person.presses(message, data)
                    await self._answered(press, "being forgotten")
                    self.square.journal.count("telegram: forgotten")
                    return

    async def _answered(self, press: Press, what: str) -> None:
        journal, began = self.square.journal, time.monotonic()
        journal.count("telegram: presses")
        while press.query.answer is None:
            if time.monotonic() - began > PATIENCE_S:
                journal.no_answer(began, f"telegram: {what} by {self.person.user.first_name}")
                return
            await asyncio.sleep(0.05)

    def _shown(self) -> list[Message]:
        posts = self.square.telegram.world.posts[-400:]
        here = (self.person.private, self.square.group)
        return [m for m in posts if m.chat in here][-25:]

    def _likes(self, data: str) -> bool:
        action: Action | None = parse(data)
        if action is None or action.verb not in PRESSED:
            return False
        return self.chance.random() < RARELY.get(action.verb, 1.0)


@dataclass(slots=True, kw_only=True)
class Owner:
    """Whoever runs the group: bans for a while, pauses for moments, sets a budget and lifts it."""

    person: Person
    square: Square
    chance: random.Random
    others: tuple[Person, ...]

    async def live(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(self.chance.uniform(6.0, 20.0))
            match pick(self.chance, {"ban": 3, "pause": 1, "budget": 1, "look": 4}):
                case "ban":
                    whom = self.chance.choice(self.others)
                    await self._say(f"/ban {whom.id} 1h")
                    await asyncio.sleep(self.chance.uniform(3.0, 10.0))
                    await self._say(f"/unban {whom.id}")
                case "pause":
                    await self._say("/pause")
                    await asyncio.sleep(self.chance.uniform(1.0, 4.0))
                    await self._say("/resume")
                case "budget":
                    await self._say("/budget 3")
                    await asyncio.sleep(self.chance.uniform(3.0, 10.0))
                    await self._say("/budget off")
                case _:
                    await self._say(self.chance.choice(["/rules", "/queue", "/usage", "/help"]))

    async def lift(self) -> None:
        """Undo what may still be in force."""
        await self._say("/resume")

    async def _say(self, words: str) -> None:
        self.square.journal.count("telegram: administration")
        await self.person.says(self.square.group, words)


@dataclass(slots=True, kw_only=True)
class Rush:
    """People who come to the group together now and then: more pictures than it takes messages."""

    people: tuple[Person, ...]
    square: Square
    chance: random.Random

    async def live(self) -> None:
        """Go on until cancelled."""
        await asyncio.sleep(self.chance.uniform(5.0, 15.0))
        while True:
            self.square.journal.count("telegram: rushes")
            for _ in range(2):
                for person in self.people:
                    said = f"/imagine {wishes.prompt(self.chance)} --steps 1"
                    message = await person.says(self.square.group, said)
                    self.square.asked.append((time.monotonic(), message, person))
                    self.square.journal.count("telegram: asks")
                    await asyncio.sleep(self.chance.uniform(0.0, 0.3))
            await asyncio.sleep(self.chance.uniform(70.0, 130.0))  # it is worked off meanwhile


def heard(telegram: Telegram, asked: Message) -> bool:
    """Whether the bot gave a sign: a reply, a reaction, or later words that name the asker."""
    if asked.reactions or answers(telegram, asked):
        return True
    named = (
        entity["user"]["id"]
        for post in telegram.world.posts
        if post.chat is asked.chat and post.at >= asked.at
        for entity in post.versions[0].entities
        if "user" in entity
    )
    return not asked.chat.private and asked.sender.id in named


def answers(telegram: Telegram, asked: Message) -> list[Message]:
    """What the bot ever said in reply, whether it is still there or not."""
    return [m for m in reversed(telegram.world.posts) if m.reply_to is asked]


def _data(message: Message) -> list[str]:
    """What the buttons under a message carry."""
    rows = (message.markup or {}).get("inline_keyboard", [])
    return [b["callback_data"] for row in rows for b in row if "callback_data" in b]


def _jpeg(chance: random.Random) -> bytes:
    """A photo; Telegram itself refuses what is none."""
    return wishes.picture(chance)
