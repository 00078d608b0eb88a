"""Estimates how long a kind of job takes: from what was timed here, else by an honest guess.

A guess is on the long side, since a wait that turns out shorter than promised disappoints nobody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.catalogue import Catalogue
    from engine.networks import Network, Networks
    from storage.speeds import Speeds

STEP_S = 4.0
"""One step of 512×512 pixels with a large model on few cores, before one was timed."""
OTHER_S = 3.0
"""Everything around the steps of one such picture."""
PRODUCTS_PER_S = 2e10
"""Multiplications that few cores do in a second, in a network that enlarges."""
BYTES_PER_WEIGHT = 2
"""Networks lie on the disk in half precision, or smaller."""
SOME_WEIGHTS = 1_500_000
"""Weights of a network whose file is not there to be measured."""

SECOND_LOOK = "!hd"
"""What the kind of a second look ends with."""
DEVELOPING_S = 10.0
"""One picture of 512×512 pixels through a full decoder, before one was timed."""

_ENLARGED = re.compile(r"(?:(.+)\+)?([^+~]+)-([0-9]+)(?:~(.+)-([0-9]+))?")


class Estimates:
    """Seconds by kind (`Paint.kind`), from speeds, and from what models and networks weigh."""

    def __init__(self, *, speeds: Speeds, catalogue: Catalogue, networks: Networks) -> None:
        self._speeds = speeds
        self._catalogue = catalogue
        self._networks = networks

    async def seconds(
        self, kind: str, width: int, height: int, guided: bool, steps: int, count: int
    ) -> float:
        """How long `count` pictures of this kind and size take."""
        learned = await self._speeds.estimate(kind, width, height, guided, steps, count)
        if learned is not None:
            return learned
        enlarged = None if kind in self._catalogue.models else _ENLARGED.fullmatch(kind)
        if enlarged is None:
            return self._painting(kind, width, height, guided, steps, count)
        model, network, scale, creative, tenths = enlarged.groups()
        seconds = 0.0
        if model is not None:
            seconds = await self.seconds(model, width, height, guided, steps, count)
            alone = kind.removeprefix(f"{model}+")
            return seconds + await self.seconds(alone, width, height, False, 1, count)
        final = (width * int(scale), height * int(scale))
        if creative is not None:
            known = self._catalogue.models.get(creative)
            share = int(tenths) / 10 * (known.default_steps if known else 20)
            guided = known is not None and known.default_guidance > 1
            seconds = await self.seconds(creative, *final, guided, max(1, round(share)), count)
            return seconds + await self.seconds(
                f"{network}-{scale}", width, height, False, 1, count
            )
        weighs = _weights(self._networks.networks.get(network), int(scale))
        return count * max(0.5, width * height * weighs / PRODUCTS_PER_S)

    def loads(self, kind: str) -> str | None:
        """The model that a kind needs in memory; None if it does without."""
        models = self._catalogue.models
        if kind in models:
            return kind
        enlarged = _ENLARGED.fullmatch(kind)
        named = enlarged and (enlarged[4] or enlarged[1])
        return named if named in models else None

    def _painting(
        self, model: str, width: int, height: int, guided: bool, steps: int, count: int
    ) -> float:
        large = width * height / (512 * 512)
        if model.endswith(SECOND_LOOK):
            return count * DEVELOPING_S * large
        known = self._catalogue.models.get(model)
        heavy = min(2.0, max(0.1, known.memory_mb / 2500)) if known and known.memory_mb else 1.0
        one = (steps * STEP_S * (2 if guided else 1) + OTHER_S) * large * heavy
        return count * max(one, 0.5)


def _weights(network: Network | None, scale: int) -> float:
    """Multiplications for each pixel of the picture that is enlarged, all passes together."""
    if network is None:
        return float(SOME_WEIGHTS * scale)
    found, larger = 0.0, 1
    for each in network.plan(scale):
        file = network.files[each.native].with_suffix(".bin")
        if not file.exists():
            file = network.files[each.native]
        size = file.stat().st_size if file.exists() else SOME_WEIGHTS * BYTES_PER_WEIGHT
        found += larger**2 * size / BYTES_PER_WEIGHT
        larger *= each.native
    return found
