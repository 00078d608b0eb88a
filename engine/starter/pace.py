"""Owns what every training here shares: device, learning rates, averages, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Pace:
    """How far a training has come, counted in time spent on it over all its runs.

    Learning rates warm up over some steps and fall along a cosine to the end of the time.
    """

    def __init__(self, minutes: float, *, warm_up: int = 200, floor: float = 0.02) -> None:
        self.seconds, self.warm_up, self.floor = minutes * 60, warm_up, floor
        self.spent, self.step = 0.0, 0
        self._since = time.monotonic()

    def tick(self, *optimizers: torch.optim.Optimizer) -> bool:
        """One step done; sets the next step's learning rates; False when the time is up."""
        now = time.monotonic()
        self.spent += now - self._since
        self._since = now
        self.step += 1
        share = self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * self.done))
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * share * min(1.0, self.step / self.warm_up)
        return self.done < 1

    @property
    def done(self) -> float:
        return min(1.0, self.spent / self.seconds)

    def state(self) -> dict[str, float]:
        return {"spent": self.spent, "step": self.step}

    def resume(self, state: dict[str, float]) -> None:
        self.spent, self.step = state["spent"], int(state["step"])
        self._since = time.monotonic()


class Average:
    """A running average of a model's weights, which paints better than any single step of it."""

    def __init__(self, model: nn.Module, keep: float = 0.999) -> None:
        self.keep = keep
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
    def take(self, model: nn.Module, step: int) -> None:
        keep = min(self.keep, (1 + step) / (10 + step))
        now = model.state_dict()
        moving = [name for name, value in now.items() if value.is_floating_point()]
        means, values = [self.weights[n] for n in moving], [now[n] for n in moving]
        torch._foreach_lerp_(means, values, 1 - keep)


def go_on(
    path: Path, model: nn.Module, mean: Average, clock: Pace,
    optimizers: Sequence[torch.optim.Optimizer],
) -> dict[str, Any]:  # fmt: skip
    """Take up all of them where a checkpoint stands; what else it holds is returned.

    One that was thawed from the shipped weights holds nothing but these: a new training.
    """
    before = load(path)
    model.load_state_dict(before.pop("model"))
    mean.weights = before.pop("mean")
    if "clock" in before:
        for optimizer, state in zip(optimizers, before.pop("optimizers"), strict=True):
            optimizer.load_state_dict(state)
        clock.resume(before.pop("clock"))
    return before


def save(path: Path, **parts: Any) -> None:
    """A checkpoint, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    torch.save(parts, fresh)
    fresh.replace(path)


def load(path: Path) -> dict[str, Any]:
    parts: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return parts
