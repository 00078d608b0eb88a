"""Whatever happens in whatever order, the books balance: a model in plain Python checks them."""

from __future__ import annotations

import asyncio
import math
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
from storage.errors import Banned, KeyReused, OverBudget, Paused, QueueFull, TooManyWaiting
from storage.jobs import Rules
from tests.storage.house import DAY, HOUR, WIDE, Clock, House, pictures_of

ATTEMPTS = 2
RULES = Rules(
    budget=5.0,
    person_in_place=4.0,
    place=8.0,
    address=6.0,
    waiting_per_person=4,
    waiting_here=3,
    queue_limit=9,
)
PEOPLE = ("ada", "bob", "eve")
PLACES = ("page", "server")
ADDRESSES = (None, "10.0.0.1")
EVERYWHERE = None
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


def ms(seconds: float) -> int:
    return round(seconds * 1000)


@dataclass
class Gift:
    """Extra hundredths for a day; its place is None for everywhere."""

    name: str
    place: str | None
    cents: int
    created_at: float


@dataclass
class Model:
    """The whole storage in a few lists; whoever stands under no place stands so everywhere."""

    jobs: list[Known] = field(default_factory=list)
    clock: int = 0
    paused: set[str] = field(default_factory=set)
    banned: set[tuple[str, str]] = field(default_factory=set)
    gifts: list[Gift] = field(default_factory=list)
    resets: dict[tuple[str, str | None], float] = field(default_factory=dict)
    own: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def room(self, name: str, place: str | None, usual: int, now: float) -> int:
        """What is left of a person's budget in a place, or everywhere."""
        who = (name, place)
        given = sum(
            g.cents
            for g in self.gifts
            if (g.name, g.place) == who and ms(g.created_at + DAY) > ms(now)
        )
        scope = {"name": name} if place is None else {"name": name, "place": place}
        return self.own.get(who, usual) + given - self.used(now, self.resets.get(who), **scope)

    def line(self) -> list[Known]:
        return sorted((j for j in self.jobs if j.state == "queued"), key=lambda j: (j.turn, j.id))

    def running(self) -> Known | None:
        return next((j for j in self.jobs if j.state == "running"), None)

    def used(self, now: float, reset: float | None = None, **scope: str | None) -> int:
        return sum(
            j.charge
            for j in self.jobs
            if ms(j.created_at + DAY) > ms(now)
            and (reset is None or ms(j.created_at) > ms(reset))
            and all(getattr(j, k) == v for k, v in scope.items())
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
            if isinstance(refused, OverBudget):
                self.check_time(refused.frees_at, cost, name, place, address)
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
                created_at=self.after_resets(name, place),
                count=count,
                key=key,
            )
        )

    def after_resets(self, name: str, place: str) -> float:
        """The time a job is made at: now, and later than every reset of what its person used."""
        resets = [self.model.resets.get((name, where), 0.0) for where in (EVERYWHERE, place)]
        return max([self.clock.time, *(reset + 0.001 for reset in resets)])

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
        if (name, place) in model.banned:
            found.add(Banned)
        if not self.fits(name, place, address, cost, self.clock.time):
            found.add(OverBudget)
        waiting = [j for j in model.line() if j.name == name]
        if len(waiting) >= 4 or sum(j.place == place for j in waiting) >= 3:
            found.add(TooManyWaiting)
        if len(model.line()) >= RULES.queue_limit:
            found.add(QueueFull)
        return found, None

    def asked(self, known: Known, prompt: str) -> bool:
        return self.do(self.house.jobs.by_id(known.id)).paint.prompt == prompt

    def fits(self, name: str, place: str, address: str | None, cost: int, now: float) -> bool:
        used, room = self.model.used, self.model.room
        return (
            cost <= room(name, EVERYWHERE, 500, now)
            and cost <= room(name, place, 400, now)
            and used(now, place=place) + cost <= 800
            and (address is None or used(now, address=address) + cost <= 600)
        )

    def check_time(
        self, frees_at: float | None, cost: int, name: str, place: str, address: str | None
    ) -> None:
        """At the time that was named the order fits, and before it never does."""
        now = self.clock.time
        assert frees_at is None or frees_at > now
        made = [job.created_at for job in self.model.jobs]
        made += [gift.created_at for gift in self.model.gifts]
        for moment in [time + DAY for time in made if time + DAY > now]:
            if frees_at is None or ms(moment) < ms(frees_at):
                assert not self.fits(name, place, address, cost, moment)
        if frees_at is not None:
            assert self.fits(name, place, address, cost, frees_at)
            assert not self.fits(name, place, address, cost, frees_at - 0.001)

    @rule(
        name=st.sampled_from(PEOPLE),
        place=st.sampled_from((*PLACES, EVERYWHERE)),
        cents=st.integers(1, 300),
    )
    def give(self, name: str, place: str | None, cents: int) -> None:
        person, where = self.numbers(name, place)
        self.do(self.house.members.give(person, where, cents / 100))
        self.model.gifts.append(Gift(name, place, cents, self.clock.time))

    @rule(name=st.sampled_from(PEOPLE), place=st.sampled_from((*PLACES, EVERYWHERE)))
    def reset(self, name: str, place: str | None) -> None:
        self.do(self.house.members.reset(*self.numbers(name, place)))
        self.model.resets[name, place] = self.clock.time

    @rule(
        name=st.sampled_from(PEOPLE),
        place=st.sampled_from((*PLACES, EVERYWHERE)),
        cents=st.none() | st.integers(0, 900),
    )
    def set_budget(self, name: str, place: str | None, cents: int | None) -> None:
        credits = None if cents is None else cents / 100
        self.do(self.house.members.set_budget(*self.numbers(name, place), credits))
        self.model.own.pop((name, place), None)
        if cents is not None:
            self.model.own[name, place] = cents

    @rule(name=st.sampled_from(PEOPLE), place=st.sampled_from(PLACES), banned=st.booleans())
    def ban(self, name: str, place: str, banned: bool) -> None:
        person, where = self.numbers(name, place)
        assert where is not None
        self.do(self.house.members.ban(person, where, math.inf if banned else None))
        (self.model.banned.add if banned else self.model.banned.discard)((name, place))

    def numbers(self, name: str, place: str | None) -> tuple[int, int | None]:
        """The numbers that the database has for these."""
        person = self.do(self.house.people.known("web", name)).id
        if place is None:
            return person, None
        return person, self.do(self.house.places.known("web", place)).id

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
            usage = self.do(jobs.usage(person, WIDE))
            usual = round(WIDE.budget * 100)
            used = self.model.used(now, self.model.resets.get((name, EVERYWHERE)), name=name)
            assert round(usage.used * 100) == used
            left = self.model.room(name, EVERYWHERE, usual, now)
            assert round((usage.budget - usage.used) * 100) == left
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
