"""The loopback Discord itself: starts both servers on one port, and what tests do with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import web

from tests.loopback_discord import errors
from tests.loopback_discord.api import BASE, Api
from tests.loopback_discord.calls import MOST_BODY
from tests.loopback_discord.clock import Clock
from tests.loopback_discord.faults import Fault, Faults
from tests.loopback_discord.gateway import ASTRAY, Gateway
from tests.loopback_discord.people import Interaction, Person
from tests.loopback_discord.posts import Message, Posts, galleries
from tests.loopback_discord.world import DM, EVERYONE, TEXT, THREAD, Channel, Guild, Role, User

PATIENCE_S = 90.0
Found = TypeVar("Found")


class LoopbackDiscord:
    """One Discord with one application. Everything a test may do to it or ask it."""

    def __init__(self, *, honest: bool = False, shards: int = 1) -> None:
        self.clock = Clock()
        self.bot = User(id=self.clock.snowflake(), name="atelier", bot=True)
        self.token = f"{self.bot.id}.Gabcde.not-a-secret-of-anybody-{self.bot.id % 9973}"
        self.shards, self._honest = shards, honest
        self.failures: list[str] = []
        """What no bot should do, whatever it is answered: unknown routes, wrong IDENTIFYs."""
        self.refusals: list[str] = []
        """Every 400 that was given, but for answers that stood already."""
        self.missed: list[Interaction] = []
        self.syncs = 0
        self.commands: dict[int | None, list[dict[str, Any]]] = {}
        self.interactions: dict[str, Interaction] = {}
        self.guilds: dict[int, Guild] = {}
        self.faults = Faults()
        self.posts = Posts(self.clock, lambda number, name: f"{self.url}/cdn/{number}/{name}")
        self.gateway = Gateway(
            token=self.token,
            ready=lambda: {
                "user": self.bot.to_json(),
                "application": {"id": str(self.bot.id), "flags": 0},
            },
            guilds=lambda: [g.to_json(self.bot) for g in self.guilds.values() if g.bot_role],
            failures=self.failures,
        )
        self.api = Api(self)
        self.url = ""
        self._users: dict[int, User] = {self.bot.id: self.bot}
        self._people: dict[int, Person] = {}
        self._dms: dict[int, Channel] = {}
        self._gone: set[int] = set()
        self._runner: web.AppRunner | None = None

    @property
    def api_url(self) -> str:
        """For ATELIER_DISCORD_API_URL."""
        return self.url + BASE

    @property
    def gateway_url(self) -> str:
        """For ATELIER_DISCORD_GATEWAY_URL."""
        return self.url.replace("http", "ws") + "/gateway/"

    @property
    def shown_gateway(self) -> str:
        """What /gateway/bot says: nowhere, unless honest."""
        return self.gateway_url if self._honest else ASTRAY

    @property
    def settings(self) -> dict[str, str]:
        """The settings that lead Atelier here."""
        return {
            "ATELIER_DISCORD_TOKEN": self.token,
            "ATELIER_DISCORD_API_URL": self.api_url,
            "ATELIER_DISCORD_GATEWAY_URL": self.gateway_url,
        }

    async def start(self) -> None:
        """Listen on a free port of the loopback address."""
        app = web.Application(client_max_size=MOST_BODY)
        app.router.add_route("*", BASE + "/{rest:.*}", self.api.handle)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/cdn/{number}/{name}", self._download)
        app.router.add_route("*", "/{rest:.*}", self._nowhere)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.gateway.resume_url = self.gateway_url if self._honest else ASTRAY

    async def stop(self) -> None:
        """Close every socket."""
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # -- what there is

    def add_guild(
        self, name: str = "the studio", *, invited: bool = True, permissions: int = EVERYONE
    ) -> Guild:
        """A server; `permissions` are those of the bot's own role and of everybody."""
        number = self.clock.snowflake()
        owner = self._user("owner")
        everyone = Role(id=number, name="@everyone", permissions=permissions)
        guild = Guild(id=number, name=name, owner=owner, everyone=everyone)
        guild.members[owner.id] = set()
        self.guilds[number] = guild
        if invited:
            guild.bot_role = self.add_role(guild, "atelier", permissions)
            guild.members[self.bot.id] = {guild.bot_role.id}
        return guild

    def add_role(self, guild: Guild, name: str, permissions: int = 0) -> Role:
        """A role of that server."""
        role = Role(id=self.clock.snowflake(), name=name, permissions=permissions)
        guild.roles[role.id] = role
        return role

    def add_channel(self, guild: Guild, name: str = "art", *, nsfw: bool = False) -> Channel:
        """A text channel of that server."""
        made = Channel(id=self.clock.snowflake(), kind=TEXT, name=name, guild=guild, nsfw=nsfw)
        guild.channels[made.id] = made
        return made

    def add_thread(self, parent: Channel, name: str = "talk") -> Channel:
        """A public thread of that channel."""
        assert parent.guild is not None
        made = Channel(
            id=self.clock.snowflake(), kind=THREAD, name=name, guild=parent.guild, parent=parent
        )
        parent.guild.channels[made.id] = made
        return made

    def add_person(
        self,
        name: str,
        channel: Channel | None = None,
        *roles: Role,
        locale: str = "en-GB",
        open_dm: bool = True,
        installed: bool = False,
    ) -> Person:
        """Somebody, a member of the channel's server; without a channel they write by DM."""
        user = self._user(name)
        user.locale, user.open_dm = locale, open_dm
        place = channel or self.dm(user)
        made = Person(user=user, discord=self, channel=place, installed=installed)
        self._people[user.id] = made
        if place.guild is not None:
            place.guild.members[user.id] = {role.id for role in roles}
            place.guild.people[user.id] = user
        return made

    def dm(self, user: User) -> Channel:
        """The conversation of that person with the bot."""
        if user.id not in self._dms:
            self._dms[user.id] = Channel(id=self.clock.snowflake(), kind=DM, recipient=user)
        return self._dms[user.id]

    def can_write_to(self, channel: Channel) -> bool:
        """Whether the bot's messages reach that person."""
        user = channel.recipient
        assert user is not None
        shared = any(g.bot_role and user.id in g.members for g in self.guilds.values())
        person = self._people.get(user.id)
        return user.open_dm and (shared or (person is not None and person.installed))

    def user(self, number: int) -> User:
        """An account by id. Raises `ApiError` (10013)."""
        if number not in self._users:
            raise errors.unknown_user()
        return self._users[number]

    def guild(self, number: int) -> Guild:
        """A server by id. Raises `ApiError` (10004)."""
        if number not in self.guilds:
            raise errors.unknown_guild()
        return self.guilds[number]

    def channel(self, number: int) -> Channel:
        """A channel by id. Raises `ApiError` (10003)."""
        for guild in self.guilds.values():
            if number in guild.channels and number not in self._gone:
                return guild.channels[number]
        for channel in self._dms.values():
            if channel.id == number:
                return channel
        raise errors.unknown_channel()

    def command(self, name: str, kind: int, guild: Guild | None) -> dict[str, Any] | None:
        """A command as the bot registered it there."""
        scopes = [self.commands.get(guild.id, [])] if guild is not None else []
        for scope in (*scopes, self.commands.get(None, [])):
            for command in scope:
                if command["name"] == name and command["type"] == kind:
                    return command
        return None

    def application(self) -> dict[str, Any]:
        """What login asks for."""
        return {
            "id": str(self.bot.id),
            "name": "Atelier",
            "description": "",
            "icon": None,
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": 0,
            "team": None,
            "owner": self._user("operator").to_json(),
            "summary": "",
            "integration_types_config": {"0": {}, "1": {}},
        }

    # -- what happens

    async def deny(self, channel: Channel, bits: int, whom: int | None = None) -> None:
        """Take rights away in a channel from everybody (or from one role or person)."""
        assert channel.guild is not None
        key = whom or channel.guild.id
        channel.denied[key] = channel.denied.get(key, 0) | bits
        await self.gateway.dispatch("CHANNEL_UPDATE", channel.to_json(), guild=channel.guild.id)

    async def delete_channel(self, channel: Channel) -> None:
        """A moderator deletes the channel."""
        assert channel.guild is not None
        self._gone.add(channel.id)
        await self.gateway.dispatch("CHANNEL_DELETE", channel.to_json(), guild=channel.guild.id)

    def delete(self, message: Message) -> None:
        """A moderator deletes a message."""
        message.deleted = True

    def say(self, person: Person, text: str, *files: tuple[str, bytes]) -> Message:
        """Somebody writes a message of their own."""
        uploads = dict(enumerate(files))
        given = {"channel": person.channel, "author": person.user, "how": "channel"}
        return self.posts.create({"content": text}, uploads, **given)

    async def replay(self, interaction: Interaction) -> None:
        """The gateway sends that event once more."""
        guild = interaction.channel.guild
        await self.gateway.dispatch(
            "INTERACTION_CREATE", interaction.payload, guild=guild.id if guild else 0
        )

    async def answer_to(self, interaction: Interaction, patience_s: float = 20.0) -> None:
        """Wait for the first answer; without one, the test fails and says what was refused."""
        try:
            async with asyncio.timeout(patience_s):
                await interaction.answered.wait()
        except TimeoutError:
            said = interaction.refusals or self.refusals[-3:]
            raise AssertionError(f"no answer to {interaction.payload['data']}: {said}") from None

    def fault(self, fault: Fault) -> Fault:
        """Plan some trouble."""
        return self.faults.add(fault)

    # -- what was posted

    async def until(self, look: Callable[[], Found], patience_s: float = PATIENCE_S) -> Found:
        """What `look` returns, once that is true; asked again whenever something was posted."""
        ends = time.monotonic() + patience_s
        while not (found := look()):
            left = ends - time.monotonic()
            assert left > 0, f"waited {patience_s} s for {look}; {self.summary()}"
            async with self.posts.changed:
                try:
                    async with asyncio.timeout(min(left, 0.5)):
                        await self.posts.changed.wait()
                except TimeoutError:
                    continue
        return found

    async def painted(self, message: Message, patience_s: float = PATIENCE_S) -> Message:
        """That message, once it has a gallery of pictures."""
        await self.until(lambda: galleries(message.now), patience_s)
        return message

    def showing(self, words: str) -> list[Message]:
        """Every message of the bot that ever had a gallery with a picture of these words."""
        return [
            message
            for message in self.posts.every
            if message.author is self.bot
            and message.ever(lambda v: any(words in w for w in galleries(v)))
        ]

    def saying(self, words: str) -> list[Message]:
        """Every message of the bot in which that could ever be read, or was in a custom id."""
        return [
            message
            for message in self.posts.every
            if message.author is self.bot
            and message.ever(lambda v: words in v.text or words in str(v.components))
        ]

    def summary(self) -> str:
        """What was posted and what was refused, for a failing test."""
        lines = [f"{m.how} {m.channel.name} {m.text!r} {m.labels()}" for m in self.posts.every[-6:]]
        asked = [f"{c.method} {c.path[:80]} {c.status}/{c.code}" for c in self.api.log[-12:]]
        return "\n".join(["", *lines, *asked, *self.refusals[-5:], *self.failures[-5:]])

    def calls(self, route: str) -> list[tuple[int, int]]:
        """Status and code of every call of that handler."""
        return [(call.status, call.code) for call in self.api.log if call.route == route]

    def check(self) -> None:
        """Fail when the bot did what no bot should do."""
        assert not self.failures, self.failures
        assert not self.refusals, self.refusals
        assert not self.posts.dropped, self.posts.dropped
        assert not self.missed, [each.payload["data"] for each in self.missed]

    def _user(self, name: str) -> User:
        made = User(id=self.clock.snowflake(), name=name)
        self._users[made.id] = made
        return made

    async def _download(self, request: web.Request) -> web.Response:
        file = self.posts.files.get(int(request.match_info["number"]))
        if file is None or file.name != request.match_info["name"]:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.data, content_type=file.content_type)

    async def _nowhere(self, request: web.Request) -> web.Response:
        self.failures.append(f"unknown address {request.method} {request.path}")
        return web.Response(status=404)


@asynccontextmanager
async def loopback_discord(
    *, honest: bool = False, shards: int = 1
) -> AsyncIterator[LoopbackDiscord]:
    """A running one; `honest` for plain clients, which go where /gateway/bot sends them."""
    made = LoopbackDiscord(honest=honest, shards=shards)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
