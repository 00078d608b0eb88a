"""Restless members of a Discord server: commands, buttons, forms; and one who administers it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bot.desk.actions import Action, Verb, parse
from tests.loopback_discord import Channel, Interaction, LoopbackDiscord, Message, Person, Upload
from tests.soak import wishes
from tests.soak.journal import Acts, Journal, go_on, pick

ACTS = {
    "imagine": 40.0,
    "flags": 15.0,
    "nonsense": 4.0,
    "picture": 5.0,
    "upscale": 3.0,
    "press": 40.0,
    "look": 10.0,
    "defaults": 3.0,
    "forget": 0.5,
}
PRESSED = frozenset(
    {
        Verb.CANCEL,
        Verb.AGAIN,
        Verb.PROMPT,
        Verb.VARY_SUBTLE,
        Verb.VARY_STRONG,
        Verb.DETAILS,
        Verb.REPORT,
        Verb.DELETE,
        Verb.DELETE_SURE,
        Verb.KEEP,
        Verb.UPSCALE2,
        Verb.HD,
        Verb.PAGE,
        Verb.PIN,
    }
)
LOOKS = ("queue", "usage", "history", "models", "styles", "help", "settings show")
RARELY = {Verb.DELETE: 0.2, Verb.DELETE_SURE: 0.5, Verb.REPORT: 0.2, Verb.UPSCALE2: 0.4}
PATIENCE_S = 8.0


@dataclass(slots=True, kw_only=True)
class Town:
    """What all members share."""

    discord: LoopbackDiscord
    journal: Journal
    channels: tuple[Channel, ...]
    wall: deque[Message] = field(default_factory=lambda: deque(maxlen=40))
    """Messages that everybody sees."""
    looks: list[Interaction] = field(default_factory=list)
    """Those whose answers only show again what was delivered before."""
    asked: list[Interaction] = field(default_factory=list)
    """Everything that may have become a job."""


@dataclass(slots=True, kw_only=True)
class Member:
    """Somebody on Discord."""

    person: Person
    town: Town
    chance: random.Random
    seen: deque[Message] = field(default_factory=lambda: deque(maxlen=15))

    async def live(self) -> None:
        """Go on until cancelled."""
        acts: Acts = {
            "imagine": self._imagine,
            "flags": self._flags,
            "nonsense": self._nonsense,
            "picture": self._picture,
            "upscale": self._upscale,
            "press": self._press,
            "look": self._look,
            "defaults": self._defaults,
            "forget": self._forget,
        }
        while not self.town.discord.commands:  # noqa: ASYNC110 - another process brings them
            await asyncio.sleep(0.2)
        await go_on(self.chance, ACTS, acts, (0.5, 4.0))

    async def _imagine(self) -> None:
        given: dict[str, Any] = {"steps": self.chance.randint(1, 4)}
        if self.chance.random() < 0.2:
            given["count"] = self.chance.randint(1, 4)
        if self.chance.random() < 0.15:
            given["private"] = True
        await self._ask("imagine", prompt=wishes.prompt(self.chance), **given)

    async def _flags(self) -> None:
        await self._ask("imagine", prompt=wishes.flagged(self.chance))

    async def _nonsense(self) -> None:
        await self._ask("imagine", prompt=wishes.odd(self.chance)[:1500])

    async def _picture(self) -> None:
        good = self.chance.random() < 0.8
        data = wishes.picture(self.chance) if good else wishes.broken(self.chance)
        given: dict[str, Any] = {
            "image": Upload("me.png", data),
            "prompt": wishes.prompt(self.chance),
        }
        await self._ask("imagine", steps=4, **given)

    async def _upscale(self) -> None:
        await self._ask("upscale", image=Upload("me.png", wishes.picture(self.chance)), scale=2)

    async def _ask(self, name: str, **options: Any) -> None:
        place = self.chance.choice([*self.town.channels, *self.town.channels, self.person.dm])
        asked = await self.person.slash(name, channel=place, wait=False, **options)
        self.town.asked.append(asked)
        if await self._answered(asked, name) and asked.message is not None:
            self._remember(asked.message)

    async def _press(self) -> None:
        own = list(self.seen)
        shown = [m for m in (*own, *own, *self.town.wall) if self._sees(m)]
        if not shown:
            return
        message = self.chance.choice(shown)
        open_ = [b for b in message.buttons() if "custom_id" in b and not b.get("disabled")]
        found = [(str(b["custom_id"]), parse(str(b["custom_id"]))) for b in open_]
        possible = [(each, action) for each, action in found if action and self._likes(action)]
        if possible:
            custom, action = self.chance.choice(possible)
            assert action is not None
            await self._pressed(message, custom, action)

    async def _pressed(self, message: Message, custom: str, action: Action) -> None:
        asked = await self.person.press(message, custom, wait=False)
        self.town.asked.append(asked)
        if not await self._answered(asked, f"a press of {action.verb}"):
            return
        if asked.modal is not None:
            await asyncio.sleep(self.chance.uniform(0.2, 2.0))
            field_id = _first_field(asked.modal)
            words: dict[str, Any] = {field_id: wishes.prompt(self.chance)}
            sent = await self.person.submit(asked, wait=False, **words)
            self.town.asked.append(sent)
            if await self._answered(sent, "a form") and sent.message is not None:
                self._remember(sent.message)
        elif asked.message is not None:
            self._remember(asked.message)

    async def _look(self) -> None:
        name = self.chance.choice(LOOKS)
        asked = await self.person.slash(name, wait=False)
        self.town.looks.append(asked)
        if await self._answered(asked, name) and name == "history" and asked.message is not None:
            self.seen.append(asked.message)

    async def _defaults(self) -> None:
        if self.chance.random() < 0.5:
            asked = await self.person.slash("settings clear", wait=False)
        else:
            given: dict[str, Any] = {"steps": self.chance.randint(1, 4), "size": "square"}
            asked = await self.person.slash("settings set", wait=False, **given)
        await self._answered(asked, "settings")

    async def _forget(self) -> None:
        asked = await self.person.slash("forget me", wait=False)
        if not await self._answered(asked, "forget me") or asked.message is None:
            return
        for custom in asked.message.custom_ids():
            action = parse(custom)
            if action is not None and action.verb is Verb.FORGET:
                sent = await self.person.press(asked.message, custom, wait=False)
                await self._answered(sent, "being forgotten")
                self.town.journal.count("discord: forgotten")
                return

    async def _answered(self, asked: Interaction, what: str) -> bool:
        journal, began = self.town.journal, time.monotonic()
        journal.count("discord: asks")
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asked.answered.wait()
        except TimeoutError:
            journal.no_answer(began, f"discord: {what} by {self.person.user.name}")
            return False
        if asked.took_s is not None:
            journal.waits["discord"].append(asked.took_s)
        return True

    def _remember(self, message: Message) -> None:
        self.seen.append(message)
        if not message.ephemeral:
            self.town.wall.append(message)

    def _sees(self, message: Message) -> bool:
        if message.deleted or message.loading or message.only_for not in (None, self.person.user):
            return False
        return message.channel.recipient in (None, self.person.user)

    def _likes(self, action: Action) -> bool:
        return action.verb in PRESSED and self.chance.random() < RARELY.get(action.verb, 1.0)


@dataclass(slots=True, kw_only=True)
class Admin:
    """Somebody who runs the server: bans for a while, pauses for moments, gives credits."""

    person: Person
    town: Town
    chance: random.Random
    others: tuple[Person, ...]

    async def live(self) -> None:
        """Go on until cancelled; at the end nobody is banned and nothing is paused."""
        while not self.town.discord.commands:  # noqa: ASYNC110 - another process brings them
            await asyncio.sleep(0.2)
        while True:
            await asyncio.sleep(self.chance.uniform(4.0, 15.0))
            whom = self.chance.choice(self.others)
            match pick(self.chance, {"ban": 3, "pause": 1, "give": 3, "look": 4, "cancel": 1}):
                case "ban":
                    await self._say("ban", member=whom, duration="1h")
                    await asyncio.sleep(self.chance.uniform(3.0, 10.0))
                    await self._until("unban", member=whom)
                case "pause":
                    await self._say("pause")
                    await asyncio.sleep(self.chance.uniform(1.0, 4.0))
                    await self._until("resume")
                case "give":
                    await self._say("member", member=whom, give=float(self.chance.randint(1, 5)))
                case "cancel":
                    await self._say("cancel", job="nosuchjob")
                case _:
                    await self._say(self.chance.choice(["overview", "jobs", "audit"]))

    async def lift(self) -> None:
        """Undo what may still be in force."""
        await self._until("resume")

    async def _until(self, name: str, **given: Any) -> None:
        while not await self._say(name, **given):  # noqa: ASYNC110 - the process may be away
            await asyncio.sleep(1.0)

    async def _say(self, name: str, **given: Any) -> bool:
        began = time.monotonic()
        asked = await self.person.slash(f"atelier {name}", wait=False, **given)
        self.town.looks.append(asked)
        self.town.journal.count("discord: administration")
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asked.answered.wait()
        except TimeoutError:
            self.town.journal.no_answer(began, f"discord: /atelier {name}")
            return False
        return True


def _first_field(modal: dict[str, Any]) -> str:
    """The custom id of the first field of a form."""
    for row in modal["components"]:
        for each in (row.get("component"), *row.get("components", [])):
            if each and "custom_id" in each:
                return str(each["custom_id"])
    raise AssertionError("a form without a field")
