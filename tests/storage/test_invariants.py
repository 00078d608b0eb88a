"""Whatever happens in whatever order, the books balance: a model in plain Python checks them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.errors import Refusal
from storage.database import Database
from storage.errors import KeyReused, OverBudget, Paused, QueueFull, TooManyWaiting
from storage.jobs import Rules
from tests.storage.house import DAY, HOUR, WIDE, Clock, House, pictures_of

ATTEMPTS = 2
RULES = Rules(
    budget=5.0,
    person_in_place=4.0,
    place=8.0,
    address=6.0,
    waiting_per_person=4,
    queue_limit=9,
)
PEOPLE = ("ada", "bob", "eve")
PLACES = ("page", "server")
ADDRESSES = (None, "10.0.0.1")
T = TypeVar("T")


@dataclass
class Known:
    """A job as it should be; money in hundredths."""

    id: int
    name: str
    place: str
    address: str | None
    cost: int
    turn: int
    created_at: float
    count: int
    key: str | None
    state: str = "queued"
    charge: int = 0
    deaths: int = 0
    last_chance: bool = False


@dataclass
class Model:
    """The whole storage in one list."""

    jobs: list[Known] = field(default_factory=list)
    clock: int = 0
    paused: set[str] = field(default_factory=set)

    def line(self) -> list[Known]:
        return sorted((j for j in self.jobs if j.state == "queued"), key=lambda j: (j.turn, j.id))

    def running(self) -> Known | None:
        return next((j for j in self.jobs if j.state == "running"), None)

    def used(self, now: float, **scope: str | None) -> int:
        return sum(
            j.charge
            for j in self.jobs
            if j.created_at + DAY > now and all(getattr(j, k) == v for k, v in scope.items())
        )

    def next_turn(self, name: str, cost: int) -> int:
        own = [j.turn for j in self.line() if j.name == name and not j.last_chance]
        return cost + max([self.clock, *own])


class Bookkeeping(RuleBasedStateMachine):
    """Random orders, paintings, ends and deaths, against the model."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.model = Model()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> None:
        db = self.do(Database.open(Path(self.folder.name), clock=self.clock))
        self.house = House(db, self.clock)

    @initialize()
    def start(self) -> None:
        self.open()

    def teardown(self) -> None:
        self.do(self.house.db.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(
        name=st.sampled_from(PEOPLE),
        place=st.sampled_from(PLACES),
        address=st.sampled_from(ADDRESSES),
        cost=st.integers(1, 250),
        count=st.integers(1, 3),
        key=st.sampled_from((None, None, "k1", "k2")),
        prompt=st.sampled_from(("a fox", "a hare")),
    )
    def enqueue(
        self,
        name: str,
        place: str,
        address: str | None,
        cost: int,
        count: int,
        key: str | None,
        prompt: str,
    ) -> None:
        key = None if key is None else f"{key} {prompt if cost % 7 else 'a fox'}"
        order = self.do(
            self.house.order(
                name,
                cost / 100,
                place=place,
                address=address,
                key=key,
                prompt=prompt,
                count=count,
            )
        )
        refusals, repeated = self.expected(name, place, address, cost, key, prompt)
        try:
            job, created = self.do(self.house.jobs.enqueue(order, RULES))
        except Refusal as refused:
            assert type(refused) in refusals
            if isinstance(refused, OverBudget) and refused.frees_at is not None:
                self.check_time(order.person, refused.frees_at, cost, name, place, address)
            return
        assert not refusals
        assert created == (repeated is None)
        if repeated is not None:
            assert job.id == repeated.id
            return
        turn = self.model.next_turn(name, cost)
        assert job.turn == turn
        self.model.jobs.append(
            Known(
                id=job.id,
                name=name,
                place=place,
                address=address,
                cost=cost,
                charge=cost,
                turn=turn,
                created_at=self.clock.time,
                count=count,
                key=key,
            )
        )

    def expected(
        self, name: str, place: str, address: str | None, cost: int, key: str | None, prompt: str
    ) -> tuple[set[type[Refusal]], Known | None]:
        """The refusals that are right for this order, or the job it repeats."""
        model = self.model
        same = [j for j in model.jobs if key is not None and (j.name, j.key) == (name, key)]
        if same:
            return ({KeyReused} if not self.asked(same[0], prompt) else set()), same[0]
        found: set[type[Refusal]] = set()
        if place in model.paused:
            found.add(Paused)
        if not self.fits(name, place, address, cost, self.clock.time):
            found.add(OverBudget)
        if sum(j.name == name for j in model.line()) >= RULES.waiting_per_person:
            found.add(TooManyWaiting)
        if len(model.line()) >= RULES.queue_limit:
            found.add(QueueFull)
        return found, None

    def asked(self, known: Known, prompt: str) -> bool:
        return self.do(self.house.jobs.by_id(known.id)).paint.prompt == prompt

    def fits(self, name: str, place: str, address: str | None, cost: int, now: float) -> bool:
        used = self.model.used
        return (
            used(now, name=name) + cost <= 500
            and used(now, name=name, place=place) + cost <= 400
            and used(now, place=place) + cost <= 800
            and (address is None or used(now, address=address) + cost <= 600)
        )

    def check_time(
        self, person: int, frees_at: float, cost: int, name: str, place: str, address: str | None
    ) -> None:
        """At the time that was named the order fits, and a moment before it does not."""
        assert frees_at > self.clock.time
        assert self.fits(name, place, address, cost, frees_at)
        assert not self.fits(name, place, address, cost, frees_at - 0.001)

    @rule()
    def claim(self) -> None:
        job = self.do(self.house.jobs.claim())
        line = self.model.line()
        if self.model.running() is not None or not line:
            assert job is None
            return
        assert job is not None
        assert job.id == line[0].id
        line[0].state = "running"
        self.model.clock = max(self.model.clock, line[0].turn)

    @precondition(lambda self: self.model.running() is not None)
    @rule(
        end=st.sampled_from(("finish", "finish", "fail", "cancel", "requeue")),
        share=st.floats(0, 1),
    )
    def end_running(self, end: str, share: float) -> None:
        known = self.model.running()
        assert known is not None
        jobs = self.house.jobs
        job = self.do(jobs.by_id(known.id))
        if end == "finish":
            self.do(jobs.finish(job.id, pictures_of(job)))
            known.state = "done"
        elif end == "fail":
            self.do(jobs.fail(job.id, "broken_model"))
            known.state, known.charge = "failed", 0
        elif end == "cancel":
            ended = self.do(jobs.cancel(job.id, share))
            assert ended is not None
            assert known.cost * share - 1e-6 <= ended.charge * 100 <= known.cost * share + 1
            known.state, known.charge = "cancelled", round(ended.charge * 100)
        else:
            self.do(jobs.requeue(job.id))
            known.state = "queued"

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def cancel_any(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from(self.model.jobs))
        cancelled = self.do(self.house.jobs.cancel(known.id))
        assert (cancelled is not None) == (known.state == "queued")
        if cancelled is not None:
            known.state, known.charge = "cancelled", 0

    @rule()
    def die_and_start_again(self) -> None:
        self.do(self.house.db.close())
        self.open()
        recovered = self.do(self.house.jobs.recover(ATTEMPTS))
        known = self.model.running()
        found = (*recovered.requeued, *recovered.failed)
        assert [job.id for job in found] == ([known.id] if known else [])
        if known is None:
            return
        known.deaths += 1
        if known.deaths >= ATTEMPTS and known.last_chance:
            known.state, known.charge = "failed", 0
            return
        if known.deaths >= ATTEMPTS:
            known.last_chance = True
            last = max([j.turn for j in self.model.line()] + [self.model.clock, known.turn])
            known.turn = last + known.cost
        known.state = "queued"

    @rule(hours=st.integers(1, 14))
    def wait(self, hours: int) -> None:
        self.clock.turn(hours * HOUR - 0.001)

    @rule(place=st.sampled_from(PLACES), paused=st.booleans())
    def pause(self, place: str, paused: bool) -> None:
        place_id = self.do(self.house.places.known("web", place)).id
        self.do(self.house.places.pause(place_id, paused))
        (self.model.paused.add if paused else self.model.paused.discard)(place)

    @invariant()
    def every_job_is_as_it_should_be(self) -> None:
        rows = self.do(
            self.house.db.read(
                "SELECT *, (SELECT COUNT(*) FROM pictures WHERE job = jobs.id) AS kept FROM jobs"
            )
        )
        assert len(rows) == len(self.model.jobs)
        for row, known in zip(rows, self.model.jobs, strict=True):
            assert (row["id"], row["state"], row["charge"], row["turn"], row["deaths"]) == (
                known.id,
                known.state,
                known.charge,
                known.turn,
                known.deaths,
            )
            assert row["kept"] == (known.count if known.state == "done" else 0)
        assert sum(row["state"] == "running" for row in rows) <= 1

    @invariant()
    def usage_is_the_sum_of_the_charges(self) -> None:
        jobs, now = self.house.jobs, self.clock.time
        for name in PEOPLE:
            person = self.do(self.house.people.known("web", name)).id
            assert round(self.do(jobs.usage(person, WIDE)).used * 100) == self.model.used(
                now, name=name
            )
        for place in PLACES:
            place_id = self.do(self.house.places.known("web", place)).id
            rules = replace(WIDE, place=1000.0)
            usage = self.do(jobs.usage(0, rules, place=place_id))
            assert usage.scope == "place"
            assert round(usage.used * 100) == self.model.used(now, place=place)

    @invariant()
    def the_line_is_in_order_and_positions_are_true(self) -> None:
        line = self.model.line()
        jobs = self.house.jobs
        assert [job.id for job in self.do(jobs.queue())] == [known.id for known in line]
        pictures = 0
        for place, known in enumerate(line, start=1):
            assert self.do(jobs.position(known.id)) == place
            assert sum(kind.count for kind in self.do(jobs.ahead(known.id))) == pictures
            pictures += known.count

    @invariant()
    def the_sums_beside_the_jobs_are_those_of_the_jobs(self) -> None:
        kept = "SELECT size, block, SUM(jobs), SUM(pictures) FROM line_sums GROUP BY size, block"
        made = """
            SELECT size, turn / size, COUNT(*), SUM(pictures)
            FROM jobs CROSS JOIN (SELECT 100 AS size UNION ALL SELECT 25600)
            WHERE state = 'queued' GROUP BY 1, 2
        """
        assert self.rows(kept) == self.rows(made)
        kept = "SELECT place, hour, charge FROM place_sums"
        made = "SELECT place, created_at / 3600000, SUM(charge) FROM jobs GROUP BY 1, 2"
        assert self.rows(kept) == self.rows(made)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in self.do(self.house.db.read(sql)))


TestBookkeeping = Bookkeeping.TestCase
TestBookkeeping.__doc__ = (
    "Random histories leave every budget, position and sum as the model has it."
)
TestBookkeeping.settings = settings(
    database=None,
    derandomize=True,  # the same histories everywhere: a red run can be repeated
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
