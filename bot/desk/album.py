"""The use cases of one's own pictures: look through them, search, see them small, keep some."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from bot.desk.answers import PictureView
from engine.thumbnails import thumbnail
from storage.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from storage.albums import Albums
    from storage.jobs import Job, Jobs
    from storage.pictures import PictureRow, Pictures
    from storage.prompts import Prompts

LONGEST_PAGE = 200


class Album:
    """What the studio shows people of what is theirs; who may see what is decided there."""

    def __init__(
        self,
        *,
        albums: Albums,
        prompts: Prompts,
        jobs: Jobs,
        pictures: Pictures,
        files: Executor,
        most_pins: int,
    ) -> None:
        self._albums = albums
        self._prompts = prompts
        self._jobs = jobs
        self._pictures = pictures
        self._files = files
        self._most_pins = most_pins
        self._making: dict[str, asyncio.Lock] = {}

    async def jobs(
        self, person: int, *, search: str | None, before: int | None, limit: int
    ) -> list[Job]:
        """This person's jobs, newest first; with a `search`, those with its words."""
        if search is None or not search.strip():
            return await self._jobs.of_person(person, before=before, limit=limit)
        return await self._prompts.find(person, search, before=before, limit=limit)

    async def look(
        self,
        person: int,
        *,
        search: str | None = None,
        before: str | None = None,
        limit: int = 48,
        pinned: bool = False,
    ) -> list[PictureView]:
        """This person's pictures, newest first, each with its job."""
        limit = max(1, min(limit, LONGEST_PAGE))
        rows = await self._albums.look(
            person, search=search, before=before, pinned=pinned, limit=limit
        )
        jobs = await self._jobs.by_ids(sorted({row.job for row in rows}))
        return [PictureView(picture=row, job=jobs[row.job]) for row in rows if row.job in jobs]

    async def pin(self, picture: PictureRow, pinned: bool) -> PictureRow:
        """Keep a picture for good, or let it go like the others. Raises `TooManyPins`."""
        return await self._pictures.pin(picture.id, pinned, self._most_pins)

    async def thumbnail(self, picture: PictureRow) -> Path:
        """The file of its thumbnail, made now if it has none. Raises `NotFound`."""
        path = self._pictures.thumbnail_path(picture)
        if picture.thumbnail:
            return path
        async with self._making.setdefault(picture.id, asyncio.Lock()):
            try:
                now = await self._pictures.get(picture.id)
                if not now.thumbnail:  # whoever came at the same time may have made it
                    await self._pictures.add_thumbnail(now, await self._make(now))
            finally:
                self._making.pop(picture.id, None)
        return path

    async def _make(self, picture: PictureRow) -> bytes:
        path = self._pictures.path(picture)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._files, lambda: thumbnail(path.read_bytes())
            )
        except FileNotFoundError:
            raise NotFound("picture") from None
