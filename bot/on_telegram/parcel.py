"""Packs the pictures of a job as the one file that Telegram shows: the picture, or a grid of them.

What Telegram does not show as a photo goes as a document; the originals stay as they are.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from bot.desk.fitting import on_white
from bot.desk.parcel import TELEGRAM_FILE, TELEGRAM_PHOTO

if TYPE_CHECKING:
    from bot.desk.parcel import Parcels
    from storage.jobs import Job
    from storage.pictures import PictureRow

PHOTO_BYTES, PHOTO_SIDES = TELEGRAM_PHOTO.bytes, TELEGRAM_PHOTO.sides or 0
FILE_BYTES = TELEGRAM_FILE.bytes
GAP = 8
"""Pixels between the pictures of a grid."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One file of at most 10 MB for a photo, 50 MB for a document (`as_file`)."""

    data: bytes
    name: str
    as_file: bool = False


class Packer:
    """Makes the file of a job's message."""

    def __init__(self, parcels: Parcels) -> None:
        self._parcels = parcels

    async def pack(
        self, job: Job, pictures: Sequence[PictureRow], *, as_file: bool = False
    ) -> Parcel | None:
        """The file to show, a document with `as_file`; None if no picture is there any more."""
        if len(pictures) == 1:
            return await self.one(pictures[0], f"{job.public}-1", as_file=as_file)
        whole = await self._parcels.compose(pictures, TELEGRAM_PHOTO, grid_of)
        if whole is None:
            return None
        return Parcel(whole.data, f"{job.public}.jpg", as_file)

    async def one(self, row: PictureRow, stem: str, *, as_file: bool = False) -> Parcel | None:
        """A single picture: a photo if Telegram shows it as one, else a document."""
        as_file = as_file or not TELEGRAM_PHOTO.shows(row.width, row.height)
        packed = await self._parcels.pack(row, TELEGRAM_FILE if as_file else TELEGRAM_PHOTO)
        if packed is None:
            return None
        return Parcel(packed.data, packed.name(stem), as_file)

    def whole(self, pictures: Sequence[PictureRow]) -> str | None:
        """The address of a single picture's file, if it can be reached from outside."""
        return self._parcels.whole(pictures[0]) if len(pictures) == 1 else None


def grid_of(files: Sequence[bytes]) -> Image.Image:
    """The pictures of these files in rows. Blocks."""
    return grid([_opened(each) for each in files])


def grid(images: Sequence[Image.Image]) -> Image.Image:
    """The pictures in rows: four make 2×2, two stand where they look larger."""
    width, height = images[0].size
    columns = math.ceil(math.sqrt(len(images)))
    if len(images) == 2 and width > height:
        columns = 1
    rows = math.ceil(len(images) / columns)
    size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    scale = min(1.0, (PHOTO_SIDES - 2 * GAP) / sum(size))
    if scale < 1.0:  # first smaller, then side by side: what is beside them needs memory, too
        width, height = int(width * scale), int(height * scale)
        size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    whole = Image.new("RGB", size, "white")
    for number, image in enumerate(images):
        at = (number % columns * (width + GAP), number // columns * (height + GAP))
        whole.paste(image if image.size == (width, height) else image.resize((width, height)), at)
    return whole


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as opened:
        return on_white(opened)
