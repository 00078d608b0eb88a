"""Owns how files come to the disk and go from it: whole or not at all; a full disk has a name."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from storage.errors import DiskFull

TEMPORARY = ".tmp"
FULL = (errno.ENOSPC, errno.EDQUOT)
"""How the system says that nothing more fits, on the disk or in somebody's share of it."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there complete or not at all, also after a power cut.

    Raises `DiskFull`.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(path.parent.parent)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in FULL:
            raise DiskFull(free=free_bytes(path), reserve=0) from error
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def free_bytes(path: Path) -> int:
    """What we may still write on the disk where `path` is, or will be."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def names(folder: Path) -> list[str]:
    """What is in a folder, by name; nothing if there is none."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def remove(paths: Iterable[Path]) -> None:
    """Remove files, also those that are gone already."""
    for path in paths:
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A new name is safe only when its folder is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
