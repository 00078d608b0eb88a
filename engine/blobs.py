"""Large compiled networks, kept in the cache folder so that the next start need not compile them.

OpenVINO keeps compiled networks by itself, too, but reads the whole original first, to see whether
it is still the same, and both are in memory then. Here the original's size and time are asked
instead, and what was kept is mapped, not read: a gigabyte less and seconds sooner.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import structlog

from engine import processors

log = structlog.get_logger(__name__)

LEAST = 50_000_000
"""Bytes of weights from which on it pays; small ones are left to OpenVINO's own cache."""
KEPT = 8
"""So many are kept, each as large as its weights; the one used longest ago goes."""
HEADER = 4096
LEAVE_EVERY = 0.1
"""Seconds."""


class Blobs:
    """The kept networks in one folder."""

    def __init__(self, core: openvino.Core, folder: Path, *, least: int = LEAST) -> None:
        self._core = core
        self._folder = folder
        self._least = least

    def compiled(
        self,
        file: Path,
        shapes: Mapping[str, Sequence[int]],
        options: Mapping[str, Any],
        make: Callable[[], openvino.Model],
        *circumstances: object,
    ) -> tuple[openvino.CompiledModel, Any]:
        """The network in `file` for `shapes`, and what has to live as long as it does.

        `make` gives what is to be compiled, where it has to be; `circumstances` are what else it
        depends on.
        """
        weights = file.with_suffix(".bin")
        if not weights.is_file() or weights.stat().st_size < self._least:
            return self._core.compile_model(make(), "CPU", dict(options)), None
        known = self._folder / _key(file, sorted(shapes.items()), dict(options), *circumstances)
        found = self._mapped(known, options)
        if found is not None:
            return found
        made = self._compile(make(), options, known)
        self._sweep()
        return made, None

    def _mapped(
        self, known: Path, options: Mapping[str, Any]
    ) -> tuple[openvino.CompiledModel, Any] | None:
        """What is kept under that name; what cannot be used any more goes."""
        if not known.is_dir():
            return None
        try:
            [blob] = known.glob("*.blob")
            with blob.open("rb") as opened:
                content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)
            begin = content.find(b"\n", 0, HEADER) + 1  # OpenVINO's own line comes first
            place = np.frombuffer(content, np.uint8)[begin:]
            with _leaving(content):
                network = self._core.import_model(
                    openvino.Tensor(place, shared_memory=True), "CPU", dict(options)
                )
            for each in (blob, known):  # housekeeping looks at files, the sweep at folders
                os.utime(each)
        except (OSError, ValueError, RuntimeError) as error:
            log.info("a kept network cannot be used", folder=str(known), reason=str(error)[:200])
            shutil.rmtree(known, ignore_errors=True)
            return None
        return network, (content, place)

    def _compile(
        self, network: openvino.Model, options: Mapping[str, Any], known: Path
    ) -> openvino.CompiledModel:
        """Compile, and let OpenVINO write it down; it takes its name when it is whole."""
        fresh = known.with_name(f".{known.name}.{os.getpid()}")
        try:
            fresh.mkdir(parents=True, exist_ok=True)
            into = str(fresh)
        except OSError:  # a folder that cannot be written to costs the time of another start
            into = ""
        made = self._core.compile_model(network, "CPU", {**options, "CACHE_DIR": into})
        if into:
            try:
                if not list(fresh.glob("*.blob")):
                    raise FileNotFoundError(fresh)
                fresh.rename(known)
            except OSError:  # the disk is full, or another process was quicker
                shutil.rmtree(fresh, ignore_errors=True)
        return made

    def _sweep(self) -> None:
        """Let those go that were used longest ago, and what a killed process left half written."""
        try:
            found = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime)
        except OSError:
            return
        half = [each for each in found if each.name.startswith(".") and not _alive(each)]
        whole = [each for each in found if not each.name.startswith(".")]
        for each in (*half, *whole[: max(0, len(whole) - KEPT)]):
            shutil.rmtree(each, ignore_errors=True)


@contextmanager
def _leaving(content: mmap.mmap) -> Iterator[None]:
    """While a network is made of it, let the pages go that were read: they are in the file.

    The weights are packed anew for this processor, so for most of them one look is enough; without
    this, each would be in memory twice for a while.
    """
    unneeded: int | None = getattr(mmap, "MADV_DONTNEED", None)
    ended = threading.Event()

    if unneeded is None:  # not on every system
        yield
        return

    def leave(what: int) -> None:
        while not ended.wait(LEAVE_EVERY):
            content.madvise(what)
        content.madvise(what)

    thread = threading.Thread(target=leave, args=(unneeded,), name="leaving")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _alive(draft: Path) -> bool:
    """Whether the process that writes it is still there."""
    number = draft.name.rpartition(".")[2]
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        return True
    return True


def _key(file: Path, *circumstances: object) -> str:
    parts = [(each.stat().st_size, each.stat().st_mtime_ns) for each in _both(file)]
    said = (str(file.resolve()), parts, openvino.get_version(), processors.model(), circumstances)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:24]


def _both(file: Path) -> tuple[Path, Path]:
    return file, file.with_suffix(".bin")
