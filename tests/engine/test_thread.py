"""The painting thread as the event loop sees it."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PIL import Image

from engine.errors import BadSource, BrokenModel, Stopped
from engine.painter import OnStep, Picture, Progress, Stage
from engine.request import Note, Paint, Upscale
from engine.thread import EngineFailed, EngineState, EngineThread

PAINT = Paint(
    prompt="a square", model="squares", width=16, height=16, steps=5, guidance=0.0, seed=3
)


class StepwisePainter:
    """Takes each step only when told to, so that a test decides what happens when."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.threads: set[str] = set()
        self.sources: list[Image.Image | None] = []

    def warm(self, model: str) -> None:
        self.threads.add(threading.current_thread().name)
        if model == "broken":
            raise BrokenModel("broken", "it is made of paper")

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        self.threads.add(threading.current_thread().name)
        self.sources.append(source)
        for index in range(paint.count):
            for step in range(1, paint.steps + 1):
                assert self.go.acquire(timeout=20)
                on_step(Progress(index=index, count=paint.count, step=step, steps=paint.steps))
            yield Picture(
                image=Image.new("RGB", (paint.width, paint.height), "red"),
                paint=paint.alone(index),
                index=index,
                notes=(Note(code="prompt_cut", field="prompt", model="squares"),),
                step_seconds=0.5,
                other_seconds=0.25,
                latents=bytes([index]),
            )

    def develop(self, paint: Paint, latents: bytes, on_step: OnStep) -> Picture:
        assert self.go.acquire(timeout=20)
        on_step(Progress(index=0, count=1, step=1, steps=1, stage=Stage.developing))
        image = Image.new("L", (paint.width, paint.height), latents[0])
        return Picture(image=image, paint=paint, index=0, step_seconds=1.0, other_seconds=0.0)


@asynccontextmanager
async def _engine(
    painter: StepwisePainter, warm: tuple[str, ...] = ("squares",)
) -> AsyncIterator[EngineThread]:
    engine = EngineThread(lambda: painter, warm)
    await engine.start()
    try:
        yield engine
    finally:
        painter.go.release(1000)
        await engine.close(grace_s=10)


async def test_pictures_come_back_encoded_with_their_seeds() -> None:
    """All pictures of a request, in order, as PNG files; equal notes are said once."""
    painter = StepwisePainter()
    painter.go.release(100)
    async with _engine(painter) as engine:
        painted = await engine.paint(replace(PAINT, count=3), None, lambda progress: None)
    assert [(p.index, p.paint.seed) for p in painted.pictures] == [(0, 3), (1, 4), (2, 5)]
    with Image.open(io.BytesIO(painted.pictures[1].png)) as image:
        assert image.size == (16, 16)
        assert "Seed: 4" in str(image.info["parameters"])
    assert len(painted.notes) == 1
    assert (painted.step_seconds, painted.other_seconds) == (0.5, 0.25)


async def test_everything_is_painted_in_one_thread_that_is_not_the_loops() -> None:
    """Warming and painting share a thread, since the networks belong to it."""
    painter = StepwisePainter()
    painter.go.release(100)
    async with _engine(painter) as engine:
        await asyncio.gather(*(engine.paint(PAINT, None, lambda p: None) for _ in range(3)))
    assert len(painter.threads) == 1
    assert painter.threads != {threading.main_thread().name}


async def test_a_slow_import_holds_nobody_up() -> None:
    """While the painter is made the loop goes on, and the state says warming."""
    made = threading.Event()

    def make() -> StepwisePainter:
        assert made.wait(20)
        return StepwisePainter()

    engine = EngineThread(make)
    states = [engine.state]
    await engine.start()
    await asyncio.sleep(0.05)
    states.append(engine.state)
    made.set()
    await engine.settled()
    states.append(engine.state)
    assert states == [EngineState.starting, EngineState.warming, EngineState.ready]
    await engine.close()


async def test_progress_is_the_latest_and_comes_on_the_loop() -> None:
    """A busy loop hears of the newest step only, never of a backlog."""
    painter = StepwisePainter()
    seen: list[int] = []
    async with _engine(painter) as engine:
        await engine.settled()
        task = asyncio.create_task(engine.paint(PAINT, None, lambda p: seen.append(p.step)))
        await asyncio.sleep(0.05)
        painter.go.release(4)
        time.sleep(0.3)  # noqa: ASYNC251 - the loop is busy on purpose
        await asyncio.sleep(0.05)
        assert seen == [4]
        painter.go.release(1)
        await task
    assert seen[-1] == 5


async def test_the_newest_preview_is_not_lost_to_a_step_without_one() -> None:
    """Not each step brings one; a busy loop hears of the last step, with the last preview."""

    class FirstShown(StepwisePainter):
        def paint(
            self, paint: Paint, source: Image.Image | None, on_step: OnStep
        ) -> Iterator[Picture]:
            return super().paint(
                paint,
                source,
                lambda p: on_step(replace(p, preview=b"first" if p.step == 1 else None)),
            )

    painter = FirstShown()
    seen: list[tuple[int, bytes | None]] = []
    async with _engine(painter) as engine:
        await engine.settled()
        paint = replace(PAINT, count=2)
        task = asyncio.create_task(
            engine.paint(paint, None, lambda p: seen.append((p.step, p.preview)))
        )
        await asyncio.sleep(0.05)
        painter.go.release(3)
        time.sleep(0.3)  # noqa: ASYNC251 - the loop is busy on purpose
        await asyncio.sleep(0.05)
        assert seen == [(3, b"first")]
        painter.go.release(7)
        await task


async def test_stop_takes_effect_at_the_next_step_and_spares_the_next_job() -> None:
    """The stopped painting raises `Stopped`; the one after it is painted whole."""
    painter = StepwisePainter()
    async with _engine(painter) as engine:
        first = asyncio.create_task(engine.paint(PAINT, None, lambda p: None))
        await engine.settled()
        await asyncio.sleep(0.05)
        engine.stop_painting()
        painter.go.release(1)
        with pytest.raises(Stopped):
            await first
        painter.go.release(5)
        assert len((await engine.paint(PAINT, None, lambda p: None)).pictures) == 1


async def test_cancelling_the_task_stops_the_thread_behind_it() -> None:
    """A cancelled await does not leave a painting running unseen."""
    painter = StepwisePainter()
    async with _engine(painter) as engine:
        await engine.settled()
        task = asyncio.create_task(engine.paint(PAINT, None, lambda p: None))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        painter.go.release(6)  # the one step it was in, then five of the next
        painted = await asyncio.wait_for(engine.paint(PAINT, None, lambda p: None), 10)
        assert len(painted.pictures) == 1


async def test_a_broken_model_leaves_the_engine_ready() -> None:
    """One model that cannot be warmed is reported; the engine goes on with the others."""
    painter = StepwisePainter()
    painter.go.release(100)
    async with _engine(painter, warm=("broken", "squares")) as engine:
        await engine.settled()
        assert engine.state is EngineState.ready
        assert "made of paper" in engine.broken["broken"]
        assert len((await engine.paint(PAINT, None, lambda p: None)).pictures) == 1


async def test_an_engine_that_cannot_start_says_so() -> None:
    """Libraries that do not load fail the painting, and never hang it."""

    def fail() -> StepwisePainter:
        raise ImportError("no such library")

    engine = EngineThread(fail)
    await engine.start()
    await engine.settled()
    assert engine.state is EngineState.failed
    with pytest.raises(EngineFailed):
        await engine.paint(PAINT, None, lambda p: None)
    await engine.close()


async def test_a_source_is_decoded_in_the_thread() -> None:
    """Good bytes reach the painter as a picture, bad ones are refused."""
    painter = StepwisePainter()
    painter.go.release(100)
    out = io.BytesIO()
    Image.new("RGB", (9, 5)).save(out, "PNG")
    async with _engine(painter) as engine:
        await engine.paint(PAINT, out.getvalue(), lambda p: None)
        with pytest.raises(BadSource):
            await engine.paint(PAINT, b"rubbish", lambda p: None)
    assert painter.sources[0] is not None
    assert painter.sources[0].size == (9, 5)


async def test_a_second_look_gets_what_the_first_one_left() -> None:
    """Latents come out beside the picture, and go in again as they are."""
    painter = StepwisePainter()
    painter.go.release(100)
    async with _engine(painter) as engine:
        first = await engine.paint(replace(PAINT, count=2), None, lambda progress: None)
        assert [each.latents for each in first.pictures] == [b"\0", b"\1"]
        seen: list[Progress] = []
        look = replace(PAINT, latents_of="picture:1")
        second = await engine.paint(look, first.pictures[1].latents, seen.append)
        with Image.open(io.BytesIO(second.pictures[0].png)) as image:
            assert image.getpixel((0, 0)) == 1
        assert (second.step_seconds, second.pictures[0].latents) == (1.0, None)


async def test_only_what_is_enlarged_keeps_its_transparency() -> None:
    """Painting starts from an opaque picture; large stored ones are read whatever their size."""
    out = io.BytesIO()
    Image.new("RGBA", (9000, 2), (0, 0, 0, 0)).save(out, "PNG")
    painter = StepwisePainter()
    painter.go.release(100)
    async with _engine(painter) as engine:
        pure = replace(PAINT, upscale=Upscale(scale=2, network="x", of="upload:1"))
        for paint in (PAINT, pure):
            await engine.paint(paint, out.getvalue(), lambda progress: None)
        assert [each.mode for each in painter.sources if each is not None] == ["RGB", "RGBA"]
