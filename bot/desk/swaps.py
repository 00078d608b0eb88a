"""Owns what is known of changing models: which are in memory, and how long another one takes.

It decides nothing about the line; it tells which models to go on with, and what a wait costs.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.catalogue import weight_of

if TYPE_CHECKING:
    from engine.catalogue import Catalogue
    from storage.speeds import Speeds

AT_A_STRETCH = 5
"""So many pictures of one model come one after another where models have to take turns."""
OVERHEAD = 2.0
"""What networks take in memory, by what they weigh on the disk."""
BYTES_PER_S = 1.5e8
"""How fast a model becomes ready that was never loaded here, by what it weighs."""
LEAST_S = 1.0


class Swaps:
    """Hears from the painting thread alone what comes and goes; the rest belongs to the loop."""

    def __init__(
        self, *, speeds: Speeds, catalogue: Catalogue, memory_bytes: int | None = None
    ) -> None:
        """`memory_bytes` is what all models together may take; None for no limit."""
        self._speeds = speeds
        self._weights = {name: weight_of(model) for name, model in catalogue.models.items()}
        self._memory_bytes = memory_bytes
        self._resident: frozenset[str] = frozenset()
        self._timed: deque[tuple[str, float]] = deque(maxlen=100)

    def loaded(self, model: str, seconds: float) -> None:
        """A model is ready, which took so long."""
        self._resident |= {model}
        self._timed.append((model, seconds))

    def freed(self, model: str) -> None:
        """A model has left the memory."""
        self._resident -= {model}

    @property
    def resident(self) -> frozenset[str]:
        """The models that are in memory now."""
        return self._resident

    @property
    def preferred(self) -> frozenset[str]:
        """Those worth going on with; none where all have room and nothing is saved by it."""
        return frozenset() if self._fit(self._weights) else self._resident

    async def learn(self) -> None:
        """Write down how long models took to be ready since the last time."""
        while self._timed:
            model, seconds = self._timed.popleft()
            await self._speeds.learn_load(model, seconds)

    async def seconds(self, wanted: Mapping[str, int], now: str | None = None) -> float:
        """How long loading takes altogether while so many pictures of these models are painted.

        `now` is the model that is being painted with. Where not all of them have room at once, they
        take turns.
        """
        ready = self._resident | ({now} if now else frozenset())
        together = self._fit(wanted.keys() | ready)
        whole, found = sum(wanted.values()), 0.0
        for model, pictures in wanted.items():
            if not pictures:
                continue
            times = 1
            if not together:
                times = min(math.ceil(pictures / AT_A_STRETCH), 1 + whole - pictures)
            times -= model in ready
            if times > 0:
                found += times * await self._one(model)
        return found

    async def _one(self, model: str) -> float:
        learned = await self._speeds.load_seconds(model)
        if learned is not None:
            return learned
        weight = self._weights.get(model, 0)
        return max(LEAST_S, weight / BYTES_PER_S) if weight else 0.0

    def _fit(self, models: Iterable[str]) -> bool:
        if self._memory_bytes is None:
            return True
        taken = OVERHEAD * sum(self._weights.get(model, 0) for model in models)
        return taken <= self._memory_bytes
