"""People submit over HTTP at a steady rate while the engine uses every core: how soon each hears.

Each has a connection and a cookie of their own, and a few are greedy: they ask several times as
often, for dearer pictures. Beside the answers it is measured how late the server's event loop is.
At the end the record must hold every accepted job once, painted or waiting, and served in fair
order. The baseline is the same server with an engine at rest.

A request is timed from the moment it is sent. This program shares the cores with the server, and
how late it is itself is told too.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from storage.database import FILE
from tests.bench.fairness import Served, first_come_first_served, furthest_apart, own_order_kept
from tests.bench.probed import Probed, probed
from tests.bench.report import Check, Figure, Report
from tests.bench.visitors import Visitor, visitors

PROMPT = "a lighthouse on the sea at sunset"
ALLOWED_MS, ALLOWED_LAG_MS = 50.0, 20.0
GREEDY_SHARE, GREEDY_TIMES = 0.1, 5
MODEST: dict[str, Any] = {"steps": 1, "guidance": 1.0}
GREEDY: dict[str, Any] = {"steps": 3, "guidance": 1.0}
SETTINGS = {
    "ATELIER_BUDGET": "1000000",
    "ATELIER_ADDRESS_BUDGET": "1000000",
    "ATELIER_WAITING_PER_PERSON": "1000",
    "ATELIER_QUEUE_LIMIT": "100000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`people` submit `rate` jobs a second for `seconds` (`rest_s` beside the resting engine);
    then the server may paint on for `drain_s`."""

    people: int
    rate: float
    seconds: float
    rest_s: float
    drain_s: float


FULL = Size(people=200, rate=100, seconds=20, rest_s=10, drain_s=90)
TINY = Size(people=10, rate=20, seconds=2, rest_s=1, drain_s=60)


@dataclass(slots=True, kw_only=True)
class Load:
    """What came of one stream of submits."""

    answers: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    cores: float = 0.0


def run(size: Size = FULL) -> Report:
    """Milliseconds to the answer and of the loop's lag, at rest and painting; lost jobs; order."""
    return asyncio.run(_run(size))


async def _run(size: Size) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        with probed(Path(folder) / "rest", resting=True, settings=SETTINGS) as server:
            rest = await _submit(server, size, size.rest_s)
            await asyncio.to_thread(server.kill)
        with probed(Path(folder) / "busy", settings=SETTINGS) as server:
            busy = await _submit(server, size, size.seconds)
            await asyncio.to_thread(_drain, server, size.drain_s)
            await asyncio.to_thread(server.stop)
            record = _record(server.data / FILE)
    return Report(
        bench="submits",
        title="Submits over HTTP while the engine paints",
        settings={
            "people": size.people,
            "submits a second": size.rate,
            "seconds": size.seconds,
            "cores the server used": round(busy.cores, 2),
        },
        figures=_figures(rest, busy, record),
        checks=_checks(busy, record),
    )


def _figures(rest: Load, busy: Load, record: dict[str, _Row]) -> tuple[Figure, ...]:
    ours = [row.served for row in record.values()]
    until = time.time()
    plain = furthest_apart(first_come_first_served(ours), until)
    return (
        Figure.of("answer to a submit, engine at rest", "ms", rest.answers),
        Figure.of(
            "answer to a submit",
            "ms",
            busy.answers,
            allowed=ALLOWED_MS,
            against="answer to a submit, engine at rest",
        ),
        Figure.of("event loop late, engine at rest", "ms", rest.lags),
        Figure.of(
            "event loop late",
            "ms",
            busy.lags,
            allowed=ALLOWED_LAG_MS,
            against="event loop late, engine at rest",
        ),
        Figure.of("the load itself late", "ms", busy.late),
        Figure.of(
            "credits two people came apart, first come first served", "×", [plain], spread=False
        ),
        Figure.of(
            "credits two people came apart",
            "×",
            [furthest_apart(ours, until)],
            allowed=1.0,
            against="credits two people came apart, first come first served",
            spread=False,
        ),
    )


def _checks(busy: Load, record: dict[str, _Row]) -> tuple[Check, ...]:
    states = Counter(record[public].state for public in busy.accepted if public in record)
    kept = states["done"] + states["queued"]
    distinct = len(set(busy.accepted))
    apart = furthest_apart([row.served for row in record.values()], time.time())
    seen = f"{len(busy.accepted)} accepted, {states['done']} painted, {states['queued']} waiting"
    if busy.refused:
        seen += f", {len(busy.refused)} refused: {busy.refused[0]}"
    return (
        Check(
            what="none lost, none twice",
            holds=kept == distinct == len(busy.accepted) == len(record) and not busy.refused,
            seen=seen,
        ),
        Check(
            what="order fair",
            holds=apart <= 1 and own_order_kept(row.served for row in record.values()),
            seen=f"{states['done']} served; no two waiting people further apart than"
            f" {apart:.2f} of a job of each",
        ),
    )


async def _submit(server: Probed, size: Size, seconds: float) -> Load:
    """One stream of submits; a painting is under way when it begins."""
    load = Load()
    await asyncio.to_thread(server.wait_until_ready)
    async with visitors(server.url, size.people) as people:
        turns = _turns(len(people))
        load.accepted.append((await people[0].ask(prompt=PROMPT, **MODEST))["id"])
        process = psutil.Process(server.pid)
        began, used = time.monotonic(), sum(process.cpu_times()[:2])
        async with asyncio.TaskGroup() as sending:
            for number in range(round(seconds * size.rate)):
                due = began + number / size.rate
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                load.late.append(1000 * (time.monotonic() - due))
                who = turns[number % len(turns)]
                wanted = GREEDY if who < len(people) * GREEDY_SHARE else MODEST
                sending.create_task(_one(load, people[who], wanted))
        ended = time.monotonic()
        load.cores = (sum(process.cpu_times()[:2]) - used) / (ended - began)
    load.lags = (await asyncio.to_thread(server.seen)).lags_between(began, ended)
    return load


def _turns(people: int) -> list[int]:
    """Who submits when: the greedy first ones several times a round, spread over it."""
    greedy = round(people * GREEDY_SHARE)
    places = [(n / people, n) for n in range(people)]
    for who in range(greedy):
        places += [((who / greedy + k / GREEDY_TIMES) % 1, who) for k in range(1, GREEDY_TIMES)]
    return [who for _, who in sorted(places)]


async def _one(load: Load, who: Visitor, wanted: dict[str, Any]) -> None:
    sent = time.monotonic()
    try:
        job = await who.ask(prompt=PROMPT, **wanted)
    except Exception as error:  # it is counted and told
        load.refused.append(repr(error))
        return
    load.answers.append(1000 * (time.monotonic() - sent))
    load.accepted.append(job["id"])


def _drain(server: Probed, seconds: float) -> None:
    """Let the server paint on until nothing waits, or so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(
        row.state in ("queued", "running") for row in _record(server.data / FILE).values()
    ):
        time.sleep(1)


@dataclass(frozen=True, slots=True)
class _Row:
    state: str
    served: Served


def _record(file: Path) -> dict[str, _Row]:
    """What the database says of every job."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT public, state, person, cost, created_at, started_at FROM jobs"
        ).fetchall()
    return {
        public: _Row(
            state,
            Served(
                person=person,
                cost=cost / 100,
                asked=asked / 1000,
                started=None if started is None else started / 1000,
            ),
        )
        for public, state, person, cost, asked, started in rows
    }
