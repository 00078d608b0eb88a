"""Owns what one picture is: its file, the small ones beside it, how it is read from its row."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import IntEnum

from storage.database import maybe_seconds, to_seconds


class Veil(IntEnum):
    """How a picture is shown."""

    OPEN = 0
    """As it is."""
    SPOILER = 1
    """Behind a veil, until somebody wants to see it."""
    WITHHELD = 2
    """To nobody; it has cost what it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPicture:
    """A file that is written and waits for its row; `index` is 0 for a job's first picture.

    `thumbnail` and `latent` are the bytes of what was written beside it, 0 for nothing.
    """

    id: str
    index: int
    seed: int
    file: str
    width: int
    height: int
    bytes: int
    sha256: str
    thumbnail: int = 0
    latent: int = 0
    veil: Veil = Veil.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """A stored picture: whose it is, where it was asked for, and its file within the folder.

    A `pinned` one stays until somebody deletes it. `thumbnail` and `latent` are the bytes of the
    small files beside it, 0 where there is none. A withheld one is found nowhere.
    """

    id: str
    job: int
    person: int
    place: int
    index: int
    seed: int
    file: str
    width: int
    height: int
    bytes: int
    sha256: str
    created_at: float
    deleted_at: float | None
    private: bool = False
    pinned: bool = False
    thumbnail: int = 0
    latent: int = 0
    veil: Veil = Veil.OPEN


def files_of(file: str) -> tuple[str, str, str]:
    """The files of a picture: itself, its thumbnail, its latents."""
    stem = file.removesuffix(".png")
    return file, f"{stem}.webp", f"{stem}.latent"


def picture_of(row: sqlite3.Row) -> PictureRow:
    """The picture in a row of the table of pictures, with `place` and `private` of its job."""
    return PictureRow(
        id=row["id"],
        job=row["job"],
        person=row["person"],
        place=row["place"],
        index=row["nth"],
        seed=row["seed"],
        file=row["file"],
        width=row["width"],
        height=row["height"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        created_at=to_seconds(row["created_at"]),
        deleted_at=maybe_seconds(row["deleted_at"]),
        private=bool(row["private"]),
        pinned=bool(row["pinned"]),
        thumbnail=row["thumbnail"],
        latent=row["latent"],
        veil=Veil(row["veil"]),
    )
