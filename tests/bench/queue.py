"""The queue, large: enqueue, claim and position with 100,000 waiting and 1,000,000 finished."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalogue import Catalogue
from engine.request import Ask
from engine.resolving import resolve
from storage.database import FILE, Database
from storage.jobs import Jobs, Order, Rules
from tests.bench.report import Figure, Report

PEOPLE = 5_000
ALLOWED_MS = 10.0
DOING = ("enqueue", "claim", "position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many rows of jobs, and so many times each thing is done among them."""

    waiting: int
    finished: int
    tries: int


FULL = Size(waiting=100_000, finished=1_000_000, tries=500)
TINY = Size(waiting=200, finished=500, tries=20)
RULES = Rules(
    budget=1e6, place=1e9, address=1e6, waiting_per_person=10**6, queue_limit=10**7
)  # wide limits: every sum is computed, none refuses
FILL = """
WITH RECURSIVE numbers (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows
)
INSERT INTO jobs (
    public, person, place, address, ask, request, notes, model, width, height, guided, steps,
    pictures, cost, charge, turn, state, created_at, started_at, finished_at, delivered_at
)
SELECT
    :state || n, 1 + n * 7919 % :people, 1, 'address' || (n % 1000), '{}', :request, '[]',
    'starter', 256, 256, 1, 8, 1, 100, 100, :turn + n, :state,
    :now - CASE :state WHEN 'done' THEN n * 500 ELSE 0 END,
    CASE :state WHEN 'done' THEN :now END, CASE :state WHEN 'done' THEN :now END,
    CASE :state WHEN 'done' THEN :now END
FROM numbers
"""


def run(size: Size = FULL) -> Report:
    """Milliseconds of each thing, in an empty database and in a large one."""
    empty = asyncio.run(_measure(0, 0, size.tries))
    large = asyncio.run(_measure(size.waiting, size.finished, size.tries))
    figures = []
    for what in DOING:
        base = f"{what}, empty database"
        figures.append(Figure.of(base, "ms", empty[what]))
        figures.append(Figure.of(what, "ms", large[what], allowed=ALLOWED_MS, against=base))
    return Report(
        bench="queue",
        title="A long line",
        settings={"waiting": size.waiting, "finished": size.finished, "people": PEOPLE},
        figures=tuple(figures),
    )


async def _measure(waiting: int, finished: int, tries: int) -> dict[str, list[float]]:
    model = Catalogue.read().get("starter")
    resolved = resolve(Ask(prompt="the sea"), model, draw_seed=lambda: 1)
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(Path(folder))
        await db.close()
        await asyncio.to_thread(
            _fill, Path(folder) / FILE, resolved.paint.to_json(), waiting, finished
        )
        db = await Database.open(Path(folder))
        jobs = Jobs(db)
        times: dict[str, list[float]] = {what: [] for what in DOING}
        for number in range(tries):
            order = Order(
                person=1 + number % PEOPLE,
                place=1,
                address=f"address{number % 1000}",
                ask_json="{}",
                resolved=resolved,
                key=None,
            )
            job, _ = await _timed(times["enqueue"], jobs.enqueue(order, RULES))
            await _timed(times["position"], jobs.position(job.id))
            claimed = await _timed(times["claim"], jobs.claim())
            assert claimed is not None
            await jobs.cancel(claimed.id, share=0.5)
        await db.close()
    return times


def _fill(file: Path, request: str, waiting: int, finished: int) -> None:
    now = int(time.time() * 1000)
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO people (id, platform, external, name, created_at)"
            " VALUES (?, 'web', ?, '', ?)",
            [(n, str(n), now) for n in range(1, PEOPLE + 1)],
        )
        db.execute(
            "INSERT INTO places (id, platform, external, name, created_at)"
            " VALUES (1, 'web', 'page', '', ?)",
            (now,),
        )
        for state, rows in (("done", finished), ("queued", waiting)):
            if rows:
                values = {"rows": rows, "state": state, "people": PEOPLE, "now": now, "turn": 1000}
                db.execute(FILL, values | {"request": request})
    db.close()


async def _timed(times: list[float], work: Awaitable[Any]) -> Any:
    started = time.perf_counter()
    result = await work
    times.append((time.perf_counter() - started) * 1000)
    return result
