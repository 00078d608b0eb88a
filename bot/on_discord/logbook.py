"""Writes into a server's log channel what its admins should know; never fails what it tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import discord
import structlog
from discord import ui

from bot.on_discord.posting import Away

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.on_discord.posting import Enclosure, Post

log = structlog.get_logger(__name__)

LONGEST = 1500
"""Characters of one line."""
NEEDED = ("view_channel", "send_messages", "embed_links", "attach_files")
"""What the bot must be allowed in a log channel; pictures come with reports."""


async def write(
    post: Post,
    channel: str | None,
    view: ui.LayoutView,
    files: Sequence[Enclosure] = (),
    *,
    nonce: str,
) -> bool:
    """Post a layout into this channel (None: nowhere), mentioning nobody; whether it stands there.

    What was sent with the same `nonce` within minutes is not sent again.
    """
    if channel is None or not channel.isdecimal():
        return False
    try:
        await post.send(int(channel), view, files, nonce=nonce)
    except (discord.HTTPException, aiohttp.ClientError, OSError, Away) as error:
        log.warning("a log channel cannot be written", channel=channel, error=repr(error))
        return False
    return True


def line(text: str) -> ui.LayoutView:
    """One sentence as a message of its own."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text[:LONGEST]))
    return view


def missing(guild: discord.Guild, channel: int) -> tuple[str, ...]:
    """The permissions that the bot lacks to write in this channel of its server."""
    found = guild.get_channel(channel)
    if found is None:
        return NEEDED[:1]
    allowed = found.permissions_for(guild.me)
    return tuple(name for name in NEEDED if not getattr(allowed, name))
