"""What becomes of jobs: painted, cancelled, failed, interrupted, delivered."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.desk.announcer import EventName
from bot.desk.delivery import Later, Undeliverable
from bot.desk.studio import Asker
from engine.errors import BrokenModel
from engine.request import Ask, Paint
from engine.thread import EngineState
from storage.errors import DiskFull
from storage.jobs import Job, JobState
from storage.pictures import PictureRow
from tests.bot.desk import Desk, open_desk
from tests.fakes import ListCourier, SquarePainter


async def _painting(desk: Desk, job: Job) -> None:
    """Wait until the job is on the easel."""
    await desk.until(lambda: desk.line.painting and desk.line.painting.job.id == job.id)


async def _decoded(desk: Desk, asker: Asker, row: PictureRow) -> tuple[tuple[int, int], Any]:
    _, path = await desk.studio.picture(asker, row.id)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return image.size, image.getpixel((0, 0))


async def test_a_job_becomes_pictures(tmp_path: Path) -> None:
    """Every picture of a request is stored with its own seed, and the job is done and delivered."""
    async with open_desk(tmp_path) as desk:
        job = await desk.order(seed=7, count=2, width=48, height=32)
        done = await desk.outcome(job)
        assert (done.state, done.charge) == (JobState.DONE, done.cost)
        await desk.until(lambda: desk.courier.delivered)
        ((told, pictures),) = desk.courier.delivered
        assert told.public == job.public
        assert [p.seed for p in pictures] == [7, 8]
        asker = await desk.asker()
        assert await _decoded(desk, asker, pictures[1]) == ((48, 32), (8, 0, 0))
        assert (await desk.until(lambda: _delivered(desk, job))).delivered_at


async def _delivered(desk: Desk, job: Job) -> Job | None:
    now = await desk.jobs.by_id(job.id)
    return now if now.delivered_at else None


async def test_a_watcher_sees_the_way_from_the_line_to_the_picture(tmp_path: Path) -> None:
    """Events come in order, carry progress and previews, and end with the pictures' ids."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        first, second = await desk.order("one"), await desk.order("two")
        await _painting(desk, first)
        seen: list[Any] = []

        async def watch() -> None:
            asker = await desk.asker()
            async with desk.studio.watch(asker, second.public) as events:
                async for event in events:
                    seen.append(event)

        watching = asyncio.create_task(watch())
        await desk.until(lambda: seen)
        assert (seen[0].name, seen[0].position) == (EventName.queued, 1)
        assert seen[0].eta_s > 0
        desk.painter.step(4)
        await _painting(desk, second)
        for step in range(1, 5):
            desk.painter.step()
            if step < 4:
                await desk.until(partial(_reached, seen, step))
        await asyncio.wait_for(watching, 10)
        done = seen[-1]
        pictures = await desk.pictures.of_job(second.id)
        assert (done.name, done.pictures) == (EventName.done, (pictures[0].id,))
        previews = [e.progress.preview for e in seen if e.name is EventName.preview]
        assert b"preview 0.1" in previews
        names = [e.name for e in seen]
        assert names.index(EventName.queued) < names.index(EventName.step)
        assert desk.announcer.watched() == frozenset()


def _reached(seen: list[Any], step: int) -> bool:
    return seen[-1].progress is not None and seen[-1].progress.step == step


async def test_somebody_who_comes_late_learns_how_it_stands(tmp_path: Path) -> None:
    """Watching a running job begins with its latest step; watching a finished one with its end."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        job = await desk.order()
        await _painting(desk, job)
        desk.painter.step(2)
        painting = desk.line.painting
        assert painting is not None
        await desk.until(lambda: painting.progress and painting.progress.step == 2)
        async with desk.studio.watch(await desk.asker(), job.public) as events:
            event = await anext(events)
            assert event.name is EventName.step
            assert event.progress is not None
            assert event.progress.step == 2
            view = await desk.studio.view(await desk.asker(), job.public)
            assert view.progress == event.progress
        desk.painter.release()
        await desk.outcome(job)
        (event,) = await desk.events(job)
        assert (event.name, len(event.pictures)) == (EventName.done, 1)


async def test_a_waiting_job_is_cancelled_at_once(tmp_path: Path) -> None:
    """It never reaches the painter and costs nothing; cancelling again changes nothing."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        first, second = await desk.order("one"), await desk.order("two")
        await _painting(desk, first)
        asker = await desk.asker()
        cancelled = await desk.studio.cancel(asker, second.public)
        assert (cancelled.state, cancelled.charge) == (JobState.CANCELLED, 0)
        assert (await desk.studio.cancel(asker, second.public)).state is JobState.CANCELLED
        (event,) = await desk.events(second)
        assert event.name is EventName.cancelled
        desk.painter.release()
        await desk.outcome(first)
        assert [paint.prompt for paint in desk.painter.painted] == ["one"]


async def test_cancelling_while_painting_keeps_the_share_that_was_painted(tmp_path: Path) -> None:
    """It stops within a step, costs what was done, and the next job follows."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        job, other = await desk.order("one", steps=8), await desk.order("two")
        await _painting(desk, job)
        desk.painter.step(2)
        painting = desk.line.painting
        assert painting is not None
        await desk.until(lambda: painting.progress and painting.progress.step == 2)
        asker = await desk.asker()
        cancelling = asyncio.create_task(desk.studio.cancel(asker, job.public))
        await desk.until(lambda: painting.cancelled)
        desk.painter.step()
        cancelled = await cancelling
        assert cancelled.state is JobState.CANCELLED
        assert cancelled.cost == 2.0
        assert cancelled.charge in (0.5, 0.75)  # 2 of 8 steps, or the one it stopped in as well
        desk.painter.release()
        assert (await desk.outcome(other)).state is JobState.DONE
        assert await desk.pictures.of_job(job.id) == []


async def test_no_moment_is_too_early_for_a_cancel(tmp_path: Path) -> None:
    """Waiting, just claimed, about to be painted: whenever it comes before the end, it is heard."""
    async with open_desk(tmp_path, budget=1000) as desk:
        desk.painter.pace_s = 0.005
        for moment in range(24):
            job = await desk.order(steps=50)
            for _ in range(moment):
                await asyncio.sleep(0)
            await desk.studio.cancel(await desk.asker(), job.public)
            assert (await desk.outcome(job)).state is JobState.CANCELLED
            await desk.until(lambda: desk.line.painting is None)


async def test_a_failure_is_refunded_told_once_and_logged_with_its_number(tmp_path: Path) -> None:
    """The budget is as before, the person hears once, the traceback stands under the job's id."""

    def fail(paint: Paint) -> None:
        raise RuntimeError("the canvas tore")

    async with open_desk(tmp_path) as desk:
        desk.painter.fail = fail
        with capture_logs(processors=[merge_contextvars]) as logs:
            job = await desk.order()
            failed = await desk.outcome(job)
            await desk.until(lambda: desk.courier.delivered)
        assert (failed.state, failed.error, failed.charge) == (
            JobState.FAILED,
            "engine_failed",
            0,
        )
        assert (await desk.studio.usage(await desk.asker())).used == 0
        (line,) = [line for line in logs if line.get("exc_info")]
        assert (line["event"], line["job"]) == ("painting failed", job.public)
        (event,) = await desk.events(job)
        assert (event.name, event.code) == (EventName.failed, "engine_failed")
        desk.painter.fail = lambda paint: None
        assert (await desk.outcome(await desk.order())).state is JobState.DONE
        await desk.until(lambda: len(desk.courier.delivered) == 2)


async def test_a_model_that_turns_out_broken_fails_only_its_own_jobs(tmp_path: Path) -> None:
    """The reason is kept as a code, and the service runs on."""

    def fail(paint: Paint) -> None:
        if paint.model == "plain":
            raise BrokenModel("plain", "half of it is missing")

    async with open_desk(tmp_path) as desk:
        desk.painter.fail = fail
        failed = await desk.outcome(await desk.order(model="plain"))
        assert failed.error == "broken_model"
        assert (await desk.outcome(await desk.order())).state is JobState.DONE


async def test_a_picture_that_does_not_fit_is_painted_again_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job waits on, nothing of it stays on the disk, nothing new is taken on meanwhile."""
    writes = 0
    fsync = os.fsync

    def full(descriptor: int) -> None:
        nonlocal writes
        writes += 1
        if writes > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    async with open_desk(tmp_path) as desk:
        monkeypatch.setattr("os.fsync", full)
        job = await desk.order(count=4)
        await desk.until(lambda: desk.disk.full)
        await desk.until(lambda: desk.line.painting is None)
        assert (await desk.jobs.by_id(job.id)).state is JobState.QUEUED
        assert not [f for f in (tmp_path / "pictures").rglob("*") if f.is_file()]
        assert not await desk.disk.look()
        with pytest.raises(DiskFull):
            await desk.order()
        monkeypatch.undo()
        assert await desk.disk.look()
        desk.worker.wake()
        assert (await desk.outcome(job)).state is JobState.DONE
        assert (await desk.outcome(await desk.order())).state is JobState.DONE


async def test_a_job_that_never_fits_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    """It is tried three times, then it has failed with the reason, refunded."""
    painter = SquarePainter()

    def fail(paint: Paint) -> None:
        if paint.prompt == "too large":
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    painter.fail = fail
    async with open_desk(tmp_path, painter=painter) as desk:
        job = await desk.order("too large")
        for _ in range(3):
            await desk.until(lambda: desk.disk.full)
            assert await desk.disk.look()
            desk.worker.wake()
        failed = await desk.outcome(job)
        assert (failed.state, failed.error, failed.charge) == (JobState.FAILED, "disk_full", 0.0)
        assert (await desk.outcome(await desk.order("small"))).state is JobState.DONE


async def test_while_the_reserve_is_touched_jobs_wait_and_go_on_by_themselves(
    tmp_path: Path,
) -> None:
    """Nothing is lost and nobody has to do anything but make room."""
    free = 10**12
    async with open_desk(tmp_path, free=lambda _: free) as desk:
        watching = asyncio.create_task(desk.disk.watch(desk.worker.wake))
        await desk.outcome(await desk.order())
        desk.painter.hold()
        first, second = await desk.order(), await desk.order()
        await desk.until(lambda: desk.line.painting is not None)
        free = 1000
        desk.painter.release()
        assert (await desk.outcome(first)).state is JobState.DONE  # the reserve is for this
        with pytest.raises(DiskFull) as refused:
            await desk.order()
        assert (refused.value.free, refused.value.reserve) == (1000, 500_000_000)
        assert (await desk.jobs.by_id(second.id)).state is JobState.QUEUED
        free = 10**12
        assert (await desk.outcome(second)).state is JobState.DONE
        watching.cancel()


async def test_jobs_wait_while_the_engine_warms_up(tmp_path: Path) -> None:
    """People are answered at once, first in line; painting begins when the engine is ready."""
    async with open_desk(tmp_path, warm=False) as desk:
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="a fox"))
        assert (ticket.position, ticket.warming) == (1, True)
        assert ticket.eta_s is not None
        assert ticket.eta_s > 3
        await asyncio.sleep(0.05)
        assert (await desk.jobs.by_id(ticket.job.id)).state is JobState.QUEUED
        desk.painter.warm_up.set()
        assert (await desk.outcome(ticket.job)).state is JobState.DONE


async def test_an_engine_that_cannot_start_keeps_the_jobs(tmp_path: Path) -> None:
    """They stay in line, without an estimate that nobody could keep."""

    class Hopeless(SquarePainter):
        def warm(self, model: str) -> None:
            raise ImportError("no such library")

    async with open_desk(tmp_path, painter=Hopeless()) as desk:
        assert desk.engine.state is EngineState.failed
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="a fox"))
        assert (ticket.position, ticket.eta_s, ticket.warming) == (1, None, False)
        assert (await desk.jobs.by_id(ticket.job.id)).state is JobState.QUEUED


async def test_what_was_interrupted_is_painted_after_the_next_start(tmp_path: Path) -> None:
    """A job found running at the start waits again with one death more, and is painted."""
    async with open_desk(tmp_path, running=False) as desk:
        job = await desk.order()
        assert await desk.jobs.claim() is not None
    async with open_desk(tmp_path) as desk:
        done = await desk.outcome(job)
        assert (done.state, done.deaths) == (JobState.DONE, 1)


async def test_a_poison_job_is_given_up_and_told(tmp_path: Path) -> None:
    """After its last chance it has failed, is refunded, and its person hears of it at the start."""
    async with open_desk(tmp_path, running=False, attempts=1) as desk:
        job = await desk.order()
        assert await desk.jobs.claim() is not None
        (again,) = (await desk.jobs.recover(1)).requeued
        assert again.last_chance
        assert await desk.jobs.claim() is not None
    async with open_desk(tmp_path, attempts=1) as desk:
        await desk.until(lambda: desk.courier.delivered)
        ((told, pictures),) = desk.courier.delivered
        assert (told.public, told.error, told.charge, pictures) == (job.public, "gave_up", 0, ())
        assert desk.painter.painted == []


async def test_an_orderly_stop_lets_a_short_painting_finish(tmp_path: Path) -> None:
    """Within the grace it is stored; what waits keeps waiting."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        job, other = await desk.order("one"), await desk.order("two")
        await _painting(desk, job)
        closing = asyncio.create_task(desk.worker.close(10))
        await asyncio.sleep(0.02)
        desk.painter.step(4)
        await closing
        assert (await desk.jobs.by_id(job.id)).state is JobState.DONE
        assert (await desk.jobs.by_id(other.id)).state is JobState.QUEUED


async def test_an_orderly_stop_puts_a_long_painting_back_without_a_death(tmp_path: Path) -> None:
    """It is no fault of the job's, and the next start paints it first."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        job = await desk.order("one")
        await _painting(desk, job)
        desk.painter.step()
        closing = asyncio.create_task(desk.worker.close(0.02))
        await asyncio.sleep(0.1)
        desk.painter.step()
        await closing
        back = await desk.jobs.by_id(job.id)
        assert (back.state, back.deaths, back.started_at) == (JobState.QUEUED, 0, None)
    async with open_desk(tmp_path) as desk:
        assert (await desk.outcome(job)).state is JobState.DONE


async def test_a_cancelled_worker_puts_its_job_back(tmp_path: Path) -> None:
    """However the loop ends, no job is left running on paper."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        job = await desk.order()
        await _painting(desk, job)
        assert desk.worker._task is not None
        desk.worker._task.cancel()
        await asyncio.wait({desk.worker._task})
        assert (await desk.jobs.by_id(job.id)).state is JobState.QUEUED


async def test_the_worker_survives_a_storage_that_stumbles(tmp_path: Path) -> None:
    """An error while claiming is logged, waited out, and the job is painted all the same."""
    async with open_desk(tmp_path, running=False) as desk:
        job = await desk.order()

        class Stumbling:
            """The real jobs, whose first claims fail."""

            def __init__(self) -> None:
                self.left = 2

            def __getattr__(self, name: str) -> Any:
                return getattr(desk.jobs, name)

            async def claim(self, loaded: Collection[str] = ()) -> Job | None:
                if self.left:
                    self.left -= 1
                    raise OSError("the disk sleeps")
                return await desk.jobs.claim(loaded)

        stumbling: Any = Stumbling()
        desk.worker._jobs = stumbling
        await desk.engine.start()
        with capture_logs() as logs:
            working = asyncio.create_task(desk.worker.run())
            assert (await desk.outcome(job)).state is JobState.DONE
        await desk.worker.close(1)
        await working
        assert [line["event"] for line in logs].count("the worker stumbled and goes on") == 2


async def test_a_job_that_runs_only_on_paper_is_put_back(tmp_path: Path) -> None:
    """If its end could not be written down, it does not block the line for ever."""
    async with open_desk(tmp_path, running=False) as desk:
        job = await desk.order()

        class Forgetful:
            """The real jobs, which cannot write down the first end and its failure."""

            def __init__(self) -> None:
                self.left = 1

            def __getattr__(self, name: str) -> Any:
                return getattr(desk.jobs, name)

            async def finish(self, job_id: int, *what: Any) -> Job | None:
                if self.left:
                    raise OSError(errno.ENOSPC, "disk full")
                return await desk.jobs.finish(job_id, *what)

            async def fail(self, job_id: int, error: str) -> Job | None:
                if self.left:
                    self.left -= 1
                    raise OSError(errno.ENOSPC, "disk full")
                return await desk.jobs.fail(job_id, error)

        forgetful: Any = Forgetful()
        desk.worker._jobs = desk.worker._easel._jobs = forgetful
        await desk.engine.start()
        working = asyncio.create_task(desk.worker.run())
        assert (await desk.outcome(job)).state is JobState.DONE
        await desk.worker.close(1)
        await working
        assert len(await desk.pictures.of_job(job.id)) == 1
        assert len(list((tmp_path / "pictures").rglob("*.png"))) == 1


async def test_a_source_that_is_gone_fails_kindly(tmp_path: Path) -> None:
    """A picture deleted while the job that starts from it waits: refunded, with the reason."""
    async with open_desk(tmp_path) as desk:
        asker = await desk.asker()
        first = await desk.outcome(await desk.order())
        (row,) = await desk.pictures.of_job(first.id)
        desk.painter.hold()
        blocking = await desk.order("something else")
        await _painting(desk, blocking)
        varied = await desk.order("again", source=f"picture:{row.id}", strength=0.5)
        await desk.studio.delete_picture(asker, row.id)
        desk.painter.release()
        failed = await desk.outcome(varied)
        assert (failed.error, failed.charge) == ("source_gone", 0)


async def test_sources_reach_the_painter(tmp_path: Path) -> None:
    """An uploaded picture and one of our own are both handed over as pixels."""
    async with open_desk(tmp_path) as desk:
        file = io.BytesIO()
        Image.new("RGB", (20, 10), (1, 2, 3)).save(file, "PNG")
        upload = await desk.studio.upload(await desk.asker(), file.getvalue())
        first = await desk.outcome(await desk.order(source=upload, strength=0.5))
        assert first.state is JobState.DONE
        (row,) = await desk.pictures.of_job(first.id)
        await desk.outcome(await desk.order(source=f"picture:{row.id}"))
        sizes = [source.size for source in desk.painter.sources if source is not None]
        assert sizes == [(20, 10), (32, 32)]


async def test_speeds_are_learned(tmp_path: Path) -> None:
    """After one painting the estimate is what was measured."""
    async with open_desk(tmp_path) as desk:
        await desk.outcome(await desk.order())
        learned = await desk.until(lambda: desk.speeds.estimate("squares", 32, 32, False, 4, 2))
        assert learned == 2 * (4 * 0.25 + 0.5)


async def test_deliveries_are_retried_until_they_arrive(tmp_path: Path) -> None:
    """A platform that stumbles gets the job again, once it works exactly once."""
    async with open_desk(tmp_path) as desk:
        desk.courier.refuse = [ConnectionError("away"), ConnectionError("still away")]
        job = await desk.order()
        await desk.until(lambda: desk.courier.delivered)
        await desk.until(lambda: _delivered(desk, job))
        await asyncio.sleep(0.1)
        assert (desk.courier.tries, len(desk.courier.delivered)) == (3, 1)


async def test_a_platform_that_is_back_gets_everything_at_once(tmp_path: Path) -> None:
    """After an outage nobody waits for the end of a backoff that has grown long."""
    async with open_desk(tmp_path) as desk:
        desk.deliverer._first_backoff_s = 500.0
        desk.courier.refuse = [ConnectionError("away")]
        job = await desk.order()
        await desk.until(lambda: desk.courier.tries == 1)
        desk.deliverer.wake()
        await asyncio.sleep(0.1)
        assert desk.courier.tries == 1
        desk.deliverer.wake(back="elsewhere")
        await asyncio.sleep(0.1)
        assert desk.courier.tries == 1
        desk.deliverer.wake(back="test")
        await desk.until(lambda: _delivered(desk, job))


async def test_a_courier_that_is_held_up_lets_others_go_first(tmp_path: Path) -> None:
    """`Later` is no failure: asked again when it said, and the pause does not grow."""
    async with open_desk(tmp_path) as desk:
        desk.deliverer._first_backoff_s = 500.0
        desk.courier.refuse = [Later(0.01)] * 5
        job = await desk.order()
        await desk.until(lambda: _delivered(desk, job))
        assert desk.courier.tries == 6


async def test_what_cannot_be_delivered_is_not_tried_for_ever(tmp_path: Path) -> None:
    """A chat that is gone: the pictures stay in the history, and nobody asks again."""
    async with open_desk(tmp_path) as desk:
        desk.courier.refuse = [Undeliverable("the chat was deleted")]
        job = await desk.order()
        await desk.until(lambda: _delivered(desk, job))
        assert desk.courier.tries == 1
        (view,) = await desk.studio.history(await desk.asker())
        assert len(view.pictures) == 1


async def test_undelivered_results_are_delivered_after_the_next_start(tmp_path: Path) -> None:
    """Stored before told: a platform that was away hears of it from the next process."""
    async with open_desk(tmp_path) as desk:
        desk.courier.refuse = [ConnectionError("away")] * 1000
        job = await desk.outcome(await desk.order())
    async with open_desk(tmp_path) as desk:
        await desk.until(lambda: desk.courier.delivered)
        assert desk.courier.delivered[0][0].public == job.public


async def test_a_slow_platform_holds_up_nobody_else(tmp_path: Path) -> None:
    """Each courier has its own pace."""

    class Slow(ListCourier):
        async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
            self.tries += 1
            await asyncio.Event().wait()

    slow = Slow("slow")
    async with open_desk(tmp_path, couriers=(slow,)) as desk:
        sleepy = await desk.studio.asker("slow", "bob", place="den")
        for _ in range(2):
            await desk.studio.paint(sleepy, Ask(prompt="zzz"))
        await desk.until(lambda: slow.tries == 2)
        await desk.order()
        await desk.until(lambda: desk.courier.delivered)


async def test_news_do_not_drown_the_end(tmp_path: Path) -> None:
    """Told to end in the very moment in which something is to be delivered, deliveries end."""
    async with open_desk(tmp_path, running=False) as desk:
        for moment in range(5):
            delivering = asyncio.create_task(desk.deliverer.run())
            await asyncio.sleep(0.05)
            desk.deliverer.wake()
            for _ in range(moment):
                await asyncio.sleep(0)
            delivering.cancel()
            ended, _ = await asyncio.wait({delivering}, timeout=3)
            assert ended, moment


async def test_people_hear_how_they_move_up(tmp_path: Path) -> None:
    """Whoever watches a waiting job learns its new position when one before it is over."""
    async with open_desk(tmp_path) as desk:
        desk.painter.hold()
        jobs = [await desk.order(str(n)) for n in range(3)]
        await _painting(desk, jobs[0])
        asker = await desk.asker()
        async with desk.studio.watch(asker, jobs[2].public) as events:
            event = await anext(events)
            assert (event.name, event.position) == (EventName.queued, 2)
            desk.painter.step(4)
            async with asyncio.timeout(10):
                async for event in events:
                    if event.position == 1:
                        break
            assert event.name is EventName.queued


async def test_the_estimate_counts_what_is_left(tmp_path: Path) -> None:
    """Own work plus all before it plus the rest of what is painted, from learned speeds."""
    async with open_desk(tmp_path, running=False) as desk:
        await desk.speeds.learn("squares", 32, 32, False, 1.0, 2.0)
        desk.engine.state = EngineState.ready
        first, second = await desk.order("one"), await desk.order("two", count=2)
        assert (await desk.line.standing(first)).eta_s == pytest.approx(6)
        assert (await desk.line.standing(second)).eta_s == pytest.approx(6 + 12)
        rows = await desk.line.standings(10)
        assert [(standing.position, standing.eta_s) for _, standing in rows] == [(1, 6), (2, 18)]
        assert [job.public for job, _ in rows] == [first.public, second.public]
