"""The Discord bot: its client, how it starts and stays connected, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.desk.parcel import DISCORD_REQUEST
from bot.on_discord import commands
from bot.on_discord.counter import Counter
from bot.on_discord.courier import DiscordCourier
from bot.on_discord.following import Pace
from bot.on_discord.network import api_at, gateway_at, once_answered, plain_log
from bot.on_discord.parcel import Packer
from bot.on_discord.posting import Post, summary
from bot.on_discord.status import Status
from bot.on_discord.sync import sync

if TYPE_CHECKING:
    from bot.desk.announcer import Announcer
    from bot.desk.office import Office
    from bot.desk.parcel import Parcels
    from bot.desk.studio import Studio
    from bot.settings import Settings
    from storage.facts import Facts
    from storage.jobs import Jobs

log = structlog.get_logger(__name__)

FIRST_BACKOFF_S = 2.0
LAST_BACKOFF_S = 300.0
LONGEST_LIMIT_S = 30.0
"""A rate limit longer than this is told to whoever asked, instead of being waited for."""
_NOT_THERE = (
    discord.GatewayNotFound,
    discord.HTTPException,
    discord.RateLimited,
    aiohttp.ClientError,
    OSError,
)
REVOKED = 4004
"""The code with which the gateway closes on a token that does not hold any more."""


class BotState(StrEnum):
    """How the bot stands with Discord, as `/healthz` tells it."""

    connecting = "connecting"
    """Not reachable by members yet, or for the moment."""
    connected = "connected"
    refused = "refused"
    """Discord does not accept the token; nothing changes until a restart with another one."""


class DiscordBot:
    """Everything of Discord: `run` it as a task, `close` it at the end."""

    def __init__(
        self,
        *,
        settings: Settings,
        studio: Studio,
        office: Office,
        jobs: Jobs,
        parcels: Parcels,
        facts: Facts,
        announcer: Announcer,
        request_limit: int = DISCORD_REQUEST,
        pace: Pace | None = None,
        came_back: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._came_back = came_back
        self._sleep = sleep
        self._stumbles = 0
        self._task: asyncio.Task[None] | None = None
        self._registered = asyncio.Event()
        self.reachable = asyncio.Event()
        """Set while requests over HTTP are possible, whatever the gateway does."""
        self.state = BotState.connecting
        post = Post(lambda: self.client if self.reachable.is_set() else None)
        self.status = Status(post=post, jobs=jobs, announcer=announcer, clock=clock, pace=pace)
        packer = Packer(parcels, request_limit=request_limit)
        self.courier = DiscordCourier(
            post=post,
            status=self.status,
            jobs=jobs,
            packer=packer,
            titles=lambda: {model.name: model.title for model in studio.models()},
            clock=clock,
            pace=pace,
        )
        self.counter = Counter(
            studio=studio,
            office=office,
            status=self.status,
            post=post,
            packer=packer,
            servers=settings.discord_servers,
            clock=clock,
        )
        plain_log()
        once_answered()
        self.client = AtelierClient(self)

    def works_in(self, guild: int | None) -> bool:
        """Whether commands are served there; None is a direct message."""
        servers = self._settings.discord_servers
        return not servers or guild is None or guild in servers

    async def run(self) -> None:
        """Be connected until `close`; whatever goes wrong, the rest of Atelier goes on."""
        self._task = asyncio.current_task()
        with api_at(self._settings.discord_api_url):
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(self.status.run(), name="discord status"),
                    group.create_task(self._resume(), name="discord resume"),
                ]
                try:
                    await self._stay_connected()
                finally:
                    for task in beside:
                        task.cancel()

    async def close(self) -> None:
        """Leave Discord; jobs that were not delivered are delivered after the next start."""
        self.reachable.clear()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def logged_in(self) -> None:
        """The client has logged in: deliveries go out from now on, commands are made known."""
        self.reachable.set()
        self._came_back()
        await self._register()

    def connected(self) -> None:
        """The gateway is there (again)."""
        self._stumbles = 0
        self.state = BotState.connected
        self._came_back()

    def disconnected(self) -> None:
        """The gateway is away; discord.py brings it back by itself."""
        if self.state is BotState.connected:
            self.state = BotState.connecting

    async def _stay_connected(self) -> None:
        while True:
            try:
                async with self.client as client:
                    gateway_at(client, self._settings.discord_gateway_url)
                    await client.login(self._token)
                    await self._connect(client)
            except Exception as error:
                if _refuses(error):
                    self.state = BotState.refused
                    log.error(
                        "Discord does not accept ATELIER_DISCORD_TOKEN; "
                        "Atelier goes on without Discord"
                    )
                    return
                self._stumbles += 1
                log.warning("Discord cannot be reached", error=summary(error))
            finally:
                self.reachable.clear()
                self.disconnected()
            delay = min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(self._stumbles, 10))
            log.info("connecting to Discord again", in_s=delay)
            await self._sleep(delay)
            self.client = AtelierClient(self)  # one that was closed cannot be used again

    async def _connect(self, client: AtelierClient) -> None:
        """Hold the gateway; as long as it cannot be had, deliveries go on over HTTP."""
        async with asyncio.TaskGroup() as group:
            registering = group.create_task(self._keep_registering(), name="discord commands")
            try:
                while True:
                    try:
                        await client.connect()
                    except _NOT_THERE as error:
                        if client.is_closed() or _refuses(error):
                            raise
                        self._stumbles += 1
                        log.warning("the gateway cannot be found", error=summary(error))
                    if client.is_closed():
                        return
                    await self._sleep(min(60.0, FIRST_BACKOFF_S * 2.0 ** min(self._stumbles, 10)))
            finally:
                registering.cancel()

    async def _register(self) -> None:
        """Make the commands known; if that fails, `_keep_registering` tries again."""
        application = self.client.application_id
        assert application is not None
        self._registered.clear()
        try:
            await sync(
                self.client.tree,
                application=application,
                guild=self._settings.discord_guild,
                facts=self._facts,
            )
        except Exception as error:
            log.warning("the commands could not be registered", error=summary(error))
        else:
            self._registered.set()

    async def _keep_registering(self) -> None:
        delay = FIRST_BACKOFF_S
        while not self._registered.is_set():
            delay = min(LAST_BACKOFF_S, delay * 2)
            await self._sleep(delay)
            await self._register()

    async def _resume(self) -> None:
        try:
            await self.status.resume()
        except Exception:
            log.exception("the messages of waiting jobs are not kept moving")

    @property
    def _token(self) -> str:
        token = self._settings.discord_token
        return "" if token is None else token.get_secret_value().strip()


class AtelierClient(discord.AutoShardedClient):
    """discord.py's client with our commands: slash commands only, no privileged intents."""

    def __init__(self, bot: DiscordBot, **options: Any) -> None:
        super().__init__(
            intents=_intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=LONGEST_LIMIT_S,
            **options,
        )
        self._bot = bot
        self._there: set[int] = set()
        self.counter = bot.counter
        self.tree = app_commands.CommandTree(self)
        commands.install(self)

    async def setup_hook(self) -> None:
        """Logged in, not connected yet."""
        await self._bot.logged_in()

    async def on_shard_ready(self, shard: int) -> None:
        """A shard has a new session."""
        self._is_back(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        """A shard has its old session again."""
        self._is_back(shard)

    async def on_shard_disconnect(self, shard: int) -> None:
        """A shard is away for the moment."""
        self._there.discard(shard)
        self._bot.disconnected()

    def _is_back(self, shard: int) -> None:
        self._there.add(shard)
        if len(self._there) >= (self.shard_count or 1):
            self._bot.connected()


def _intents() -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = True
    return intents


def _refuses(error: BaseException) -> bool:
    """Whether Discord has said that the token is wrong."""
    if isinstance(error, BaseExceptionGroup):
        return any(_refuses(each) for each in error.exceptions)
    if isinstance(error, discord.HTTPException) and error.status == 401:
        return True
    if isinstance(error, discord.GatewayNotFound) and error.__cause__ is not None:
        return _refuses(error.__cause__)
    revoked = isinstance(error, discord.ConnectionClosed) and error.code == REVOKED
    return revoked or isinstance(error, discord.LoginFailure)
