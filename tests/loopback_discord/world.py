"""Who and what there is: servers, channels, roles, people, and what each may do where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VIEW, SEND, EMBED, ATTACH, HISTORY = 1 << 10, 1 << 11, 1 << 14, 1 << 15, 1 << 16
MANAGE_SERVER, MANAGE_MESSAGES, ADMINISTRATOR = 1 << 5, 1 << 13, 1 << 3
SEND_IN_THREADS, COMMANDS, EXTERNAL_EMOJI = 1 << 38, 1 << 31, 1 << 18
EVERYONE = VIEW | SEND | EMBED | ATTACH | HISTORY | SEND_IN_THREADS | COMMANDS
ALL = (1 << 53) - 1
TEXT, DM, THREAD = 0, 1, 11
MIB = 1024 * 1024


@dataclass(kw_only=True)
class User:
    """An account."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-GB"
    open_dm: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0",
            "global_name": self.name.title(),
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
        }


@dataclass(kw_only=True)
class Role:
    """A role, as the bits that it allows."""

    id: int
    name: str
    permissions: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "icon": None,
            "unicode_emoji": None,
            "position": 0,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }


@dataclass(kw_only=True)
class Channel:
    """A text channel, a thread of one, or a conversation with one person."""

    id: int
    kind: int
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    recipient: User | None = None
    nsfw: bool = False
    denied: dict[int, int] = field(default_factory=dict)
    """Bits taken away here, by the id of a role or person; the server's id means everybody."""
    last_message: int | None = None

    def to_json(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": str(self.id),
            "type": self.kind,
            "last_message_id": str(self.last_message) if self.last_message else None,
            "flags": 0,
        }
        if self.recipient is not None:
            return made | {"recipients": [self.recipient.to_json()]}
        assert self.guild is not None
        made |= {"name": self.name, "guild_id": str(self.guild.id), "rate_limit_per_user": 0}
        if self.parent is not None:
            return made | {
                "parent_id": str(self.parent.id),
                "owner_id": str(self.guild.owner.id),
                "message_count": 0,
                "member_count": 1,
                "thread_metadata": {
                    "archived": False,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": "2026-01-01T00:00:00+00:00",
                    "locked": False,
                },
            }
        return made | {
            "position": 0,
            "nsfw": self.nsfw,
            "topic": None,
            "parent_id": None,
            "permission_overwrites": [
                {
                    "id": str(whom),
                    "type": 1 if whom in self.guild.members else 0,
                    "allow": "0",
                    "deny": str(bits),
                }
                for whom, bits in self.denied.items()
            ],
        }


@dataclass(kw_only=True)
class Guild:
    """A server; `bot_role` is None where the bot was never invited."""

    id: int
    name: str
    owner: User
    everyone: Role
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, set[int]] = field(default_factory=dict)
    """Role ids by person."""
    people: dict[int, User] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    bot_role: Role | None = None
    limit: int = 10 * MIB
    """Bytes a file may have here."""

    def permissions(self, user: User, channel: Channel) -> int:
        """What that person may do in that channel."""
        if user.id not in self.members:
            return 0
        if user.id == self.owner.id:
            return ALL
        held = [self.everyone, *(self.roles[role] for role in self.members[user.id])]
        allowed = 0
        for role in held:
            allowed |= role.permissions
        if allowed & ADMINISTRATOR:
            return ALL
        place = channel.parent or channel
        for whom in (self.id, *(role.id for role in held), user.id):
            allowed &= ~place.denied.get(whom, 0)
        return allowed if allowed & VIEW else 0

    def member_json(self, user: User, channel: Channel | None = None) -> dict[str, Any]:
        made: dict[str, Any] = {
            "user": user.to_json(),
            "roles": [str(role) for role in sorted(self.members.get(user.id, ()))],
            "joined_at": "2026-01-01T00:00:00+00:00",
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
            "nick": None,
            "avatar": None,
            "communication_disabled_until": None,
        }
        if channel is not None:
            made["permissions"] = str(self.permissions(user, channel))
        return made

    def to_json(self, bot: User) -> dict[str, Any]:
        """GUILD_CREATE for the bot."""
        threads = [each for each in self.channels.values() if each.parent]
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "description": None,
            "banner": None,
            "owner_id": str(self.owner.id),
            "region": "deprecated",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "roles": [role.to_json() for role in (self.everyone, *self.roles.values())],
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "nsfw_level": 0,
            "application_id": None,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "public_updates_channel_id": None,
            "vanity_url_code": None,
            "premium_tier": {10 * MIB: 0, 50 * MIB: 2, 100 * MIB: 3}.get(self.limit, 0),
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "incidents_data": None,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "voice_states": [],
            "members": [self.member_json(bot)],
            "channels": [each.to_json() for each in self.channels.values() if not each.parent],
            "threads": [each.to_json() for each in threads],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
