"""`atelier serve` with two stopwatches inside: how late its event loop is, what it announces when.

`python -m tests.bench.probed FILE [--resting]` serves as ever; SIGUSR1 writes what was seen so far
to FILE. `--resting` puts a painter in the engine's place that begins a picture and never paints it:
the baseline of whatever is measured beside a busy one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bot.serve
from bot.desk.announcer import Announcer
from bot.settings import load
from engine.painter import OnStep, Progress
from tests.serving import Serving

if TYPE_CHECKING:
    from PIL import Image

    from bot.desk.announcer import Event
    from engine.painter import Picture
    from engine.request import Paint

EVERY_S = 0.005
TOLD = ("step", "done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as the server announced it, at `at` (monotonic seconds, alike in all processes)."""

    at: float
    name: str
    public: str
    index: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the stopwatches say: moments and milliseconds of lag, and the events in their order."""

    lags: tuple[tuple[float, float], ...]
    told: tuple[Told, ...]

    def lags_between(self, began: float, ended: float) -> list[float]:
        """The milliseconds by which the event loop was late in that time."""
        return [lag for at, lag in self.lags if began <= at <= ended]


class Probed(Serving):
    """A server that can be asked what its stopwatches say."""

    def __init__(self, data: Path, *, settings: Mapping[str, str], resting: bool) -> None:
        super().__init__(data, **settings)
        self._file = data.with_suffix(".seen.json")
        self.program = ("tests.bench.probed", str(self._file), *(["--resting"] * resting))

    def seen(self) -> Seen:
        """What was seen since the start of the process."""
        self._file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        self.until(self._file.exists)
        found = json.loads(self._file.read_text(encoding="utf-8"))
        return Seen(
            lags=tuple((at, lag) for at, lag in found["lags"]),
            told=tuple(Told(**each) for each in found["told"]),
        )


@contextmanager
def probed(data: Path, *, settings: Mapping[str, str], resting: bool = False) -> Iterator[Probed]:
    """A started one that leaves no process behind."""
    made = Probed(data, settings=settings, resting=resting)
    try:
        made.start()
        yield made
    finally:
        if made.running:
            made.kill()


class RestingPainter:
    """Takes a request and is not done before it is told to stop."""

    def warm(self, model: str) -> None:
        """There is nothing to load."""

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """Wait, and look now and then whether to stop."""
        while True:
            time.sleep(0.5)
            on_step(Progress(index=0, count=paint.count, step=0, steps=paint.steps))
        yield  # which makes it an iterator


async def _watch_loop(lags: list[tuple[float, float]]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(EVERY_S)
        now = time.monotonic()
        lags.append((now, round(1000 * (now - before - EVERY_S), 3)))


def _watch_announcer(told: list[dict[str, Any]]) -> None:
    publish = Announcer.publish

    def timed(self: Announcer, event: Event) -> None:
        if event.name in TOLD:
            progress = event.progress
            told.append(
                {
                    "at": time.monotonic(),
                    "name": str(event.name),
                    "public": event.public,
                    "index": progress.index if progress else 0,
                    "step": progress.step if progress else 0,
                }
            )
        publish(self, event)

    Announcer.publish = timed  # type: ignore[method-assign] # a stopwatch


async def _main(file: Path) -> None:
    lags: list[tuple[float, float]] = []
    told: list[dict[str, Any]] = []

    def write() -> None:
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps({"lags": lags, "told": told}), encoding="utf-8")
        temporary.replace(file)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, write)
    _watch_announcer(told)
    watching = asyncio.create_task(_watch_loop(lags), name="lag")
    try:
        await bot.serve.serve(load())
    finally:
        watching.cancel()


if __name__ == "__main__":
    if "--resting" in sys.argv:
        bot.serve._make_painter = lambda *_: RestingPainter()  # type: ignore[assignment]
    asyncio.run(_main(Path(sys.argv[1])))
