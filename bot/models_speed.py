"""How fast models are on this machine: measured by the bench or while serving, else reckoned.

The bench's figures lie in the data folder, by machine: processor, threads and versions.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot import machine
from bot.settings import Settings
from engine import processors
from engine.catalogue import Catalogue, Model
from engine.probing import Probed
from engine.repertoire import Offer
from storage.database import FILE, Database
from storage.errors import NewerDatabase
from storage.speeds import Speeds

KEPT = 8
"""Machines that are remembered, the latest ones: a data folder may travel."""
REFERENCE_STARTER = 0.35
"""Seconds of the starter's picture on the machine that the catalogue's seconds are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Seconds of a picture as the model paints it by default, and where that is known from."""

    seconds: float
    measured: bool

    def __str__(self) -> str:
        number = f"{self.seconds:.2g}" if self.seconds < 10 else f"{self.seconds:.0f}"
        return f"{number} s a picture" if self.measured else f"about {number} s a picture, reckoned"


def file_of(settings: Settings) -> Path:
    """Where the bench writes what it measured."""
    return settings.data / "bench" / "models.json"


def here(settings: Settings) -> str:
    """Which machine this is, as far as speed goes."""
    parts = (
        _processor(),
        f"{settings.painting_threads} threads",
        f"OpenVINO {version('openvino')}",
    )
    return ", ".join(parts)


def _all(settings: Settings) -> dict[str, Any]:
    """What was measured on every machine that this folder has been on."""
    try:
        said = json.loads(file_of(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """What the processor calls itself."""
    for line in processors.read(info).splitlines():
        name, _, said = line.partition(":")
        if name.strip() == "model name":
            return said.strip()
    return platform.machine()


def read(settings: Settings) -> dict[str, Any]:
    """What the bench measured on this machine, by model."""
    return dict(_all(settings).get(here(settings), {}))


def keep(settings: Settings, found: Mapping[str, Probed]) -> None:
    """Remember what the bench measured, beside what it had measured of other models."""
    everything = _all(settings)
    name = here(settings)
    mine = {**everything.pop(name, {}), **{key: asdict(each) for key, each in found.items()}}
    everything[name] = mine
    file = file_of(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    latest = dict(list(everything.items())[-KEPT:])
    fresh.write_text(json.dumps(latest, indent=1) + "\n", encoding="utf-8")
    fresh.replace(file)


def measured(settings: Settings, catalogue: Catalogue) -> dict[str, Speed]:
    """The models of which it is known how long a default picture takes here."""
    found = {}
    for name, said in read(settings).items():
        try:
            seconds = Probed(**{**said, "seconds": tuple(said["seconds"])}).usual
        except (TypeError, KeyError, ValueError):
            continue  # another version's
        found[name] = Speed(seconds=seconds, measured=True)
    for name, seconds in asyncio.run(_learned(settings, catalogue)).items():
        found[name] = Speed(
            seconds=seconds, measured=True
        )  # from days of painting: it knows better
    return found


def reckoned(settings: Settings, offer: Offer, known: Mapping[str, Speed]) -> Speed | None:
    """How long a picture of a model that is not here would take, from how fast this machine is."""
    if not offer.seconds:
        return None
    if "starter" in known:
        factor = known["starter"].seconds / REFERENCE_STARTER
    else:
        factor = _by_rule(settings)
    return Speed(seconds=offer.seconds * factor, measured=False)


def _by_rule(settings: Settings) -> float:
    """How many times as long as on two threads with 512-bit vectors and 16-bit floats."""
    sets = machine.instruction_sets()
    if sets & {"amx_tile", "amx_bf16", "avx512_bf16"}:
        factor = 1.0
    elif "avx512f" in sets:
        factor = 1.6
    else:
        factor = 2.2
    return factor * 2 / settings.painting_threads


async def _learned(settings: Settings, catalogue: Catalogue) -> dict[str, float]:
    """What the server has learned while it painted; nothing where it has never run."""
    if not (settings.data / FILE).exists():
        return {}
    try:
        db = await Database.beside(settings.data)
    except (NewerDatabase, OSError):
        return {}
    try:
        speeds = Speeds(db)
        found = {}
        for model in catalogue.models.values():
            seconds = await _estimate(speeds, model)
            if seconds is not None:
                found[model.name] = seconds
        return found
    finally:
        await db.close()


async def _estimate(speeds: Speeds, model: Model) -> float | None:
    width, height = model.sizes[0]
    guided = model.guidance and model.default_guidance > 1
    return await speeds.estimate(model.name, width, height, guided, model.default_steps, 1)
