"""DPM-Solver++ with all that depends on the schedule alone reckoned beforehand: `Solver`.

diffusers finds each factor anew at each step, from tensors of one number: with a small model that
was a sixth of all the time outside its networks. The factors are still its own, and so are the
operations and their order: the same seed gives the same picture, to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from engine.parts import Array

EASED = 15
"""Schedules shorter than this end with a step that looks at none before it."""


def fits(scheduler: Any) -> bool:
    """Whether it is set up in the usual way; what is rare is left to diffusers."""
    said = scheduler.config
    return bool(
        type(scheduler).__name__ == "DPMSolverMultistepScheduler"
        and said.algorithm_type == "dpmsolver++"
        and said.solver_order <= 2
        and (said.solver_order == 1 or said.solver_type == "midpoint")
        and said.prediction_type in ("epsilon", "v_prediction", "sample")
        and said.get("variance_type") is None
        and not said.thresholding
    )


class _Factors(NamedTuple):
    """Of one step: what latents, the clean ones and their change are multiplied by."""

    alpha: Any
    sigma: Any
    keep: Any
    add: Any
    half: Any
    turn: Any


class Schedule(NamedTuple):
    """The times of all steps and their factors; `eases`: the last step looks at none before it."""

    times: tuple[Array, ...]
    factors: tuple[_Factors, ...]
    eases: bool


class Solver:
    """Walks along a schedule; belongs to one thread."""

    def __init__(self, scheduler: Any) -> None:
        self._predicts = str(scheduler.config.prediction_type)
        self._looks_back = scheduler.config.solver_order > 1
        self._schedule = Schedule((), (), True)
        self._at = 0
        self._before: Array | None = None

    def start(self, schedule: Schedule, skip: int) -> None:
        """Go to the beginning of `schedule`, past its first `skip` steps."""
        self._schedule, self._at, self._before = schedule, skip, None

    def drown(self, clean: Array, noise: Array) -> Array:
        """`clean` under the noise that the next step begins with."""
        now = self._schedule.factors[self._at]
        found: Array = now.alpha * clean + now.sigma * noise
        return found

    def step(self, said: Array, latents: Array) -> tuple[Array, Array]:
        """One step on, by what the network `said`: what is left, and the clean latents it sees."""
        now, before = self._schedule.factors[self._at], self._before
        if self._predicts == "v_prediction":
            clean = now.alpha * latents - now.sigma * said
        elif self._predicts == "epsilon":
            clean = (latents - now.sigma * said) / now.alpha
        else:
            clean = said
        left = now.keep * latents - now.add * clean
        self._at += 1
        ends = self._at == len(self._schedule.times)
        if before is not None and not (ends and self._schedule.eases):
            left -= now.half * (now.turn * (clean - before))
        self._before = clean if self._looks_back else None
        return left, clean


def schedule(scheduler: Any) -> Schedule:
    """The one that diffusers' `scheduler` is set to."""
    said, count = scheduler.config, len(scheduler.timesteps)
    eases = said.euler_at_final or (said.lower_order_final and count < EASED)
    return Schedule(
        tuple(scheduler.timesteps.numpy()),
        tuple(_factors(scheduler)),
        bool(eases or said.final_sigmas_type == "zero"),
    )


def _factors(scheduler: Any) -> Iterator[_Factors]:
    """Those of each step, by the same operations on the same kind of numbers as diffusers'."""
    both = [scheduler._sigma_to_alpha_sigma_t(each) for each in scheduler.sigmas]
    marks = [alpha.log() - sigma.log() for alpha, sigma in both]
    for at in range(len(scheduler.timesteps)):
        (alpha, sigma), (alpha_then, sigma_then) = both[at], both[at + 1]
        way = marks[at + 1] - marks[at]
        add = alpha_then * ((-way).exp() - 1.0)
        turn = 1.0 / ((marks[at] - marks[at - 1]) / way) if at else 0.0
        found = (alpha, sigma, sigma_then / sigma, add, 0.5 * add, turn)
        yield _Factors(*(np.float32(each) for each in found))
