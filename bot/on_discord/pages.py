"""Owns the pages of one's own history: which jobs stand on one, and their small pictures."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord
from PIL import Image, ImageOps

from bot.desk.texts.on_telegram import none_found
from bot.on_discord import layout, sheets
from bot.on_discord.asking import NOBODY, asker_of
from bot.on_discord.counter import counter_of, lang_of

if TYPE_CHECKING:
    from discord import ui


JOBS = 5
"""So many stand on a page: each needs a button, and a row has five."""
LAST = 200
"""Nobody turns more pages than this; older jobs are found by `/show`."""
SIDE = 192
"""Pixels of a small picture."""


async def turn(
    interaction: discord.Interaction[Any], number: int, *, search: str | None = None
) -> None:
    """Show another page where one is shown."""
    view, files = await _page(interaction, number, search)
    await interaction.response.edit_message(view=view, attachments=files, allowed_mentions=NOBODY)


async def open_history(
    interaction: discord.Interaction[Any], number: int = 0, *, search: str | None = None
) -> None:
    """Show a page to whoever asks, the newest first: of all, or of what was searched for."""
    view, files = await _page(interaction, number, search)
    await interaction.response.send_message(
        view=view, files=files, ephemeral=True, allowed_mentions=NOBODY
    )


async def _page(
    interaction: discord.Interaction[Any], number: int, search: str | None = None
) -> tuple[ui.LayoutView, list[discord.File]]:
    number = max(0, min(number, LAST))
    studio, asker = counter_of(interaction).studio, await asker_of(interaction)
    views = await studio.history(asker, skip=number * JOBS, limit=JOBS + 1, search=search)
    if search and not views and not number:
        return layout.word(none_found(lang_of(interaction))), []
    more = len(views) > JOBS and number < LAST
    views = views[:JOBS]
    paths = [
        [(await studio.picture(asker, picture.id))[1] for picture in view.pictures[:4]]
        for view in views
    ]
    smalls = await asyncio.gather(*(asyncio.to_thread(small, each) for each in paths))
    names = [
        f"{view.job.public}.webp" if data else None
        for view, data in zip(views, smalls, strict=True)
    ]
    page = sheets.history(
        views, names, page=number, more=more, lang=lang_of(interaction), search=search
    )
    files = [
        discord.File(io.BytesIO(data), name)
        for name, data in zip(names, smalls, strict=True)
        if name and data
    ]
    return page, files


def small(paths: list[Path]) -> bytes | None:
    """One small WebP of these pictures, side by side if they are several. Blocks: for a thread."""
    parts = []
    for path in paths:
        try:
            with Image.open(path) as opened:
                parts.append(opened.convert("RGB"))
        except OSError:  # deleted at this moment
            continue
    if not parts:
        return None
    sheet = parts[0].copy()
    sheet.thumbnail((SIDE, SIDE))
    if len(parts) > 1:
        half = SIDE // 2
        sheet = Image.new("RGB", (SIDE, SIDE))
        for at, part in enumerate(parts):
            sheet.paste(ImageOps.fit(part, (half, half)), (at % 2 * half, at // 2 * half))
    out = io.BytesIO()
    sheet.save(out, "WEBP", quality=80)
    return out.getvalue()
