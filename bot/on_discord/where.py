"""Owns `Where`: what the courier keeps of a job's place on Discord, so that a restart finds it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Self

UPLOAD_LIMIT = 10 * 1024 * 1024
"""Bytes a file may have where nothing more generous is known."""
TOKEN_LIFE_S = 15 * 60 - 20
"""Seconds an interaction's token is relied on: its 15 minutes without a margin."""
DISCORD_EPOCH_MS = 1_420_070_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a job was asked for, which message tells of it, and what was posted already.

    Times are epoch seconds, sizes bytes. `token` stands here only where it is the only way to the
    message: an answer that one person sees, or a server that the bot is not in.
    """

    channel: int
    """The channel or thread that the command was given in."""
    asker: int
    guild: int | None = None
    """None: a direct message."""
    message: int | None = None
    """Our status message, once it is known."""
    ephemeral: bool = False
    """Only the asker sees the answer, and only the token can edit it."""
    member: bool = True
    """False: the bot is not in this server; it came along with the person."""
    application: int | None = None
    token: str | None = None
    token_until: float | None = None
    spoiler: bool = False
    lang: str = "en"
    limit: int = UPLOAD_LIMIT
    """Bytes that a file may have there."""
    posting: bool = False
    """A new message is being posted: look for it before posting again."""
    posting_to: int | None = None
    """The channel that it goes to."""
    posting_at: float | None = None
    """When the first try began."""
    link_only: bool = False
    """It tells where the picture is, since that may have been shown already."""
    posted: int | None = None
    """The new message, once it is known to stand."""

    def to_json(self) -> str:
        """The text that is kept with the job; what has its default is left out."""
        defaults = {each.name: each.default for each in fields(self)}
        kept = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        return json.dumps(kept, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back, passing over what a later version wrote. Raises `ValueError`."""
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"not a place on Discord: {text[:80]!r}")
        names = {each.name for each in fields(cls)}
        try:
            return cls(**{name: value for name, value in found.items() if name in names})
        except TypeError as error:
            raise ValueError(f"not a place on Discord: {text[:80]!r}") from error

    @property
    def by_token(self) -> bool:
        """Whether only the interaction's token reaches the message."""
        return self.ephemeral or not self.member

    def token_lives(self, now: float) -> bool:
        """Whether the token can still be used at `now`."""
        return bool(self.token and self.application) and now < (self.token_until or 0.0)


def made_at(snowflake: int) -> float:
    """The epoch seconds at which Discord gave out this id."""
    return ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000


def snowflake_at(seconds: float) -> int:
    """The smallest id that Discord gives out at these epoch seconds."""
    return max(0, int(seconds * 1000) - DISCORD_EPOCH_MS) << 22
