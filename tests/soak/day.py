"""Runs a soak from the first start to the verdict: everybody in one event loop, the bot outside."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.loopback_discord import LoopbackDiscord, loopback_discord
from tests.loopback_discord.world import ADMINISTRATOR
from tests.loopback_telegram import TOKEN, Telegram, open_telegram
from tests.loopback_telegram.relay import relay_to
from tests.serving import serving
from tests.soak import evidence, verdict
from tests.soak.chatters import Chatter, Owner, Rush, Square
from tests.soak.evidence import Finding
from tests.soak.journal import Journal
from tests.soak.lives import Lives
from tests.soak.members import Admin, Member, Town
from tests.soak.programs import Program
from tests.soak.trouble import Troublemaker
from tests.soak.visitors import Visitor

BUDGET = 400
PEOPLE = 5
"""On each of the three."""
SETTINGS = {
    "ATELIER_BUDGET": str(BUDGET),
    "ATELIER_ADDRESS_BUDGET": "100000",
    "ATELIER_WAITING_PER_PERSON": "2",
    "ATELIER_QUEUE_LIMIT": "32",
    "ATELIER_TRUSTED_PROXIES": "127.0.0.1",
    "ATELIER_DISK_RESERVE": "48MB",
    "ATELIER_LOG": "json",
}
QUIET_SHARE = 0.35
"""Before and after the deaths of the process lies so much of the time: two long lives."""
LONG_MIN, SHORT_SHARE = 10, 0.15
"""A shorter soak tells nothing of growth; there is time for deaths all the more."""
TOLD_EVERY_S = 60.0
PATIENCE_S = 600.0
"""For the next of the last jobs to be painted and told; a busy machine is slow."""
KEPT_S = 240.0
"""The loopback platforms forget the bytes of pictures after so long; this machine has an end."""


@dataclass(slots=True, kw_only=True)
class Soak:
    """One soak: how long, with which chance, and where it writes."""

    minutes: float
    seed: int
    folder: Path
    small_disk: bool
    people: int = PEOPLE
    journal: Journal = field(default_factory=Journal)
    findings: list[Finding] = field(default_factory=list)
    lives: Lives = field(init=False)
    took_s: float = 0.0

    async def run(self) -> None:
        """Live through it, wait until all is told, and ask the questions."""
        data, began = self.folder / "data", time.monotonic()
        chance = random.Random(self.seed)
        async with AsyncExitStack() as stack:
            discord = await stack.enter_async_context(loopback_discord())
            telegram = await stack.enter_async_context(open_telegram(strict=False))
            port = urlsplit(discord.url).port
            assert port is not None
            wire = await stack.enter_async_context(relay_to(port))
            settings = {
                name: value.replace(f":{port}", f":{wire.port}")
                for name, value in discord.settings.items()
            } | {"ATELIER_TELEGRAM_TOKEN": TOKEN, "ATELIER_TELEGRAM_API_URL": telegram.url}
            server = stack.enter_context(serving(data, start=False, **SETTINGS, **settings))
            telegram.limits.enforced = True
            self.lives = Lives(server, self.journal)
            await self.lives.begin()
            visitors = [
                Visitor(number=n, url=server.url, chance=_fork(chance), journal=self.journal)
                for n in range(self.people)
            ]
            programs = [
                Program(number=n, url=server.url, chance=_fork(chance), journal=self.journal)
                for n in range(max(1, self.people // 2))
            ]
            town, members, admin = self._town(discord, chance)
            square, chatters, owner, rush = self._square(telegram, chance)
            trouble = Troublemaker(
                lives=self.lives,
                discord=discord,
                wire=wire,
                telegram=telegram,
                chats=(square.group.id, *(each.person.id for each in chatters)),
                journal=self.journal,
                chance=_fork(chance),
                small_disk=data if self.small_disk else None,
                pace_s=max(3.0, min(8.0, self.minutes * 4)),
            )
            watching = asyncio.create_task(self.lives.watch(), name="watch")
            forgetting = asyncio.create_task(_forget_bytes(discord, telegram), name="bytes")
            tasks = [
                asyncio.create_task(self._going(live))
                for live in (
                    *(each.live for each in visitors),
                    *(each.watch for each in visitors),
                    *(each.live for each in programs),
                    *(each.live for each in members),
                    *(each.live for each in chatters),
                    admin.live,
                    owner.live,
                    rush.live,
                    trouble.live,
                )
            ]
            await self._wait(trouble)
            await self._end(tasks)
            await trouble.calm()
            for each in visitors:
                await each.settle()
            await admin.lift()
            await owner.lift()
            await self._drain(data)
            await self._ask_the_page(visitors, data)
            used = {str(each.number): await each.used() for each in visitors}
            for close in (*(each.close for each in visitors), *(each.close for each in programs)):
                await close()
            await self._end([watching, forgetting])
            await self.lives.stop()
            self._judge(data, visitors, town, square, used)
        self.took_s = time.monotonic() - began
        shutil.copy2(data / "atelier.sqlite", self.folder / "atelier.sqlite")

    async def _going(self, live: Callable[[], Awaitable[None]]) -> None:
        """Let somebody live on, although they met something that nobody thought of."""
        while True:
            try:
                await live()
            except Exception:
                self.journal.strange.append(f"one of us stumbled: {traceback.format_exc()[-400:]}")

    async def _wait(self, trouble: Troublemaker) -> None:
        """Let them live; in the middle part the process itself is ended again and again."""
        began = told = time.monotonic()
        length = self.minutes * 60
        quiet = QUIET_SHARE if self.minutes >= LONG_MIN else SHORT_SHARE
        while (gone := time.monotonic() - began) < length:
            trouble.deadly = quiet < gone / length < 1 - quiet
            await asyncio.sleep(min(1.0, length - gone))
            if time.monotonic() - told >= TOLD_EVERY_S:
                told = time.monotonic()
                self._tell(gone)

    def _tell(self, gone: float) -> None:
        life, counts = self.lives.now, self.journal.counts
        look = life.looks[-1] if life.looks else None
        takes = "" if look is None else f"{look.memory:.0f} MiB, {look.handles} handles, "
        asks = sum(count for name, count in counts.items() if name.endswith(": asks"))
        print(
            f"{gone / 60:5.1f} min: life {len(self.lives.every)} ({life.seconds:.0f} s), {takes}"
            f"{asks} asks, {counts['page: accepted']} accepted on the page,"
            f" {len(self.journal.troubles)} troubles, {len(self.journal.strange)} strange",
            flush=True,
        )

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def _drain(self, data: Path) -> None:
        """Wait until everything has ended and was told; `verdict` says what has not."""
        left, until = -1, 0.0
        while (now := evidence.unfinished(data)) and (now != left or time.monotonic() < until):
            if now != left:  # a group takes twenty messages a minute, however many wait for it
                left, until = now, time.monotonic() + PATIENCE_S
            await asyncio.sleep(0.5)
        await asyncio.sleep(2.0)  # last words beside the picture, such as a status that goes

    async def _ask_the_page(self, visitors: list[Visitor], data: Path) -> None:
        known = evidence.sums(data)
        for each in visitors:
            await each.check(known)

    def _judge(
        self,
        data: Path,
        visitors: list[Visitor],
        town: Town,
        square: Square,
        used: dict[str, float],
    ) -> None:
        log, every = self.lives.server.log, self.lives.every
        jobs, excused = evidence.rows(data), evidence.given_up(log)
        promised = {job for each in visitors for job in (*each.accepted, *each.forgotten)}
        secrets = [town.discord.token, TOKEN, *town.discord.interactions]
        self.findings += [
            verdict.all_final(jobs),
            verdict.accepted_are_there(jobs, promised),
            verdict.failures_have_reasons(jobs),
            verdict.on_discord_once(jobs, town, excused),
            verdict.on_telegram_once(jobs, square, excused, evidence.perhaps_lost(log)),
            verdict.pictures_came_first(evidence.told_in(data, square.group.id), square),
            verdict.endings_are_told(jobs, town, square),
            verdict.everybody_was_answered(square, evidence.dropped(log)),
            verdict.few_were_silent(self.journal),
            verdict.budgets_are_right(data, used, BUDGET),
            verdict.nothing_strange(self.journal),
            verdict.platforms_are_content(town, square.telegram),
            verdict.memory_is_flat(every),
            verdict.handles_are_flat(every),
            verdict.database_is_intact(data),
            verdict.files_are_right(data),
            verdict.log_is_quiet(log),
            verdict.no_secret_in_log(log, secrets),
        ]

    def _town(
        self, discord: LoopbackDiscord, chance: random.Random
    ) -> tuple[Town, list[Member], Admin]:
        guild = discord.add_guild("town")
        art, talk = discord.add_channel(guild), discord.add_channel(guild, "talk")
        thread = discord.add_thread(art)
        town = Town(discord=discord, journal=self.journal, channels=(art, talk, thread))
        people = [discord.add_person(f"member{n}", art) for n in range(self.people)]
        ruler = discord.add_person("ruler", talk, discord.add_role(guild, "chief", ADMINISTRATOR))
        members = [Member(person=each, town=town, chance=_fork(chance)) for each in people]
        admin = Admin(person=ruler, town=town, chance=_fork(chance), others=tuple(people))
        return town, members, admin

    def _square(
        self, telegram: Telegram, chance: random.Random
    ) -> tuple[Square, list[Chatter], Owner, Rush]:
        owner = telegram.person("Owner")
        people = [
            telegram.person(f"Chatter{n}", language="de" if n % 3 == 2 else "en")
            for n in range(self.people)
        ]
        many = 2 * self.people if self.minutes >= 1 else 1  # it is worked off in minutes
        crowd = tuple(telegram.person(f"Passer{n}") for n in range(many))
        group = telegram.group("Square", owner, *people, *crowd)
        square = Square(telegram=telegram, journal=self.journal, group=group)
        chatters = [Chatter(person=each, square=square, chance=_fork(chance)) for each in people]
        made = Owner(person=owner, square=square, chance=_fork(chance), others=tuple(people))
        return square, chatters, made, Rush(people=crowd, square=square, chance=_fork(chance))


def _fork(chance: random.Random) -> random.Random:
    return random.Random(chance.getrandbits(64))


async def _forget_bytes(discord: LoopbackDiscord, telegram: Telegram) -> None:
    """Keep what was shown, and drop the bytes of what was shown long ago."""
    ages: dict[int, float] = {}
    while True:
        await asyncio.sleep(10.0)
        now = time.monotonic()
        for shown in discord.posts.files.values():
            if shown.data and now - ages.setdefault(id(shown), now) > KEPT_S:
                shown.data = b""
        for sent in telegram.world.files.by_id.values():
            if sent.data and now - ages.setdefault(id(sent), now) > KEPT_S:
                sent.data = b""
        for session in discord.gateway.sessions.values():
            del session.sent[:-500]
