"""Whether a line was served in fair order, seen from its record alone.

Fair means: whenever two people both wait, they get the same credits' worth of painting, to within
one job of each (no order that serves whole jobs can promise less). It is checked over every stretch
of time in which any two of them waited, and knows nothing of how the order is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One job of the record; `started` is None while it still waits."""

    person: int
    cost: float
    asked: float
    started: float | None


def furthest_apart(jobs: Sequence[Served], until: float) -> float:
    """The worst of all: how far two people came apart, in units of what fairness allows.

    At most 1 where the order was fair. `until` is the end of the record.
    """
    of_person: dict[int, list[Served]] = defaultdict(list)
    for job in jobs:
        of_person[job.person].append(job)
    waits = {person: _waits(own, until) for person, own in of_person.items()}
    worst = 0.0
    for one, other in combinations(of_person, 2):
        allowed = max(j.cost for j in of_person[one]) + max(j.cost for j in of_person[other])
        served = sorted(
            (job.started, job.cost if person == one else -job.cost)
            for person in (one, other)
            for job in of_person[person]
            if job.started is not None
        )
        for began, ended in _both(waits[one], waits[other]):
            ahead = low = high = 0.0
            for started, cost in served:
                if began < started <= ended:
                    ahead += cost
                    low, high = min(low, ahead), max(high, ahead)
            worst = max(worst, (high - low) / allowed)
    return worst


def first_come_first_served(jobs: Sequence[Served]) -> list[Served]:
    """The same record had the line been a plain one: who came first goes first."""
    starts = sorted(job.started for job in jobs if job.started is not None)
    waiting = sorted(jobs, key=lambda job: job.asked)
    kept = [replace(job, started=at) for job, at in zip(waiting, starts, strict=False)]
    return kept + [replace(job, started=None) for job in waiting[len(starts) :]]


def own_order_kept(jobs: Iterable[Served]) -> bool:
    """Whether everybody's own jobs were served as they asked for them."""
    latest: dict[int, float] = {}
    for job in sorted(jobs, key=lambda job: job.asked):
        started = float("inf") if job.started is None else job.started
        if started < latest.get(job.person, 0.0):
            return False
        latest[job.person] = started
    return True


def _waits(jobs: Iterable[Served], until: float) -> list[tuple[float, float]]:
    """The stretches of time in which something of theirs waited."""
    found: list[tuple[float, float]] = []
    for job in sorted(jobs, key=lambda job: job.asked):
        ended = until if job.started is None else job.started
        if found and job.asked <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((job.asked, ended))
    return found


def _both(
    one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    pairs = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return [(began, ended) for began, ended in pairs if began < ended]
