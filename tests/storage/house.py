"""Shortens the tests of the storage: a clock to turn, people to name, orders to place."""

from __future__ import annotations

import json
from dataclasses import replace

from engine.request import Paint, Resolved
from storage.database import Database
from storage.jobs import Job, Jobs, Order, Rules
from storage.members import Members
from storage.people import People
from storage.pictures import NewPicture
from storage.places import Places

NOON = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR

WIDE = Rules(budget=100_000, waiting_per_person=1000, queue_limit=1000)
"""Rules nothing in these tests runs into."""


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> float:
        return self.time

    def turn(self, seconds: float) -> None:
        self.time += seconds


class House:
    """A database with people in it who order by name."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.jobs = Jobs(db)
        self.people = People(db)
        self.places = Places(db)
        self.members = Members(db)

    async def order(
        self,
        name: str = "ada",
        cost: float = 1.0,
        *,
        place: str = "page",
        address: str | None = None,
        key: str | None = None,
        prompt: str = "a red fox",
        count: int = 1,
        steps: int = 4,
        source: str | None = None,
    ) -> Order:
        """An order that nobody has placed yet."""
        person = await self.people.known("web", name)
        where = await self.places.known("web", place)
        paint = replace(PAINT, prompt=prompt, count=count, steps=steps, source=source)
        return Order(
            person=person.id,
            place=where.id,
            address=address,
            ask_json=json.dumps({"prompt": prompt}),
            resolved=Resolved(paint=paint, notes=(), cost=cost),
            key=key,
        )

    async def enqueue(self, order: Order, rules: Rules = WIDE) -> Job:
        """Place an order that is taken, and is new."""
        job, created = await self.jobs.enqueue(order, rules)
        assert created
        return job

    async def enqueued(self, name: str = "ada", cost: float = 1.0, *, place: str = "page") -> Job:
        """A new job of this person that waits."""
        return await self.enqueue(await self.order(name, cost, place=place))

    async def running(self, name: str = "ada", cost: float = 1.0) -> Job:
        """A new job of this person that is being painted."""
        await self.enqueued(name, cost)
        job = await self.jobs.claim()
        assert job is not None
        return job

    async def served(self) -> list[str]:
        """Paint everything that waits; the names of the people in the order they were served."""
        names = []
        while (job := await self.jobs.claim()) is not None:
            await self.jobs.finish(job.id, pictures_of(job))
            names.append((await self.people.get(job.person)).external)
        return names

    async def used(self, name: str = "ada", rules: Rules = WIDE) -> float:
        """What counts against this person's budget now."""
        person = await self.people.known("web", name)
        return (await self.jobs.usage(person.id, rules)).used


PAINT = Paint(prompt="", model="starter", width=256, height=256, steps=4, guidance=1.0, seed=7)


def pictures_of(job: Job) -> list[NewPicture]:
    """Rows for all pictures of a job, without files."""
    return [
        NewPicture(
            id=f"{job.public}-{index}",
            index=index,
            seed=job.paint.seed_of(index),
            file=f"{job.public}-{index}.png",
            width=job.paint.width,
            height=job.paint.height,
            bytes=0,
            sha256="",
        )
        for index in range(job.paint.count)
    ]
