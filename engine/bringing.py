"""Bringing files of a repository here: all of them whole, or none that is taken for whole.

What has arrived and was checked is remembered beside it, so that a killed pull goes on where it
stopped; what the hub's own tools have fetched before is taken from them.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.fetching import SPARE, FetchError, fetch, git_sum, sum_of
from engine.hub import Hub, Listing, RemoteFile, address, cached_at, explained

ARRIVED = ".arrived.json"
LOCK = ".lock"

OnBytes = Callable[[int, int], None]
"""Called with the bytes of all files that are there, and how many they will be."""


def bring(
    hub: Hub,
    listing: Listing,
    files: Iterable[RemoteFile],
    folder: Path,
    *,
    on_bytes: OnBytes = lambda done, total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Put `files` into `folder`, each checked; what is there already is not fetched again.

    Raises `FetchError`, before anything is fetched if there is too little room for all of them.
    """
    wanted = {file.place: file for file in files}
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        arrived = _arrived(folder)
        missing = [
            file
            for place, file in wanted.items()
            if arrived.get(place) != file.sum
            or not (folder / place).is_file()
            or (folder / place).stat().st_size != file.size
        ]
        _check_room(folder, missing)
        total = sum(file.size for file in wanted.values())
        done = total - sum(file.size for file in missing)
        on_bytes(done, total)
        for file in missing:
            before = done

            def on_part(part: int, _: int | None, before: int = before) -> None:
                on_bytes(min(total, before + part), total)

            target = folder / file.place
            target.parent.mkdir(parents=True, exist_ok=True)
            if not _from_cache(hub, listing, file, target):
                if hub.offline:
                    raise FetchError(f"{listing.repository}: {file.path} is not in {hub.cache}")
                try:
                    fetch(
                        address(hub, listing, file),
                        target,
                        sha256=file.sha256,
                        git_sha1=file.git_sha1,
                        token=hub.token,
                        on_bytes=on_part,
                        sleep=sleep,
                    )
                except FetchError as error:
                    raise explained(error, hub, listing.repository, listing.commit) from None
            arrived[file.place] = file.sum
            _remember(folder, arrived)
            done += file.size
            on_bytes(done, total)


def _check_room(folder: Path, missing: list[RemoteFile]) -> None:
    here = sum(
        min(part.stat().st_size, file.size)
        for file in missing
        if (part := folder / f"{file.place}.part").is_file()
    )
    needed = sum(file.size for file in missing) - here + SPARE
    free = shutil.disk_usage(folder).free
    if missing and free < needed:
        raise FetchError(
            f"there is too little room in {folder.parent}: {free / 1e9:.1f} GB are free, "
            f"{needed / 1e9:.1f} GB are needed"
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process at a time fills a folder."""
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FetchError(f"{folder.name} is being fetched by another process") from None
        yield


def _arrived(folder: Path) -> dict[str, str]:
    """What was checked when it had arrived: place -> sum."""
    try:
        said = json.loads((folder / ARRIVED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}


def _remember(folder: Path, arrived: Mapping[str, str]) -> None:
    fresh = folder / f"{ARRIVED}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(arrived, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / ARRIVED)


def _from_cache(hub: Hub, listing: Listing, file: RemoteFile, target: Path) -> bool:
    """Take a file from where the hub's own tools have put it, if it is there and right."""
    if hub.cache is None or not file.sum:
        return False
    blob = cached_at(hub.cache, listing.repository) / "blobs" / file.sum
    if not blob.is_file() or blob.stat().st_size != file.size:
        return False
    fresh = target.with_name(f"{target.name}.copy")
    fresh.unlink(missing_ok=True)
    try:
        shutil.copyfile(blob, fresh)  # no link: whoever edits the one would change the other
        right = (sum_of(fresh) if file.sha256 else git_sum(fresh)) == file.sum
        if right:
            fresh.replace(target)
        return right
    finally:
        fresh.unlink(missing_ok=True)
