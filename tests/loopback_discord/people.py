"""People at their clients: commands, buttons, modals; each waits for the bot's answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.loopback_discord import commands as registered
from tests.loopback_discord import components as parts
from tests.loopback_discord.posts import EPHEMERAL, Message
from tests.loopback_discord.world import DM, EVERYONE, MIB, Channel, Role, User

if TYPE_CHECKING:
    from tests.loopback_discord.server import LoopbackDiscord

COMMAND, COMPONENT, COMPLETE, MODAL = 2, 3, 4, 5
MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, OPEN_MODAL = 4, 5, 6, 7, 8, 9
IN_DM = 442_368
"""The bot's permissions in a DM, as Discord gives them: neither "view" nor "send" among them."""
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Upload:
    """A file given with a command."""

    name: str
    data: bytes


@dataclass(kw_only=True, eq=False)
class Interaction:
    """One gesture, and what became of it."""

    id: int
    token: str
    kind: int
    person: Person
    channel: Channel
    payload: dict[str, Any]
    created_at: float
    source: Message | None = None
    """The message whose button was pressed."""
    sent: float = 0.0
    took_s: float | None = None
    """From the gateway's event to the answer."""
    type: int | None = None
    """Type of the answer; None while there is none."""
    message: Message | None = None
    """What "@original" is."""
    followups: list[Message] = field(default_factory=list)
    modal: dict[str, Any] | None = None
    choices: list[dict[str, Any]] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    refusals: list[str] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        return self.message is not None and self.message.ephemeral

    @property
    def text(self) -> str:
        """All that the answer says."""
        assert self.message is not None, "there is no message in this answer"
        return self.message.text


@dataclass(kw_only=True, eq=False)
class Person:
    """Somebody with a client, usually in one channel."""

    user: User
    discord: LoopbackDiscord
    channel: Channel
    installed: bool = False
    """Whether they have the bot installed to themselves."""

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def mention(self) -> str:
        return f"<@{self.user.id}>"

    @property
    def dm(self) -> Channel:
        """Their conversation with the bot."""
        return self.discord.dm(self.user)

    def give(self, role: Role) -> None:
        """Have that role from now on."""
        assert self.channel.guild is not None
        self.channel.guild.members[self.user.id].add(role.id)

    def inbox(self) -> list[Message]:
        """What the bot wrote to them by DM and is still there."""
        return [m for m in self.dm_messages() if not m.deleted]

    def dm_messages(self) -> list[Message]:
        """All that the bot ever posted to them by DM."""
        every = self.discord.posts.every
        return [m for m in every if m.channel.recipient is self.user and not m.ephemeral]

    async def slash(
        self, name: str, /, *, channel: Channel | None = None, wait: bool = True, **options: Any
    ) -> Interaction:
        """Give a slash command ("atelier pause" for one in a group) and wait for the answer."""
        place = channel or self.channel
        command, data = self._command(name, place, options, focus=None)
        self._may_see(command, place)
        return await self._send(COMMAND, data, place, wait=wait)

    async def complete(
        self, name: str, option: str, typed: str, *, channel: Channel | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        """What is offered while they type into an option."""
        place = channel or self.channel
        _, data = self._command(name, place, {**options, option: typed}, focus=option)
        return (await self._send(COMPLETE, data, place)).choices

    async def menu(self, name: str, message: Message, *, wait: bool = True) -> Interaction:
        """A message's context menu."""
        command = self._registered(name, registered.ON_MESSAGE, message.channel)
        self._may_see(command, message.channel)
        data = {
            "id": command["id"],
            "name": name,
            "type": registered.ON_MESSAGE,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): message.to_json(interaction=True)}},
        }
        return await self._send(COMMAND, data, message.channel, wait=wait)

    async def press(
        self, message: Message, button: str, *, values: list[str] | None = None, wait: bool = True
    ) -> Interaction:
        """Press the button (or choose in the select) of that label, emoji or custom id."""
        assert not message.deleted, "the message is gone"
        assert message.only_for in (None, self.user), "they cannot see that message"
        found = _find(message, button)
        assert not found.get("disabled"), f"{button!r} is disabled"
        data: dict[str, Any] = {
            "custom_id": found["custom_id"],
            "component_type": found["type"],
            "id": found["id"],
        }
        if found["type"] in parts.SELECTS:
            data["values"] = values or []
        return await self._send(COMPONENT, data, message.channel, source=message, wait=wait)

    async def submit(
        self, interaction: Interaction, *, wait: bool = True, **values: Any
    ) -> Interaction:
        """Fill in the modal that this interaction opened; fields not named keep their value."""
        assert interaction.modal is not None, "no modal was opened"
        left = dict(values)
        rows = [_filled(each, left) for each in interaction.modal["components"]]
        assert not left, f"the modal has no field {sorted(left)}"
        data = {"custom_id": interaction.modal["custom_id"], "components": rows, "resolved": {}}
        return await self._send(
            MODAL, data, interaction.channel, source=interaction.source, wait=wait
        )

    def _command(
        self, name: str, place: Channel, options: dict[str, Any], *, focus: str | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        top, *path = name.split()
        command = self._registered(top, registered.SLASH, place)
        known, wrap = command.get("options") or [], []
        for step in path:
            sub = next((each for each in known if each["name"] == step), None)
            assert sub is not None, f"/{name} is not registered"
            wrap.append((sub["type"], step))
            known = sub.get("options") or []
        kinds = (registered.SUB, registered.GROUP)
        assert all(each["type"] not in kinds for each in known), f"/{name} needs a sub-command"
        resolved: dict[str, Any] = {}
        given = self._options(name, known, options, focus, resolved)
        for kind, step in reversed(wrap):
            given = [{"type": kind, "name": step, "options": given}]
        data: dict[str, Any] = {"id": command["id"], "name": top, "type": registered.SLASH}
        if given:
            data["options"] = given
        if resolved:
            data["resolved"] = resolved
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        return command, data

    def _registered(self, name: str, kind: int, place: Channel) -> dict[str, Any]:
        command = self.discord.command(name, kind, place.guild)
        assert command is not None, f"{name!r} is not registered here"
        return command

    def _may_see(self, command: dict[str, Any], place: Channel) -> None:
        contexts, name = command.get("contexts"), command["name"]
        context = 1 if place.kind == DM else 0
        assert contexts is None or context in contexts, f"{name!r} is not offered there"
        if place.guild is not None and place.guild.bot_role is None:
            assert self.installed, "nobody installed the bot here"
            assert 1 in (command.get("integration_types") or [0]), f"{name!r}: servers only"
        needed = command.get("default_member_permissions")
        if needed is not None and place.guild is not None:
            held = place.guild.permissions(self.user, place)
            assert held & int(needed) == int(needed), f"{name!r} is hidden from them"

    def _options(
        self,
        name: str,
        known: list[dict[str, Any]],
        options: dict[str, Any],
        focus: str | None,
        resolved: dict[str, Any],
    ) -> list[dict[str, Any]]:
        by_name = {each["name"]: each for each in known}
        assert set(options) <= set(by_name), f"/{name} has only {sorted(by_name)}"
        if focus is None:
            missing = [e["name"] for e in known if e.get("required") and e["name"] not in options]
            assert not missing, f"/{name} needs {missing}"
        made = []
        for key, value in options.items():
            option = by_name[key]
            one = {"type": option["type"], "name": key, "value": self._value(value, resolved)}
            if key == focus:
                assert option.get("autocomplete"), f"{key} of /{name} completes nothing"
                one["focused"] = True
            else:
                _fits(name, option, value)
            made.append(one)
        return made

    def _value(self, value: Any, resolved: dict[str, Any]) -> Any:
        if isinstance(value, Upload):
            file = self.discord.posts.keep(value.name, value.data)
            resolved.setdefault("attachments", {})[str(file.id)] = file.to_json() | {
                "ephemeral": True
            }
            return str(file.id)
        if isinstance(value, Person):
            resolved.setdefault("users", {})[str(value.id)] = value.user.to_json()
            guild = self.channel.guild
            if guild is not None and value.id in guild.members:
                member = guild.member_json(value.user, self.channel)
                member.pop("user")
                resolved.setdefault("members", {})[str(value.id)] = member
            return str(value.id)
        if isinstance(value, Role):
            resolved.setdefault("roles", {})[str(value.id)] = value.to_json()
            return str(value.id)
        if isinstance(value, Channel):
            resolved.setdefault("channels", {})[str(value.id)] = value.to_json() | {
                "permissions": "0"
            }
            return str(value.id)
        return value

    async def _send(
        self,
        kind: int,
        data: dict[str, Any],
        place: Channel,
        *,
        source: Message | None = None,
        wait: bool = True,
    ) -> Interaction:
        number = self.discord.clock.snowflake()
        token = secrets.token_urlsafe(60)
        payload = self._payload(number, token, kind, data, place)
        if source is not None:
            payload["message"] = source.to_json(interaction=True)
            if source.ephemeral:
                payload["message"]["flags"] |= EPHEMERAL
        made = Interaction(
            id=number,
            token=token,
            kind=kind,
            person=self,
            channel=place,
            payload=payload,
            created_at=self.discord.clock.now(),
            source=source,
        )
        self.discord.interactions[token] = made
        made.sent = time.perf_counter()
        await self.discord.gateway.dispatch(
            "INTERACTION_CREATE", payload, guild=place.guild.id if place.guild else 0
        )
        if wait:
            await self.discord.answer_to(made, PATIENCE_S)
        return made

    def _payload(
        self, number: int, token: str, kind: int, data: dict[str, Any], place: Channel
    ) -> dict[str, Any]:
        guild, bot = place.guild, self.discord.bot
        made: dict[str, Any] = {
            "id": str(number),
            "application_id": str(bot.id),
            "type": kind,
            "data": data,
            "token": token,
            "version": 1,
            "channel_id": str(place.id),
            "channel": place.to_json(),
            "locale": self.user.locale,
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": guild.limit if guild else 10 * MIB,
        }
        if self.installed:
            made["authorizing_integration_owners"]["1"] = str(self.id)
        if guild is None:
            made["authorizing_integration_owners"]["0"] = "0"
            return made | {
                "context": 1,
                "user": self.user.to_json(),
                "app_permissions": str(IN_DM),
            }
        assert self.id in guild.members, "they are not in that server"
        here = guild.bot_role is not None
        if here:
            made["authorizing_integration_owners"]["0"] = str(guild.id)
        permissions = guild.permissions(bot, place) if here else EVERYONE
        made["channel"]["permissions"] = str(guild.permissions(self.user, place))
        return made | {
            "context": 0,
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": guild.member_json(self.user, place),
            "app_permissions": str(permissions),
        }


def _find(message: Message, wanted: str) -> dict[str, Any]:
    for match in ("custom_id", "label", "placeholder"):
        for each in message.buttons():
            if each.get(match) == wanted:
                return each
    for each in message.buttons():
        if (each.get("emoji") or {}).get("name") == wanted:
            return each
    raise AssertionError(f"no {wanted!r} among {message.labels()} {message.custom_ids()}")


def _fits(name: str, option: dict[str, Any], value: Any) -> None:
    """A client sends nothing else than what the option allows."""
    kind, what = option["type"], f"{option['name']} of /{name}"
    types: dict[int, type | tuple[type, ...]] = {
        registered.STRING: str,
        registered.INTEGER: int,
        registered.BOOLEAN: bool,
        registered.USER: Person,
        registered.CHANNEL: Channel,
        registered.ROLE: Role,
        registered.MENTIONABLE: (Person, Role),
        registered.NUMBER: (int, float),
        registered.FILE: Upload,
    }
    assert isinstance(value, types[kind]), f"{what} is not {value!r}"
    if option.get("choices"):
        assert value in [choice["value"] for choice in option["choices"]], f"{what}: a choice"
    if isinstance(value, str):
        assert option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000), what
    elif isinstance(value, int | float) and not isinstance(value, bool):
        assert option.get("min_value", value) <= value <= option.get("max_value", value), what


def _filled(row: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    if row["type"] == parts.TEXT:
        return {"type": parts.TEXT, "id": row.get("id", 0)}
    children = row["components"] if row["type"] == parts.ROW else [row["component"]]
    made = []
    for each in children:
        one = {"type": each["type"], "id": each.get("id", 0), "custom_id": each["custom_id"]}
        name = next((n for n in (each["custom_id"], row.get("label")) if n in values), None)
        if each["type"] == parts.INPUT:
            value = str(values.pop(name)) if name else str(each.get("value") or "")
            assert value or not each.get("required", True), f"{each['custom_id']} is required"
            assert len(value) <= (each.get("max_length") or 4000), "too long for the field"
            one["value"] = value
        elif each["type"] == parts.CHECK:
            one["value"] = values.pop(name) if name else each.get("default", False)
        elif each["type"] == parts.RADIO:
            one["value"] = values.pop(name) if name else None
        else:
            defaults = [o["value"] for o in each.get("options", []) if o.get("default")]
            one["values"] = values.pop(name) if name else defaults
        made.append(one)
    if row["type"] == parts.ROW:
        return {"type": parts.ROW, "id": row.get("id", 0), "components": made}
    return {"type": parts.LABEL, "id": row.get("id", 0), "component": made[0]}
