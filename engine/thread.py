"""The one painting thread, seen from an event loop: `EngineThread`.

Everything slow happens in threads: the heavy imports and the painting in one, the encoding of
finished pictures in another. The loop hears of progress by `call_soon_threadsafe`, and only of the
latest.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING

import structlog

from engine.errors import Refusal, Stopped
from engine.images import decode_source, encode_png

if TYPE_CHECKING:
    from engine.painter import Painter, Picture, Progress
    from engine.request import Note, Paint

log = structlog.get_logger(__name__)


class EngineState(StrEnum):
    """What the engine is up to."""

    starting = "starting"  # nothing was asked of the thread yet
    warming = "warming"  # libraries load, the default model compiles
    ready = "ready"  # it paints, or waits for work
    failed = "failed"  # the libraries themselves could not be loaded
    stopped = "stopped"  # closed for good


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One finished picture as a PNG file, with the request that paints just it."""

    png: bytes
    paint: Paint
    index: int
    width: int
    height: int


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

    def __init__(self, make_painter: Callable[[], Painter], warm: tuple[str, ...] = ()) -> None:
        """`make_painter` is called in the thread, so it may import for seconds."""
        self._make_painter = make_painter
        self._warm = warm
        self._painting = ThreadPoolExecutor(1, thread_name_prefix="paint")
        self._encoding = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._painter: Painter | None = None
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
    ) -> Painted:
        """Paint and encode all pictures of `paint`, one painting at a time.

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
        future = loop.run_in_executor(
            self._painting, self._paint_in_thread, self._painter, paint, source, latest, stop
        )
        try:
            pictures, encoded = await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()  # the thread behind a cancelled task goes on until it is told
            raise
        finally:
            latest.close()
        return Painted(
            pictures=tuple([await asyncio.wrap_future(each) for each in encoded]),
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
        for pool in (self._painting, self._encoding):
            pool.shutdown(wait=False, cancel_futures=True)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        waiting = asyncio.to_thread(self._join)
        try:
            await asyncio.wait_for(waiting, grace_s)
        except TimeoutError:
            log.warning("the painting thread did not end in time", grace_s=grace_s)

    def _join(self) -> None:
        self._painting.shutdown(wait=True)
        self._encoding.shutdown(wait=True)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
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
        paint: Paint,
        source: bytes | None,
        latest: _Latest,
        stop: threading.Event,
    ) -> tuple[list[Picture], list[_EncodedFuture]]:
        def on_step(progress: Progress) -> None:
            latest.put(progress)
            if stop.is_set():
                raise Stopped

        if stop.is_set():
            raise Stopped
        image = None if source is None else decode_source(source)
        pictures: list[Picture] = []
        encoded: list[_EncodedFuture] = []
        for picture in painter.paint(paint, image, on_step):
            pictures.append(picture)
            encoded.append(self._encoding.submit(_encode, picture))
        return pictures, encoded


if TYPE_CHECKING:
    from concurrent.futures import Future

    _EncodedFuture = Future[Encoded]


def _encode(picture: Picture) -> Encoded:
    return Encoded(
        png=encode_png(picture.image, picture.paint),
        paint=picture.paint,
        index=picture.index,
        width=picture.image.width,
        height=picture.image.height,
    )


class _Latest:
    """Hands the newest progress from the painting thread to the loop, never a backlog."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_progress: Callable[[Progress], None]
    ) -> None:
        self._loop = loop
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._waiting: Progress | None = None
        self._open = True

    def put(self, progress: Progress) -> None:
        with self._lock:
            scheduled = self._waiting is not None
            self._waiting = progress
        if not scheduled:
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:  # the loop is closed: nobody listens any more
                raise Stopped from None

    def close(self) -> None:
        """From now on the loop hears nothing more of this painting."""
        self._open = False

    def _take(self) -> None:
        with self._lock:
            progress, self._waiting = self._waiting, None
        if progress is not None and self._open:
            self._on_progress(progress)
