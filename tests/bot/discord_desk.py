"""A desk with the Discord bot on it, against the loopback Discord: real sockets, no commands."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from discord.http import handle_message_parameters

from bot.desk.parcel import DISCORD_REQUEST, Parcels
from bot.on_discord import layout
from bot.on_discord.bot import BotState, DiscordBot
from bot.on_discord.following import Pace
from bot.on_discord.where import TOKEN_LIFE_S, UPLOAD_LIMIT, Where
from bot.settings import Settings
from engine.request import Ask
from storage.jobs import Job
from storage.pictures import PictureRow
from tests.bot.desk import Desk, open_desk
from tests.fakes import GivenSettings, SquarePainter
from tests.loopback_discord import (
    Channel,
    Guild,
    Interaction,
    LoopbackDiscord,
    Message,
    Person,
    loopback_discord,
)
from tests.loopback_discord.people import COMMAND, MESSAGE
from tests.loopback_discord.posts import EPHEMERAL

QUICK = Pace(lane_s=0.01, step_s=0.02, lag_s=0.3)
"""Live edits as fast as the loopback takes them."""


@dataclass(slots=True)
class Door:
    """The courier of the bot that is there at the moment; a death takes its deliveries along."""

    platform: str = "discord"
    bot: DiscordBot | None = None
    underway: set[asyncio.Task[None]] = field(default_factory=set)
    tries: int = 0

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Hand over to whoever is there."""
        self.tries += 1
        assert self.bot is not None
        task = asyncio.create_task(self.bot.courier.deliver(job, pictures))
        self.underway.add(task)
        try:
            await task
        finally:
            self.underway.discard(task)


@dataclass(slots=True, kw_only=True)
class Asked:
    """A job, and how it was asked for."""

    job: Job
    where: Where
    interaction: Interaction

    @property
    def message(self) -> Message:
        """The first answer."""
        assert self.interaction.message is not None
        return self.interaction.message


@dataclass(slots=True, kw_only=True)
class DiscordDesk:
    """The desk, the bot on it, and the Discord it talks to."""

    desk: Desk
    server: LoopbackDiscord
    door: Door
    guild: Guild
    channel: Channel
    ann: Person
    make: Callable[[Settings], DiscordBot]
    settings: Settings
    """What the next bot gets."""
    bot: DiscordBot
    running: asyncio.Task[None]

    async def ask(
        self,
        prompt: str = "a fox",
        *,
        person: Person | None = None,
        channel: Channel | None = None,
        private: bool = False,
        hidden: bool = True,
        answered: bool = True,
        position: int = 0,
        **ask: Any,
    ) -> Asked:
        """Ask as a command does; without `answered`, the first answer is left to the test.

        Not `hidden`: a private job whose answer everybody sees, which no command makes.
        """
        person = person or self.ann
        place = channel or self.channel
        guild = place.guild
        interaction = self._interaction(person, place)
        where = Where(
            channel=place.id,
            asker=person.id,
            guild=guild.id if guild else None,
            ephemeral=private and hidden and guild is not None,
            member=guild is None or guild.bot_role is not None,
            limit=guild.limit if guild else UPLOAD_LIMIT,
        )
        if where.by_token:
            where = replace(
                where,
                application=self.server.bot.id,
                token=interaction.token,
                token_until=self.server.clock.now() + TOKEN_LIFE_S,
            )
        room = str(guild.id) if guild else f"dm:{person.id}"
        asker = await self.desk.studio.asker("discord", str(person.id), place=room)
        ticket = await self.desk.studio.paint(
            asker,
            Ask(prompt=prompt, **ask),
            key=f"discord:{interaction.id}",
            private=private,
            message=where.to_json(),
        )
        asked = Asked(job=ticket.job, where=where, interaction=interaction)
        if answered:
            await self.answer(asked, position=position)
        return asked

    async def answer(self, asked: Asked, *, position: int = 0) -> Message:
        """Give the first answer, and have its message followed."""
        found, where = asked.interaction, asked.where
        view = layout.waiting(asked.job, where, position=position or 1, eta_s=5.0, warming=False)
        hidden = EPHEMERAL if where.ephemeral else 0
        found.message = self.server.posts.create(
            handle_message_parameters(view=view).payload or {},
            {},
            channel=found.channel,
            author=self.server.bot,
            how="answer",
            only_for=found.person.user if hidden else None,
            flags=hidden,
            origin={"id": str(found.id), "type": COMMAND, "user": found.person.user.to_json()},
        )
        found.type = MESSAGE
        asked.where = replace(where, message=found.message.id)
        await self.bot.status.follow(asked.job, asked.where, position=position)
        return found.message

    async def delivered(self, asked: Asked) -> Job:
        """The job once nobody has to be told about it any more."""
        found: Job = await self.desk.until(lambda: self._delivered(asked.job))
        return found

    async def painted(self, asked: Asked) -> Job:
        """The job once it is over, delivered or not."""
        return await self.desk.outcome(asked.job)

    def posts(self, channel: Channel | None = None) -> list[Message]:
        """What the bot posted there beside first answers, deleted ones too."""
        place = channel or self.channel
        ours = [m for m in self.server.posts.every if m.author is self.server.bot]
        return [m for m in ours if m.channel is place and m.how == "channel"]

    async def die(self) -> None:
        """End the bot at once, with its deliveries, and start another one."""
        for task in tuple(self.door.underway):
            task.cancel()
        self.door.bot = None
        self.running.cancel()
        await asyncio.wait({self.running})
        self.bot = self.door.bot = self.make(self.settings)
        self.running = asyncio.create_task(self.bot.run())

    async def connected(self) -> None:
        """Wait until the gateway is there."""
        await self.desk.until(lambda: self.bot.state is BotState.connected)

    async def _delivered(self, job: Job) -> Job | None:
        now = await self.desk.jobs.by_id(job.id)
        return now if now.delivered_at is not None else None

    def _interaction(self, person: Person, place: Channel) -> Interaction:
        limit = place.guild.limit if place.guild else UPLOAD_LIMIT
        made = Interaction(
            id=self.server.clock.snowflake(),
            token=secrets.token_urlsafe(60),
            kind=COMMAND,
            person=person,
            channel=place,
            payload={"attachment_size_limit": limit, "authorizing_integration_owners": {}},
            created_at=self.server.clock.now(),
        )
        self.server.interactions[made.token] = made
        return made


@asynccontextmanager
async def open_discord(
    data: Path,
    *,
    shards: int = 1,
    painter: SquarePainter | None = None,
    request_limit: int = DISCORD_REQUEST,
    pace: Pace = QUICK,
    gateway: bool = True,
    patience_s: float = 10.0,
    **settings: Any,
) -> AsyncIterator[DiscordDesk]:
    """The whole thing, with a server, a channel and ann in it; the bot has logged in."""
    async with loopback_discord(shards=shards) as server:
        guild = server.add_guild()
        channel = server.add_channel(guild)
        ann = server.add_person("ann", channel)
        door = Door()
        given = {
            "discord_token": server.token,
            "discord_api_url": server.api_url,
            "discord_gateway_url": server.gateway_url if gateway else "ws://127.0.0.1:9/",
            **settings,
        }
        files = ThreadPoolExecutor(2)
        async with open_desk(
            data, painter=painter, couriers=(door,), clock=server.clock.now, **given
        ) as desk:

            def make(chosen: Settings) -> DiscordBot:
                made = DiscordBot(
                    settings=chosen,
                    studio=desk.studio,
                    office=desk.office,
                    jobs=desk.jobs,
                    facts=desk.facts,
                    announcer=desk.announcer,
                    parcels=Parcels(pictures=desk.pictures, files=files, fitting=files),
                    request_limit=request_limit,
                    pace=pace,
                    came_back=lambda: desk.deliverer.wake(back="discord"),
                    clock=server.clock.now,
                )
                door.bot = made
                return made

            chosen = GivenSettings(**{"data": data, "model": "squares", **given})
            bot = make(chosen)
            opened = DiscordDesk(
                desk=desk,
                server=server,
                door=door,
                guild=guild,
                channel=channel,
                ann=ann,
                make=make,
                settings=chosen,
                bot=bot,
                running=asyncio.create_task(bot.run()),
            )
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience_s):
                        await bot.reachable.wait()
                yield opened
            finally:
                await opened.bot.close()
                files.shutdown()
        assert not server.failures, server.failures
        assert not server.refusals, server.refusals


def names(message: Message) -> list[str]:
    """The files that people see in a message now."""
    return [file.name for file in message.shown()]
