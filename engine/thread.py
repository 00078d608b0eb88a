"""The one painting thread, seen from an event loop: `EngineThread`.

Everything slow happens in that thread: the heavy imports, the painting, the encoding of finished
pictures. The loop hears of progress by `call_soon_threadsafe`, only of the latest, and not more
often than anybody could see.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import structlog

from engine.errors import Refusal, Stopped
from engine.images import decode_source, encode_png, masked
from engine.request import LONGEST_SIDE

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.painter import OnStep, Painter, Picture, Progress
    from engine.request import Note, Paint

    Judge = Callable[[Image], float]

log = structlog.get_logger(__name__)

TELL_EVERY = 0.1
"""Seconds between two looks at the progress: nobody sees more, and waking the loop costs time."""


class EngineState(StrEnum):
    """What the engine is up to."""

    starting = "starting"  # nothing was asked of the thread yet
    warming = "warming"  # libraries load, the default model compiles
    ready = "ready"  # it paints, or waits for work
    failed = "failed"  # the libraries themselves could not be loaded
    stopped = "stopped"  # closed for good


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One finished picture as a PNG file, with the request that paints just it.

    The rest is what its `Picture` told; that one is let go, since large ones fill the memory.
    """

    png: bytes
    paint: Paint
    index: int
    width: int
    height: int
    step_seconds: float
    other_seconds: float
    notes: tuple[Note, ...] = ()
    latents: bytes | None = None
    harm: float = 0.0
    """How likely not everybody wants to see it, 0–1, if somebody judges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """All pictures of a request; `step_seconds` and `other_seconds` are means over them."""

    pictures: tuple[Encoded, ...]
    notes: tuple[Note, ...]
    step_seconds: float
    other_seconds: float


class EngineFailed(Exception):
    """The engine could not be started at all; the log of the start says why."""


class EngineThread:
    """Runs a `Painter` in one thread of its own. All methods belong to the event loop."""

    def __init__(
        self,
        make_painter: Callable[[], Painter],
        warm: tuple[str, ...] = (),
        *,
        metadata: bool = True,
        make_judge: Callable[[], Judge] | None = None,
    ) -> None:
        """`make_painter` is called in the thread, so it may import for seconds.

        With `metadata` picture files say how they were made. What `make_judge` makes looks at
        every finished picture; if it cannot be made, nothing is painted.
        """
        self._make_painter = make_painter
        self._metadata = metadata
        self._warm = warm
        self._painting = ThreadPoolExecutor(1, thread_name_prefix="paint")
        self._painter: Painter | None = None
        self._make_judge = make_judge
        self._judge: Judge | None = None
        self._stop = threading.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.state = EngineState.starting
        self.broken: dict[str, str] = {}

    async def start(self) -> None:
        """Begin to import and warm up in the thread; returns at once."""
        self.state = EngineState.warming
        self._task = asyncio.create_task(self._open(), name="engine start")

    async def settled(self) -> None:
        """Wait until the engine is ready or has failed."""
        await self._settled.wait()

    async def paint(
        self,
        paint: Paint,
        source: bytes | None,
        on_progress: Callable[[Progress], None],
        *,
        mask: bytes | None = None,
        metadata: bool | None = None,
    ) -> Painted:
        """Paint and encode all pictures of `paint`, one painting at a time.

        `source` is the file of what it `needs`: a picture, or latents for a second look; `mask` is
        that of its mask, if that is not in the source. `metadata` is whether these files say how
        they were made; None is as usual.

        `on_progress` is called on the loop with the latest progress; what came in between is
        passed over. Raises `Stopped` after `stop_painting`, a `Refusal` for a bad source or model,
        `EngineFailed`, or whatever the painter raised.
        """
        await self.settled()
        if self._painter is None:
            raise EngineFailed
        stop = self._stop = threading.Event()  # its own, so that a late one stops nobody else
        if self.state is EngineState.stopped:
            raise Stopped
        loop = asyncio.get_running_loop()
        latest = _Latest(loop, on_progress)
        painter, order = self._painter, _Order(paint, source, mask)
        said = self._metadata and metadata is not False
        future = loop.run_in_executor(
            self._painting, lambda: self._paint_in_thread(painter, order, said, latest, stop)
        )
        try:
            pictures = await asyncio.shield(future)
            latest.take()
        except asyncio.CancelledError:
            stop.set()  # the thread behind a cancelled task goes on until it is told
            raise
        finally:
            latest.close()
        return Painted(
            pictures=tuple(pictures),
            notes=tuple(dict.fromkeys(note for picture in pictures for note in picture.notes)),
            step_seconds=fmean(picture.step_seconds for picture in pictures),
            other_seconds=fmean(picture.other_seconds for picture in pictures),
        )

    def stop_painting(self) -> None:
        """Let the painting that runs now raise `Stopped` at its next step."""
        self._stop.set()

    async def close(self, grace_s: float = 10.0) -> None:
        """Stop what is painted, and wait up to `grace_s` seconds for the threads to end."""
        self.state = EngineState.stopped
        self._stop.set()
        self._settled.set()
        self._painting.shutdown(wait=False, cancel_futures=True)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        waiting = asyncio.to_thread(self._painting.shutdown, wait=True)
        try:
            await asyncio.wait_for(waiting, grace_s)
        except TimeoutError:
            log.warning("the painting thread did not end in time", grace_s=grace_s)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self._make_judge is not None:
                self._judge = await loop.run_in_executor(self._painting, self._make_judge)
            self._painter = await loop.run_in_executor(self._painting, self._make_painter)
            for model in self._warm:
                try:
                    await loop.run_in_executor(self._painting, self._painter.warm, model)
                except Refusal as error:
                    self.broken[model] = str(error)
                    log.error("a model cannot be used", model=model, reason=str(error))
            self.state = EngineState.ready
            log.info("engine ready")
        except Exception:
            self.state = EngineState.failed
            log.exception("the engine could not be started")
        finally:
            self._settled.set()

    def _paint_in_thread(
        self,
        painter: Painter,
        order: _Order,
        metadata: bool,
        latest: _Latest,
        stop: threading.Event,
    ) -> list[Encoded]:
        def on_step(progress: Progress) -> None:
            latest.put(progress)
            if stop.is_set():
                raise Stopped

        if stop.is_set():
            raise Stopped
        return [
            _encode(picture, metadata, self._judge) for picture in _made(painter, order, on_step)
        ]


class _Order(NamedTuple):
    """What is to be painted, and the files for it."""

    paint: Paint
    source: bytes | None
    mask: bytes | None


def _made(painter: Painter, order: _Order, on_step: OnStep) -> Iterable[Picture]:
    paint, source = order.paint, order.source
    if paint.latents_of is not None:
        return (painter.develop(paint, source or b"", on_step),)
    image = None if source is None else _decode(source, order)
    return painter.paint(paint, image, on_step)


def _decode(source: bytes, order: _Order) -> Image:
    """The stored picture that `paint` needs; what came from outside was measured on its way in."""
    paint, most = order.paint, LONGEST_SIDE**2
    if paint.paints and paint.mask is not None:
        return masked(source, order.mask, max_bytes=sys.maxsize, max_pixels=most)
    return decode_source(source, max_bytes=sys.maxsize, max_pixels=most, alpha=not paint.paints)


def _encode(picture: Picture, metadata: bool, judge: Judge | None) -> Encoded:
    return Encoded(
        png=encode_png(picture.image, picture.paint if metadata else None),
        paint=picture.paint,
        index=picture.index,
        width=picture.image.width,
        height=picture.image.height,
        step_seconds=picture.step_seconds,
        other_seconds=picture.other_seconds,
        notes=picture.notes,
        latents=picture.latents,
        harm=0.0 if judge is None else judge(picture.image),
    )


def _seen(before: Progress, now: Progress) -> bytes | None:
    """The preview of an earlier step, if it is of the same picture and stage."""
    same = (before.index, before.stage) == (now.index, now.stage)
    return before.preview if same else None


class _Latest:
    """Hands the newest progress from the painting thread to the loop, never a backlog.

    After each one the loop itself looks for the next a little later; only when there was none does
    the thread have to wake it again.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_progress: Callable[[Progress], None]
    ) -> None:
        self._loop = loop
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._waiting: Progress | None = None
        self._asleep = True
        self._open = True

    def put(self, progress: Progress) -> None:
        with self._lock:
            if progress.preview is None and self._waiting is not None:
                # Not each step brings a preview, and the newest one is worth showing.
                progress = replace(progress, preview=_seen(self._waiting, progress))
            self._waiting = progress
            wake, self._asleep = self._asleep, False
        if wake:
            try:
                self._loop.call_soon_threadsafe(self._look)
            except RuntimeError:  # the loop is closed: nobody listens any more
                raise Stopped from None

    def take(self) -> bool:
        """On the loop: tell of what waits, if there is something."""
        with self._lock:
            progress, self._waiting = self._waiting, None
        if progress is not None and self._open:
            self._on_progress(progress)
        return progress is not None

    def close(self) -> None:
        """From now on the loop hears nothing more of this painting."""
        self._open = False

    def _look(self) -> None:
        if self.take() and self._open:
            self._loop.call_later(TELL_EVERY, self._look)
            return
        with self._lock:
            self._asleep = self._waiting is None
        if not self._asleep:  # it came in between
            self._loop.call_soon(self._look)
