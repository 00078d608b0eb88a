"""A desk with the Discord bot on it, in a simulated Discord; nothing leaves the process.

Members press and type through `simcord`: its clock stands still until a test moves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import simcord
from discord import app_commands

from bot.desk.delivery import Later
from bot.desk.parcel import Parcels
from bot.on_discord.bot import DiscordBot
from engine.errors import Refusal
from storage.job import JobState
from storage.jobs import Job
from storage.pictures import PictureRow
from tests.bot.desk import Desk, open_desk
from tests.fakes import GivenSettings

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
PATIENCE_S = 20.0


class Door:
    """The courier that the desk knows from its start: hands on to the bot that is there now."""

    platform = "discord"

    def __init__(self) -> None:
        self.bot: DiscordBot | None = None

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """As the bot's courier does."""
        if self.bot is None:
            raise Later(0.05)
        await self.bot.courier.deliver(job, pictures)


@dataclass(slots=True, kw_only=True)
class DiscordDesk:
    """The desk, the bot, and a server with a channel and three members: ann, bob, and mod.

    `payload` is laid over every interaction that Discord sends, such as `{"locale": "de"}`. mod
    may manage messages, boss the server.
    """

    desk: Desk
    bot: DiscordBot
    env: simcord.Env
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    ann: simcord.MemberActor
    bob: simcord.MemberActor
    mod: simcord.MemberActor
    boss: simcord.MemberActor
    payload: dict[str, Any] = field(default_factory=dict)
    _make: Any = None
    _seen: list[BaseException] = field(default_factory=list)
    _background: list[asyncio.Task[None]] = field(default_factory=list)

    async def imagine(
        self, prompt: str = "a fox", *, who: simcord.MemberActor | None = None, **options: Any
    ) -> simcord.InteractionResult:
        """`/imagine` in the channel, by ann unless somebody else is named."""
        return await (who or self.ann).slash(self.channel, "imagine", prompt=prompt, **options)

    async def job(self, nth: int = -1) -> Job:
        """The newest job of the database, or another one by its place in the order of asking."""
        found: list[Job] = []
        for number in range(1, 1000):
            try:
                found.append(await self.desk.jobs.by_id(number))
            except Exception:
                break
        return found[nth]

    async def delivered(self, nth: int = -1) -> Job:
        """That job once its asker was told how it ended."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                job = await self.job(nth)
                if job.delivered_at is not None:
                    return job
                await asyncio.sleep(0.01)

    async def painted(
        self, prompt: str = "a fox", *, who: simcord.MemberActor | None = None, **options: Any
    ) -> discord.Message:
        """The message of a job that was asked for and brought."""
        result = await self.imagine(prompt, who=who, **options)
        job = await self.delivered()
        assert job.state is JobState.DONE, job.error
        assert result.response is not None
        return result.response.message

    async def restart(self) -> None:
        """Another process of the bot, as after a kill: nothing in memory is left."""
        await self._stop()
        self.bot = self._make()
        await self.env.restart_bot(self.bot.client)
        await self._start()

    def faults(self) -> list[BaseException]:
        """What broke since the last look; refusals are no faults."""
        found = [_original(error) for error in self.env.errors]
        new = [e for e in found if not isinstance(e, Refusal) and e not in self._seen]
        self._seen += new
        return new

    async def _start(self) -> None:
        self._background = [asyncio.create_task(self.bot.status.run())]

    async def _stop(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)


@asynccontextmanager
async def open_discord(data: Path, **settings: Any) -> AsyncIterator[DiscordDesk]:
    """Everything at work: worker, deliverer, bot; settings as for `open_desk`."""
    clock = _Clock()
    door = Door()
    files = ThreadPoolExecutor(2)
    held = {name: settings.pop(name) for name in ("running", "warm", "painter") if name in settings}
    chosen = GivenSettings(**{"data": data, "model": "squares", **settings})
    async with open_desk(data, couriers=(door,), clock=clock, **held, **settings) as desk:

        def make() -> DiscordBot:
            made = DiscordBot(
                settings=chosen,
                studio=desk.studio,
                office=desk.office,
                jobs=desk.jobs,
                facts=desk.facts,
                announcer=desk.announcer,
                parcels=Parcels(pictures=desk.pictures, files=files, fitting=files),
                clock=clock,
            )
            made.counter.fetch = lambda url: made.client.http.get_from_cdn(url)  # its own machine
            door.bot = made
            return made

        bot = make()
        run = simcord.run(bot.client, shard_count=1, check_errors=False, strict_sync=False)
        async with run as env:
            clock.env = env
            opened = _people(env, desk, bot, make)
            _overlay(env, opened)
            await opened._start()
            try:
                yield opened
            finally:
                await opened._stop()
                files.shutdown()
            assert not opened.faults(), opened.faults()


def texts_of(message: Any) -> str:
    """All texts of a message, at any depth, with its plain content."""
    return "\n".join([message.content or "", *_texts(_components(message))]).strip()


def buttons_of(message: Any) -> dict[str, str]:
    """The buttons of a message: what stands on each, and the text it keeps."""
    found: dict[str, str] = {}
    for each in _walk(_components(message)):
        if each.get("type") == 2:
            label = each.get("label") or each.get("emoji", {}).get("name", "")
            found[label] = each.get("custom_id", each.get("url", ""))
    return found


def gallery_of(message: Any) -> list[dict[str, Any]]:
    """The pictures in the galleries of a message."""
    return [
        item
        for each in _walk(_components(message))
        if each.get("type") == 12
        for item in each["items"]
    ]


class _Clock:
    """The simulated Discord's clock, which starts before there is one."""

    def __init__(self) -> None:
        self.env: simcord.Env | None = None

    def __call__(self) -> float:
        return START if self.env is None else self.env.now().timestamp()


def _people(env: simcord.Env, desk: Desk, bot: DiscordBot, make: Any) -> DiscordDesk:
    guild = env.create_guild("Studio")
    mods = guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    bosses = guild.create_role(
        "bosses", permissions=discord.Permissions(manage_guild=True, manage_messages=True)
    )
    return DiscordDesk(
        desk=desk,
        bot=bot,
        env=env,
        guild=guild,
        channel=guild.create_text_channel("painting"),
        ann=guild.add_member(env.create_user("ann")),
        bob=guild.add_member(env.create_user("bob")),
        mod=guild.add_member(env.create_user("mod"), roles=[mods]),
        boss=guild.add_member(env.create_user("boss"), roles=[bosses]),
        _make=make,
    )


def _overlay(env: simcord.Env, opened: DiscordDesk) -> None:
    """Lay `opened.payload` over what Discord says of interactions."""
    emit = env.backend.emit

    def overlaid(event: str, payload: Any, *args: Any, **more: Any) -> Any:
        if event == "INTERACTION_CREATE":
            payload = {**payload, **opened.payload}
        return emit(event, payload, *args, **more)

    env.backend.emit = overlaid  # type: ignore[method-assign] # simcord has no knob for locales


def _original(error: BaseException) -> BaseException:
    return error.original if isinstance(error, app_commands.CommandInvokeError) else error


def _components(message: Any) -> list[dict[str, Any]]:
    raw = message.components
    return [each if isinstance(each, dict) else each.to_dict() for each in raw]


def _walk(components: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in components:
        found.append(each)
        found += _walk(each.get("components") or [])
        with suppress(KeyError):
            found += _walk([each["accessory"]])
    return found


def _texts(components: Any) -> list[str]:
    return [str(each["content"]) for each in _walk(components) if each.get("type") == 10]
