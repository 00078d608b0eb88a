"""The HTTP API, version 10: every route that a bot of ours may call, and 404 for all others."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.loopback_discord import calls, errors, forms
from tests.loopback_discord.answers import Answers
from tests.loopback_discord.calls import Buckets, Call
from tests.loopback_discord.commands import check_command, check_commands
from tests.loopback_discord.errors import ApiError
from tests.loopback_discord.faults import Cut
from tests.loopback_discord.posts import CREATE, EDIT, Message, check_sizes
from tests.loopback_discord.world import (
    ATTACH,
    DM,
    HISTORY,
    MANAGE_MESSAGES,
    SEND,
    SEND_IN_THREADS,
    VIEW,
    Channel,
)

if TYPE_CHECKING:
    from tests.loopback_discord.server import LoopbackDiscord

BASE = "/api/v10"
ACKNOWLEDGED = 40060
"""The one 400 that an honest repeat may get."""
Handler = Callable[[Call], Awaitable[Any]]


class Api:
    """Finds the handler of a call, and what is asked before and after every handler."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        self._discord = discord
        self._answers = Answers(discord)
        self.log: list[Call] = []
        self.buckets = Buckets()
        table = [
            ("GET", "/gateway/bot", self.get_gateway, ""),
            ("GET", "/users/@me", self.get_me, ""),
            ("GET", "/users/{user}", self.get_user, ""),
            ("POST", "/users/@me/channels", self.open_dm, ""),
            ("GET", "/oauth2/applications/@me", self.get_application, ""),
            ("GET", "/applications/@me", self.get_application, ""),
            ("GET", "/applications/{app}/emojis", self.get_emojis, ""),
            ("GET", "/applications/{app}/commands", self.get_commands, "with_localizations"),
            ("PUT", "/applications/{app}/commands", self.put_commands, ""),
            ("POST", "/applications/{app}/commands", self.post_command, ""),
            (
                "GET",
                "/applications/{app}/guilds/{guild}/commands",
                self.get_commands,
                "with_localizations",
            ),
            ("PUT", "/applications/{app}/guilds/{guild}/commands", self.put_commands, ""),
            ("GET", "/guilds/{guild}", self.get_guild, "with_counts"),
            ("GET", "/guilds/{guild}/members/{user}", self.get_member, ""),
            ("GET", "/channels/{channel}", self.get_channel, ""),
            ("POST", "/channels/{channel}/typing", self.type, ""),
            (
                "GET",
                "/channels/{channel}/messages",
                self.get_messages,
                "around before after limit",
            ),
            ("POST", "/channels/{channel}/messages", self.create_message, ""),
            ("GET", "/channels/{channel}/messages/{message}", self.get_message, ""),
            ("PATCH", "/channels/{channel}/messages/{message}", self.edit_message, ""),
            ("DELETE", "/channels/{channel}/messages/{message}", self.delete_message, ""),
            *self._answers.table(),
        ]
        self._routes = [
            (method, re.compile(re.sub(r"\{(\w+)\}", _group, path) + "$"), handler, query.split())
            for method, path, handler, query in table
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every call under /api/v10."""
        call = Call(method=request.method, path=request.path.removeprefix(BASE))
        self.log.append(call)
        headers: dict[str, str] = {}
        try:
            handler, open_to_all = self._find(call, dict(request.query))
            await calls.read(request, call)
            if not open_to_all and request.headers.get("Authorization") != (
                f"Bot {self._discord.token}"
            ):
                raise errors.unauthorized()
            if call.route != "answer":
                major = call.ids.get("channel") or call.ids.get("token") or call.ids.get("guild")
                headers = self.buckets.take(f"{call.route} {major}")
            faults, body = self._discord.faults, call.body if isinstance(call.body, dict) else {}
            await faults.strike(call.route, body, committed=False)
            answer = await handler(call)
            await self._discord.posts.tell()
            await faults.strike(call.route, body, committed=True)
            call.status = 200 if answer is not None else 204
            return calls.write(200, answer, headers)
        except ApiError as error:
            call.status, call.code = error.status, error.code
            if error.status == 400 and error.code != ACKNOWLEDGED:
                self._discord.refusals.append(f"{call.method} {call.path}: {error}")
            return calls.write(error.status, error.body(), headers | error.headers)
        except Cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # nobody gets it

    def _find(self, call: Call, query: dict[str, str]) -> tuple[Handler, bool]:
        for method, path, handler, known in self._routes:
            found = path.match(call.path)
            if method == call.method and found:
                call.route, call.ids, call.query = handler.__name__, found.groupdict(), query
                for name in query:
                    if name not in known:
                        raise errors.unknown_field(name)
                return handler, handler.__self__ is self._answers
        self._discord.failures.append(f"unknown route {call.method} {call.path}")
        raise ApiError(404, 0, "404: Not Found")

    async def get_gateway(self, call: Call) -> Any:
        return {
            "url": self._discord.shown_gateway,
            "shards": self._discord.shards,
            "session_start_limit": {
                "total": 1000,
                "remaining": 999,
                "reset_after": 14_400_000,
                "max_concurrency": 1,
            },
        }

    async def get_me(self, call: Call) -> Any:
        return self._discord.bot.to_json() | {"verified": True, "mfa_enabled": True, "flags": 0}

    async def get_user(self, call: Call) -> Any:
        return self._discord.user(call.number("user")).to_json()

    async def open_dm(self, call: Call) -> Any:
        forms.fields({"recipient_id": forms.snowflake}, required=("recipient_id",))(call.body, "")
        return self._discord.dm(self._discord.user(int(call.form["recipient_id"]))).to_json()

    async def get_application(self, call: Call) -> Any:
        return self._discord.application()

    async def get_emojis(self, call: Call) -> Any:
        return {"items": []}

    async def get_commands(self, call: Call) -> Any:
        return self._discord.commands.get(self._scope(call), [])

    async def put_commands(self, call: Call) -> Any:
        scope = self._scope(call)
        check_commands(call.body)
        self._discord.syncs += 1
        self._discord.commands[scope] = [self._registered(each, scope) for each in call.body]
        return self._discord.commands[scope]

    async def post_command(self, call: Call) -> Any:
        check_command(call.body, "")
        made = self._registered(call.form, None)
        kept = self._discord.commands.get(None, [])
        self._discord.commands[None] = [e for e in kept if e["name"] != made["name"]] + [made]
        return made

    def _scope(self, call: Call) -> int | None:
        if int(call.ids["app"]) != self._discord.bot.id:
            raise errors.missing_access()
        if "guild" not in call.ids:
            return None
        if self._discord.guild(call.number("guild")).bot_role is None:
            raise errors.missing_access()
        return call.number("guild")

    def _registered(self, command: dict[str, Any], guild: int | None) -> dict[str, Any]:
        made = {
            "type": 1,
            "description": "",
            "nsfw": False,
            "contexts": None,
            "integration_types": [0],
            "default_member_permissions": None,
            "version": str(self._discord.clock.snowflake()),
            **command,
            "id": str(self._discord.clock.snowflake()),
            "application_id": str(self._discord.bot.id),
        }
        if made["default_member_permissions"] is not None:
            made["default_member_permissions"] = str(made["default_member_permissions"])
        return made | ({"guild_id": str(guild)} if guild else {})

    async def get_guild(self, call: Call) -> Any:
        guild = self._discord.guild(call.number("guild"))
        if guild.bot_role is None:
            raise errors.unknown_guild()
        return guild.to_json(self._discord.bot)

    async def get_member(self, call: Call) -> Any:
        guild = self._discord.guild(call.number("guild"))
        if guild.bot_role is None:
            raise errors.missing_access()
        if call.number("user") not in guild.members:
            raise errors.unknown_member()
        return guild.member_json(self._discord.user(call.number("user")))

    async def get_channel(self, call: Call) -> Any:
        return self._channel(call, VIEW).to_json()

    async def type(self, call: Call) -> Any:
        self._channel(call, VIEW | SEND)

    async def get_messages(self, call: Call) -> Any:
        channel = self._channel(call, VIEW)
        limit = int(call.query.get("limit", 50))
        forms.whole(1, 100)(limit, "limit")
        if self._here(channel) & HISTORY == 0:
            return []  # nothing is said: the list is just empty
        every = [m for m in self._discord.posts.every if m.channel is channel]
        kept = [m for m in every if not m.deleted and not m.ephemeral]
        kept.sort(key=lambda message: message.id, reverse=True)
        if "after" in call.query:
            later = [m for m in kept if m.id > int(call.query["after"])]
            kept = later[max(0, len(later) - limit) :]
        elif "before" in call.query:
            kept = [m for m in kept if m.id < int(call.query["before"])]
        elif "around" in call.query:
            middle = int(call.query["around"])
            later = [m for m in kept if m.id > middle][-(limit // 2) :]
            kept = later + [m for m in kept if m.id <= middle][: limit - len(later)]
        return [self._seen(message) for message in kept[:limit]]

    async def get_message(self, call: Call) -> Any:
        return self._seen(self._message(call, self._channel(call, VIEW | HISTORY)))

    async def create_message(self, call: Call) -> Any:
        discord, channel = self._discord, self._channel(call, VIEW)
        send = SEND_IN_THREADS if channel.parent else SEND
        if channel.kind == DM and not discord.can_write_to(channel):
            raise errors.closed_dm()
        if not self._here(channel) & send or (call.uploads and not self._here(channel) & ATTACH):
            raise errors.missing_permissions()
        forms.fields(CREATE)(call.form, "")
        check_sizes(call.uploads, channel.guild.limit if channel.guild else 10 * 1024 * 1024)
        reply_to = self._reply(channel, call.form.get("message_reference"))
        again = discord.posts.repeated(channel, call.form)
        if again is not None:
            return again.to_json()
        message = discord.posts.create(
            call.form,
            call.uploads,
            channel=channel,
            author=discord.bot,
            how="channel",
            reply_to=reply_to.id if reply_to else None,
        )
        mentions = call.form.get("allowed_mentions")
        if reply_to is not None and (mentions is None or mentions.get("replied_user")):
            message.pings.add(reply_to.author.id)
        return message.to_json()

    async def edit_message(self, call: Call) -> Any:
        channel = self._channel(call, VIEW)
        message = self._message(call, channel)
        if message.author is not self._discord.bot:
            raise errors.someone_elses()
        if call.uploads and not self._here(channel) & ATTACH:
            raise errors.missing_permissions()
        forms.fields(EDIT)(call.form, "")
        check_sizes(call.uploads, channel.guild.limit if channel.guild else 10 * 1024 * 1024)
        return self._discord.posts.edit(message, call.form, call.uploads).to_json()

    async def delete_message(self, call: Call) -> Any:
        channel = self._channel(call, VIEW)
        message = self._message(call, channel)
        others = message.author is not self._discord.bot
        if others and not self._here(channel) & MANAGE_MESSAGES:
            raise errors.missing_permissions()
        message.deleted = True

    def _reply(self, channel: Channel, reference: dict[str, Any] | None) -> Message | None:
        if reference is None:
            return None
        if not self._here(channel) & HISTORY:
            raise errors.reply_without_history()
        try:
            found = self._discord.posts.find(int(reference["message_id"]))
        except ApiError:
            found = None
        if found is None or found.channel is not channel or found.ephemeral:
            if reference.get("fail_if_not_exists", True):
                raise errors.form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            return None
        return found

    def _seen(self, message: Message) -> dict[str, Any]:
        """Others' messages are empty for a bot without the privileged intent."""
        made = message.to_json()
        if message.author is not self._discord.bot and message.channel.kind != DM:
            made |= {"content": "", "embeds": [], "attachments": [], "components": []}
        return made

    def _here(self, channel: Channel) -> int:
        """What the bot may do there."""
        if channel.guild is None:
            return VIEW | SEND | ATTACH | HISTORY
        return channel.guild.permissions(self._discord.bot, channel)

    def _channel(self, call: Call, needed: int) -> Channel:
        channel = self._discord.channel(call.number("channel"))
        held = self._here(channel)
        if not held & VIEW:
            raise errors.missing_access()
        if needed & ~held & HISTORY:
            raise errors.missing_access()
        if needed & ~held:
            raise errors.missing_permissions()
        return channel

    def _message(self, call: Call, channel: Channel) -> Message:
        message = self._discord.posts.find(call.number("message"))
        if message.channel is not channel or message.ephemeral:
            raise errors.unknown_message()
        return message


def _group(found: re.Match[str]) -> str:
    digits = found[1] not in ("token",)
    return rf"(?P<{found[1]}>\d+)" if digits else rf"(?P<{found[1]}>[^/]+)"
