"""How noise becomes a picture: schedulers by name, as model folders and people name them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.samplers import WALKS, Circle, Flow

if TYPE_CHECKING:
    from engine.levels import Settings
    from engine.samplers import Sampler

NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "lcm": ("LCMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}),
    "dpm++": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "timestep_spacing": "trailing", "solver_order": 2},
    ),
    "tcd": ("TCDScheduler", {}),
}
"""Name -> diffusers' class, and what is set whatever the model's own scheduler says."""
FLOWS = ("FlowMatchEulerDiscreteScheduler",)
CONSISTENT = ("SCMScheduler",)
STEADY = (*WALKS, "UniPCMultistepScheduler")
"""Those that look at the network once a step. Another one in a folder gives way to DPM++."""


def read(folder: Path, name: str = "") -> Sampler:
    """The scheduler `name` set up as the model's folder says, or the folder's own.

    Raises `ValueError` or `OSError` for a folder that says nothing sensible.
    """
    config = json.loads((folder / "scheduler/scheduler_config.json").read_text(encoding="utf-8"))
    own = str(config.get("_class_name", ""))
    said = {key: value for key, value in config.items() if not key.startswith("_")}
    if own in FLOWS or own in CONSISTENT:
        kind = Flow if own in FLOWS else Circle
        if not kind.fits(said):
            raise ValueError(f"the settings of {own} in scheduler_config.json are not known here")
        return kind(said)
    if name:
        return _made(name, said)
    if own in STEADY:
        return sampler(own, said)
    if not own.endswith("Scheduler"):
        raise ValueError("scheduler/scheduler_config.json names none")
    return _made("dpm++", said)


def sampler(kind: str, said: Settings) -> Sampler:
    """diffusers' scheduler of that name with these settings: in numpy, if they are usual ones."""
    walk = WALKS.get(kind)
    if walk is not None and walk.fits(said):
        return walk(said)
    from engine.borrowed import Borrowed  # takes seconds

    return Borrowed(kind, said)


def _made(name: str, said: Settings) -> Sampler:
    kind, settings = NAMED[name]
    return sampler(kind, {**said, **settings})
