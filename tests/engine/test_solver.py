"""DPM-Solver++ of our own against diffusers': the same numbers, to the last bit."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"solver_order": 1},
    {"prediction_type": "v_prediction"},
    {"prediction_type": "sample"},
    {"use_karras_sigmas": True},
    {"timestep_spacing": "trailing", "beta_schedule": "squaredcos_cap_v2"},
    {"final_sigmas_type": "sigma_min"},
    {"final_sigmas_type": "sigma_min", "lower_order_final": False},
    {"euler_at_final": True, "final_sigmas_type": "sigma_min"},
)


def _walk(sampler: Any, steps: int, skip: int, anew: bool) -> list[Any]:
    """All that a sampler says on its way, with a network that answers at random."""
    shape = (1, 4, 8, 8)
    rng = np.random.default_rng(steps)

    def random() -> Any:
        return rng.normal(size=shape).astype(np.float32)

    noise, clean = random(), random()
    times = sampler.start(steps, skip=skip)
    latents = sampler.begin(noise, None if anew else clean, times[0])
    told = [np.array(times), latents]
    for number, time in enumerate(times):
        seen = sampler.look(latents, time)
        latents, guess = sampler.step(random(), time, seen, None)
        told += [latents, guess]
        if number + 1 < len(times):
            told.append(sampler.drown(clean, noise, times[number + 1]))
    return told


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_it_says_the_same_as_diffusers(settings: dict[str, Any]) -> None:
    """Each step, guess and noisy source is equal to the bit, also when it walks again."""
    from diffusers import DPMSolverMultistepScheduler

    from engine import solver
    from engine.schedulers import Sampler, SolverSampler

    ours = SolverSampler(DPMSolverMultistepScheduler(**settings))
    theirs = Sampler(DPMSolverMultistepScheduler(**settings))
    assert solver.fits(theirs.scheduler)
    for steps, skip in product((1, 2, 8, 20, 8), (0, 3)):
        if skip < steps:
            pairs = zip(
                _walk(ours, steps, skip, not skip),
                _walk(theirs, steps, skip, not skip),
                strict=True,
            )
            assert all(np.array_equal(one, other) for one, other in pairs)


def test_what_is_rare_is_left_to_diffusers() -> None:
    """Noise of its own, a third order or thresholds are not what ours reckons with."""
    from diffusers import DPMSolverMultistepScheduler

    from engine.solver import fits

    for settings in (
        {"algorithm_type": "sde-dpmsolver++"},
        {"solver_order": 3},
        {"solver_type": "heun"},
        {"thresholding": True},
    ):
        assert not fits(DPMSolverMultistepScheduler(**settings)), settings
