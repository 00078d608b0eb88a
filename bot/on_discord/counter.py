"""Owns what stands behind every command and button: the studio, the post, the status messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from bot.desk.texts import pick_language
from bot.on_discord.fetching import fetch

if TYPE_CHECKING:
    import discord

    from bot.desk.office import Office
    from bot.desk.studio import Studio
    from bot.on_discord.parcel import Packer
    from bot.on_discord.posting import Post
    from bot.on_discord.where import Where
    from storage.jobs import Job

REMEMBERED = 1000
"""So many pictures that somebody pointed at are kept in mind until their form comes back."""


class Follows(Protocol):
    """Whoever keeps the message of a job moving."""

    async def follow(self, job: Job, where: Where, *, position: int = 0) -> None:
        """Tell under `where.message` what becomes of `job`; returns at once and never raises.

        `position` is what the first answer said.
        """


@dataclass(slots=True, kw_only=True)
class Counter:
    """What members are served with. `servers` are the only ones it works in; empty means all.

    `pointed` are the addresses of other people's pictures, by the key of the form that asks what
    to paint from them.
    """

    studio: Studio
    office: Office
    status: Follows
    post: Post
    packer: Packer
    servers: frozenset[int] = frozenset()
    clock: Callable[[], float] = time
    fetch: Callable[[str], Awaitable[bytes]] = fetch
    """Gets a file from an address of Discord's; raises `BadSource`."""
    pointed: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def point(self, key: str, url: str) -> None:
        """Remember the address of a picture, and forget the oldest if there are too many."""
        self.pointed[key] = url
        while len(self.pointed) > REMEMBERED:
            self.pointed.popitem(last=False)

    def title(self, model: str) -> str:
        """What people call this model; its name if it is not on offer any more."""
        found = (each.title for each in self.studio.models() if each.name == model)
        return next(found, model)


def counter_of(interaction: discord.Interaction[Any]) -> Counter:
    """The counter of the client that got this interaction."""
    counter: Counter = interaction.client.counter
    return counter


def lang_of(interaction: discord.Interaction[Any]) -> str:
    """Our language for whoever pressed or typed."""
    return pick_language(interaction.locale.value)
