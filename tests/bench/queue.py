"""The queue, large: enqueue, claim and position with 100,000 waiting and 1,000,000 finished."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from engine.catalogue import Catalogue
from engine.request import Ask, resolve
from storage.database import FILE, Database
from storage.jobs import Jobs, Order, Rules

WAITING, FINISHED, PEOPLE, TRIES = 100_000, 1_000_000, 5_000, 300
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


def run() -> None:
    """Print median and p99 in milliseconds, small and large, and their ratio."""
    print("                     median       p99   (ms)")
    medians: dict[str, list[float]] = {}
    for name, waiting, finished in (("empty", 0, 0), ("large", WAITING, FINISHED)):
        for what, times in asyncio.run(_measure(waiting, finished)).items():
            p99 = quantiles(times, n=100)[98]
            print(f"{name:>6} {what:>10}: {median(times):8.2f}  {p99:8.2f}")
            medians.setdefault(what, []).append(median(times))
    for what, (small, large) in medians.items():
        print(f" ratio {what:>10}: {large / small:8.2f} large / empty")


async def _measure(waiting: int, finished: int) -> dict[str, list[float]]:
    model = Catalogue.read().get("starter")
    resolved = resolve(Ask(prompt="the sea"), model, draw_seed=lambda: 1)
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(Path(folder))
        await db.close()
        _fill(Path(folder) / FILE, resolved.paint.to_json(), waiting, finished)
        db = await Database.open(Path(folder))
        jobs = Jobs(db)
        times: dict[str, list[float]] = {"enqueue": [], "claim": [], "position": []}
        for number in range(TRIES):
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
