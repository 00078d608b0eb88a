"""Owns how pictures come in from Discord: attachments, and pictures in messages people point at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import discord

from bot.desk.actions import Verb, parse
from bot.on_discord.asking import patiently
from bot.on_discord.counter import counter_of
from bot.on_discord.fetching import ALLOWED
from engine.errors import BadSource
from engine.images import MAX_BYTES

if TYPE_CHECKING:
    from bot.desk.answers import Asker

HOSTS = ("discordapp.com", "discordapp.net", "discord.com")
"""Pictures are fetched from Discord's own machines only, wherever a message points to."""
OF_PICTURE = frozenset({Verb.VARY_SUBTLE, Verb.VARY_STRONG, Verb.UPSCALE2, Verb.UPSCALE4})
"""What stands under our results about one picture each."""


def check(attachment: discord.Attachment) -> None:
    """Raises `BadSource` for what is too large or no picture, before a byte of it is fetched."""
    if attachment.size > MAX_BYTES:
        raise BadSource("bytes", ALLOWED, f"{attachment.size / 1e6:.1f} MB")
    if not (attachment.content_type or "image/").startswith("image/"):
        raise BadSource("form", ALLOWED)


async def brought(
    interaction: discord.Interaction[Any],
    asker: Asker,
    picture: discord.Attachment | str,
    *,
    private: bool,
) -> str:
    """Keep somebody's picture, attached or at an address; the answer goes into `Ask.source`.

    Raises `BadSource`. If it takes a while, the answer is announced.
    """
    if isinstance(picture, discord.Attachment):
        check(picture)
    url = picture if isinstance(picture, str) else picture.url
    counter = counter_of(interaction)

    async def bring() -> str:
        return await counter.studio.upload(asker, await counter.fetch(url))

    return await patiently(interaction, bring(), private=private)


def ours(message: discord.Message, me: int | None) -> tuple[str | None, tuple[str, ...]]:
    """The job and the pictures that the buttons of our own message know; nothing in others'."""
    if message.author.id != me:
        return None, ()
    job, pictures = None, []
    for custom_id in _custom_ids(message.components):
        action = parse(custom_id)
        if action is None:
            continue
        if action.verb in OF_PICTURE:
            pictures.append(action.target)
        elif action.verb is Verb.DETAILS:
            job = action.target
    return job, tuple(dict.fromkeys(pictures))


def pictures_in(message: discord.Message) -> list[str]:
    """The addresses of the pictures in any message: attached, in a gallery, or embedded."""
    attached = [
        each.url
        for each in message.attachments
        if (each.content_type or "").startswith("image/") and each.size <= MAX_BYTES
    ]
    shown = list(_media(message.components))
    for embed in message.embeds:
        shown += [each for each in (embed.image.proxy_url, embed.thumbnail.proxy_url) if each]
    return list(dict.fromkeys([*attached, *filter(_is_discords, shown)]))


def _is_discords(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    known = any(host == each or host.endswith(f".{each}") for each in HOSTS)
    return parts.scheme == "https" and known


def _custom_ids(components: Any) -> Iterator[str]:
    for each in components:
        custom_id = getattr(each, "custom_id", None)
        if isinstance(custom_id, str):
            yield custom_id
        yield from _custom_ids(getattr(each, "children", ()))
        accessory = getattr(each, "accessory", None)
        if accessory is not None:
            yield from _custom_ids([accessory])


def _media(components: Any) -> Iterator[str]:
    """Galleries and thumbnails, at any depth; what lies elsewhere by Discord's own copy of it."""
    for each in components:
        items = [*getattr(each, "items", ()), each]
        for item in items:
            media = getattr(item, "media", None)
            if isinstance(media, discord.UnfurledMediaItem):
                kind = media.content_type or "image/"
                if kind.startswith("image/"):
                    yield media.url if _is_discords(media.url) else media.proxy_url or ""
        yield from _media(getattr(each, "children", ()))
        accessory = getattr(each, "accessory", None)
        if accessory is not None:
            yield from _media([accessory])
