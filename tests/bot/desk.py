"""A whole desk for tests: real storage, real engine thread, squares for pictures."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from PIL.Image import Image

from bot.desk.album import Album
from bot.desk.announcer import Announcer, Event
from bot.desk.delivery import Courier, Deliverer
from bot.desk.disk import Disk
from bot.desk.estimates import Estimates
from bot.desk.forgetting import Farewell
from bot.desk.keeping import Keeper
from bot.desk.line import Line
from bot.desk.office import Office
from bot.desk.studio import Asker, Studio
from bot.desk.swaps import Swaps
from bot.desk.veils import Veils
from bot.desk.worker import Worker
from bot.wiring import make_keeper
from engine.catalogue import Catalogue
from engine.request import Ask
from engine.thread import EngineThread
from storage.albums import Albums
from storage.audit import Audit
from storage.database import Database
from storage.facts import Facts
from storage.files import free_bytes
from storage.forgetting import Forgetting
from storage.jobs import Job, Jobs
from storage.members import Members
from storage.people import People
from storage.pictures import Pictures
from storage.places import Places
from storage.prompts import Prompts
from storage.sources import Sources
from storage.speeds import Speeds
from tests.fakes import GivenSettings, ListCourier, SquarePainter, catalogue, networks

PATIENCE_S = 20.0


@dataclass(slots=True, kw_only=True)
class Desk:
    """Everything a test may want to touch."""

    studio: Studio
    worker: Worker
    engine: EngineThread
    painter: SquarePainter
    courier: ListCourier
    announcer: Announcer
    deliverer: Deliverer
    line: Line
    swaps: Swaps
    jobs: Jobs
    people: People
    places: Places
    pictures: Pictures
    speeds: Speeds
    members: Members
    office: Office
    facts: Facts
    audit: Audit
    sources: Sources
    keeper: Keeper
    disk: Disk
    farewell: Farewell

    async def asker(self, who: str = "ann", place: str = "room", **more: Any) -> Asker:
        """Somebody in a chat of the platform "test"."""
        return await self.studio.asker("test", who, place=place, **more)

    async def order(self, prompt: str = "a fox", who: str = "ann", **ask: Any) -> Job:
        """A job that was just taken on."""
        ticket = await self.studio.paint(await self.asker(who), Ask(prompt=prompt, **ask))
        return ticket.job

    async def outcome(self, job: Job) -> Job:
        """The job once it is over."""
        over: Job = await self.until(lambda: self._over(job))
        return over

    async def until(self, look: Callable[[], Any]) -> Any:
        """What `look` returns (or its coroutine), once that is true."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = look()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.005)

    async def events(self, job: Job, who: str = "ann") -> list[Event]:
        """All events of a job that a watcher gets, to the final one."""
        async with asyncio.timeout(PATIENCE_S):
            async with self.studio.watch(await self.asker(who), job.public) as events:
                return [event async for event in events]

    async def _over(self, job: Job) -> Job | None:
        now = await self.jobs.by_id(job.id)
        return now if now.state.final else None


@asynccontextmanager
async def open_desk(
    data: Path,
    *,
    painter: SquarePainter | None = None,
    couriers: tuple[Courier, ...] = (),
    running: bool = True,
    warm: bool = True,
    models: Catalogue | None = None,
    clock: Callable[[], float] = time,
    free: Callable[[Path], int] = free_bytes,
    judge: Callable[[Image], float] | None = None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """A desk on the data folder `data`; with `running`, its worker and deliverer are at work."""
    chosen = GivenSettings(**{"data": data, "model": "squares", **settings})
    painter = painter or SquarePainter()
    if not warm:
        painter.warm_up.clear()
    db = await Database.open(data, clock=clock)
    files = ThreadPoolExecutor(2)
    make_judge = None if judge is None else (lambda: judge)
    engine = EngineThread(lambda: painter, ("squares",), make_judge=make_judge)
    jobs, speeds, offered = Jobs(db), Speeds(db), models or catalogue()
    pictures, sources = Pictures(db, data / "pictures"), Sources(db, data / "sources")
    estimates = Estimates(speeds=speeds, catalogue=offered, networks=networks())
    swaps = Swaps(speeds=speeds, catalogue=offered, memory_bytes=chosen.memory_bytes)
    line = Line(jobs=jobs, estimates=estimates, engine=engine, swaps=swaps)
    places = Places(db)
    announcer, courier = Announcer(), ListCourier()
    deliverer = Deliverer(
        jobs=jobs, pictures=pictures, couriers=(courier, *couriers), first_backoff_s=0.02
    )
    disk = Disk(data, chosen.reserve_bytes, free)
    worker = Worker(
        jobs=jobs,
        pictures=pictures,
        sources=sources,
        speeds=speeds,
        engine=engine,
        line=line,
        announcer=announcer,
        deliverer=deliverer,
        disk=disk,
        files=files,
        attempts=chosen.attempts,
        first_backoff_s=0.02,
        swaps=swaps,
        veils=Veils(
            places=places,
            judged=judge is not None,
            flagged=chosen.safety_flagged,
            harm=chosen.safety_threshold,
        ),
    )
    people, seeds = People(db), itertools.count(100)
    members, prompts, forgetting = Members(db), Prompts(db), Forgetting(db)
    farewell = Farewell(
        forgetting=forgetting, people=people, pictures=pictures, sources=sources, worker=worker
    )
    keeper = make_keeper(
        db, chosen, pictures=pictures, sources=sources, farewell=farewell, clock=clock
    )
    album = Album(
        albums=Albums(db, prompts),
        prompts=prompts,
        jobs=jobs,
        pictures=pictures,
        files=files,
        most_pins=chosen.pins,
    )
    studio = Studio(
        networks=networks(),
        catalogue=offered,
        jobs=jobs,
        people=people,
        places=places,
        members=members,
        pictures=pictures,
        sources=sources,
        line=line,
        announcer=announcer,
        worker=worker,
        album=album,
        farewell=farewell,
        disk=disk,
        files=files,
        settings=chosen,
        draw_seed=lambda: next(seeds),
        clock=clock,
    )
    audit = Audit(db)
    office = Office(
        catalogue=offered,
        studio=studio,
        jobs=jobs,
        people=people,
        places=places,
        members=members,
        audit=audit,
        worker=worker,
        settings=chosen,
    )
    tasks = []
    if running:
        await engine.start()
        if warm:
            await engine.settled()
        tasks = [asyncio.create_task(worker.run()), asyncio.create_task(deliverer.run())]
    try:
        yield Desk(
            studio=studio,
            worker=worker,
            engine=engine,
            painter=painter,
            courier=courier,
            announcer=announcer,
            deliverer=deliverer,
            line=line,
            swaps=swaps,
            jobs=jobs,
            people=people,
            places=places,
            pictures=pictures,
            speeds=speeds,
            members=members,
            office=office,
            facts=Facts(db),
            audit=audit,
            sources=sources,
            keeper=keeper,
            disk=disk,
            farewell=farewell,
        )
    finally:
        painter.release()
        await worker.close(0.0)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await engine.close(10.0)
        files.shutdown()
        await db.close()
    for result in ended:
        assert result is None or isinstance(result, asyncio.CancelledError), result
