"""Owns the housekeeping: what goes, and when, so that the data folder stays within its limits.

Pictures go by age and by total size, the oldest first that nobody pinned; so do latents, uploads,
compiled models, and copies of the database. `run` is a task beside the others; `tidy` one round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import structlog

from storage.database import FILE
from storage.errors import DiskFull
from storage.files import names, remove
from storage.sources import used_before

if TYPE_CHECKING:
    from bot.desk.forgetting import Farewell
    from bot.settings import Settings
    from storage.forgetting import Forgetting
    from storage.pictures import Pictures
    from storage.prompts import Prompts
    from storage.retention import Expendable, Retention
    from storage.sources import Sources, Unused

log = structlog.get_logger(__name__)

TIDIES_S = 600.0
INDEXES_S = 20.0
PAUSE_S = 0.02
"""A rest between two batches, for whoever else wants to write."""
YOUNG_S = 3600.0
"""So long nothing goes for want of room: people are looking at it, or the cache has just paid."""
DAY_S = 86_400.0
COPIES_S = 30 * DAY_S
"""How long the copy stays that a migration leaves; what was forgotten since is still in it."""
WINDOW_S = 2 * DAY_S
"""Bare rows of the forgotten are counted in budgets for a day, and reset after that for sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long things are kept, in seconds, and how many bytes they may take; None is no limit."""

    pictures_s: float | None
    pictures_bytes: float | None
    latents_s: float
    uploads_s: float
    uploads_bytes: float | None
    cache_bytes: float | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the operator decided; 0 means no limit there."""
        return cls(
            pictures_s=settings.keep_days * DAY_S or None,
            pictures_bytes=settings.keep_gb * 1e9 or None,
            latents_s=settings.keep_latents_hours * 3600,
            uploads_s=settings.uploads_days * DAY_S,
            uploads_bytes=settings.uploads_gb * 1e9 or None,
            cache_bytes=settings.cache_gb * 1e9 or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many things of a kind went, or would go, and how many bytes they took."""

    kind: str
    count: int = 0
    bytes: int = 0

    def plus(self, count: int, size: int) -> Swept:
        """With these, too."""
        return replace(self, count=self.count + count, bytes=self.bytes + size)


class Keeper:
    """Tidies the data folder `data`; `farewell` is there where jobs can be stopped."""

    def __init__(
        self,
        *,
        retention: Retention,
        pictures: Pictures,
        sources: Sources,
        prompts: Prompts,
        forgetting: Forgetting,
        farewell: Farewell | None,
        data: Path,
        bounds: Bounds,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._retention = retention
        self._pictures = pictures
        self._sources = sources
        self._prompts = prompts
        self._forgetting = forgetting
        self._farewell = farewell
        self._data = data
        self._bounds = bounds
        self._clock = clock
        self._tidying = asyncio.Lock()
        self._purged = 0  # up to when the words of the forgotten are out of the index

    async def run(self) -> None:
        """Keep house until cancelled; what goes wrong once is tried again."""
        swept = await self._pictures.sweep()
        if swept:
            log.info("swept", kind="orphans", count=swept)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(INDEXES_S, self._index), name="indexing")
            group.create_task(self._every(TIDIES_S, self.round), name="tidying")

    async def tidy(self, *, dry: bool = False, orphans: bool = False) -> list[Swept]:
        """Let go what is too old or too much; with `dry`, only count it.

        `orphans` are files that nothing knows; for whoever is sure that nobody else writes now.
        """
        async with self._tidying:
            swept = [
                await self._tidy_pictures(dry),
                await self._tidy_latents(dry),
                await self._tidy_uploads(dry),
                await self._tidy_cache(dry),
                await self._tidy_copies(dry),
            ]
            if orphans:
                swept.append(await self._tidy_orphans(dry))
        return swept

    async def round(self) -> None:
        """Tidy, finish what is to be forgotten, and let go of its last traces."""
        if self._farewell is not None:
            await self._farewell.resume()
        while await self._forgetting.expire(self._clock() - WINDOW_S):
            pass
        since = await self._forgetting.last_done()
        if since is not None and since > self._purged:
            await self._prompts.purge()
            self._purged = since
        for each in await self.tidy():
            if each.count:
                log.info("swept", kind=each.kind, count=each.count, mb=each.bytes // 1_000_000)

    async def _index(self) -> None:
        while not await self._prompts.catch_up():
            pass

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except DiskFull as full:
                log.warning("the house is kept when there is room", error=str(full))
            except Exception:
                log.exception("the house could not be kept; it is tried again", again_in_s=seconds)
            await asyncio.sleep(seconds)

    async def _tidy_pictures(self, dry: bool) -> Swept:
        """Those too old go; then the oldest, until the rest fits."""
        swept = Swept(kind="pictures")
        now = self._clock()
        age, most = self._bounds.pictures_s, self._bounds.pictures_bytes
        too_old = -1.0 if age is None else (now - age) * 1000
        young = (now - YOUNG_S) * 1000
        left = (await self._retention.room()).bytes
        last: Expendable | None = None
        while True:
            batch = await self._retention.expendable(last)
            going = []
            for each in batch:
                too_much = most is not None and left > most and each.created_at < young
                if each.created_at >= too_old and not too_much:
                    break
                going.append(each)
                left -= each.bytes
            if going and not dry:
                await self._retention.let_go(going)
                await asyncio.sleep(PAUSE_S)
            swept = swept.plus(len(going), sum(each.bytes for each in going))
            if not batch or len(going) < len(batch):
                break
            last = batch[-1]
        if most is not None and left > most and not dry:
            log.warning(
                "pictures take more room than they may, and none can go",
                mb=left // 1_000_000,
                allowed_mb=int(most) // 1_000_000,
            )
        return swept

    async def _tidy_latents(self, dry: bool) -> Swept:
        before = self._clock() - self._bounds.latents_s
        found = await self._retention.old_latents(before)
        while not dry and await self._retention.drop_latents(before):
            pass
        return Swept(kind="latents", count=found.pictures, bytes=found.bytes)

    async def _tidy_uploads(self, dry: bool) -> Swept:
        swept = Swept(kind="uploads")
        now = self._clock()
        too_old = used_before(now - self._bounds.uploads_s)
        young = used_before(now - YOUNG_S)
        left, most = await self._sources.room(), self._bounds.uploads_bytes
        last: Unused | None = None
        while batch := await self._sources.unused(last):
            going = []
            for each in batch:
                too_much = most is not None and left > most and each.used_at < young
                if each.used_at >= too_old and not too_much:
                    break
                going.append(each)
                left -= each.bytes
            if going and not dry:
                await self._sources.let_go(going)
            swept = swept.plus(len(going), sum(each.bytes for each in going))
            if len(going) < len(batch):
                break
            last = batch[-1]
        strays = await self._sources.orphans(older_than_s=DAY_S)
        return await self._remove(swept, strays, dry)

    async def _tidy_cache(self, dry: bool) -> Swept:
        """Compiled networks make starts quick; those that were not used lately go first."""
        swept, most = Swept(kind="cache"), self._bounds.cache_bytes
        if most is None:
            return swept
        found = await asyncio.to_thread(lambda: sorted(_used(self._data / "cache")))
        left = sum(size for _, size, _ in found)
        going = []
        for used, size, path in found:
            if left <= most or used > time.time() - YOUNG_S:  # files have the system's clock
                break
            going.append(path)
            left -= size
        return await self._remove(swept, going, dry)

    async def _tidy_copies(self, dry: bool) -> Swept:
        found = await asyncio.to_thread(names, self._data)
        copies = [self._data / name for name in found if name.startswith(f"{FILE}.before-")]
        limit = time.time() - COPIES_S

        def old() -> list[Path]:
            return [path for path in copies if path.stat().st_mtime < limit]

        return await self._remove(Swept(kind="copies"), await asyncio.to_thread(old), dry)

    async def _tidy_orphans(self, dry: bool) -> Swept:
        swept = Swept(kind="orphans")
        for shard in await asyncio.to_thread(names, self._data / "pictures"):
            swept = await self._remove(swept, await self._pictures.orphans(shard), dry)
        return swept

    async def _remove(self, swept: Swept, paths: list[Path], dry: bool) -> Swept:
        def work() -> int:
            size = sum(path.stat().st_size for path in paths if path.exists())
            if not dry:
                remove(paths)
            return size

        return swept.plus(len(paths), await asyncio.to_thread(work))


def _used(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each file of a folder was used last, its size, and where it is."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                found = path.stat()
                yield max(found.st_atime, found.st_mtime), found.st_size, path
