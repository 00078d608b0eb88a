"""Owns what a soak notes down while it runs: counts, waits, trouble, and what must not be."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

Acts = dict[str, Callable[[], Awaitable[None]]]
AFTERMATH_S = 15.0
"""So long after some trouble an answer may be missing because of it."""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """Something that was done to the process or its connections."""

    what: str
    began: float
    ended: float | None = None


@dataclass(slots=True, kw_only=True)
class Journal:
    """Everything that the table tells, but for what is measured from outside."""

    counts: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds until a first answer, per platform."""
    strange: list[str] = field(default_factory=list)
    """What no server should do, whatever was done to it."""
    silent: list[str] = field(default_factory=list)
    """What stayed without an answer although nothing was wrong."""
    troubles: list[Trouble] = field(default_factory=list)

    def count(self, what: str) -> None:
        """One more of that."""
        self.counts[what] += 1

    @contextmanager
    def trouble(self, what: str) -> Iterator[None]:
        """Note that trouble goes on inside."""
        made = Trouble(what=what, began=time.monotonic())
        self.troubles.append(made)
        self.counts[f"trouble: {what}"] += 1
        try:
            yield
        finally:
            made.ended = time.monotonic()

    def troubled(self, since: float, until: float) -> bool:
        """Whether something was wrong between these moments, or shortly before."""
        return any(
            each.began <= until and (each.ended is None or since <= each.ended + AFTERMATH_S)
            for each in self.troubles
        )

    def no_answer(self, since: float, what: str) -> None:
        """Somebody waited for an answer and got none."""
        self.count("unanswered")
        if not self.troubled(since, time.monotonic()):
            self.silent.append(what)


def pick(chance: random.Random, weights: dict[str, float]) -> str:
    """One of the names, each as often as its weight says."""
    return chance.choices(list(weights), list(weights.values()))[0]


async def go_on(
    chance: random.Random, weights: dict[str, float], acts: Acts, pause: tuple[float, float]
) -> NoReturn:
    """Do one of `acts` after the other, each as often as its weight says, until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(*pause))
        await acts[pick(chance, weights)]()
