"""Our samplers against diffusers' schedulers of the same names: the same numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import schedulers
from engine.noise import Noise
from engine.samplers import WALKS, Circle, Flow, Sampler

TURBO = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
TRAILING = {"timestep_spacing": "trailing"}
ZERO = {"rescale_betas_zero_snr": True, **TRAILING}
V = {"prediction_type": "v_prediction"}
SAMPLE = {"prediction_type": "sample"}
COSINE = {"beta_schedule": "squaredcos_cap_v2"}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}
EVERY: tuple[dict[str, Any], ...] = (
    {},
    TURBO,
    TURBO | V | COSINE,
    {"trained_betas": [0.01] * 1000},
)
SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {
    "DPMSolverMultistepScheduler": (
        *EVERY,
        *(LEADING, TRAILING, ZERO | V, TURBO | SAMPLE),
        {"solver_order": 1},
        {"final_sigmas_type": "sigma_min"},
        {"final_sigmas_type": "sigma_min", "lower_order_final": False},
        {"euler_at_final": True, "final_sigmas_type": "sigma_min"},
    ),
    "EulerDiscreteScheduler": (
        *EVERY,
        *(LEADING, TURBO | TRAILING, ZERO | V, SAMPLE, {"final_sigmas_type": "sigma_min"}),
    ),
    # With the cosine theirs takes the root of less than nothing.
    "EulerAncestralDiscreteScheduler": ({}, TURBO | V, LEADING, TURBO | TRAILING, ZERO | V),
    "DDIMScheduler": (
        *EVERY,
        *(TURBO | {"clip_sample": False, "set_alpha_to_one": False}, SAMPLE | LEADING, ZERO | V),
    ),
    "LCMScheduler": (*EVERY, V, SAMPLE, {"original_inference_steps": 100, "clip_sample": True}),
    "TCDScheduler": (*EVERY, V, SAMPLE),
}
ROOT = Path(__file__).parents[2]


class Drawn(Noise):
    """Noise from torch, for both sides."""

    def __init__(self) -> None:
        import torch

        self.torch = torch.Generator().manual_seed(1)

    def draw(self, shape: tuple[int, ...]) -> Any:
        import torch

        return torch.randn(shape, generator=self.torch).numpy()


class Theirs:
    """One of diffusers' schedulers with our words, its latents in its own scale."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        import diffusers

        self.it = getattr(diffusers, name)(**settings)
        self.scaled = name.startswith("Euler")

    def start(self, steps: int, skip: int) -> Any:
        self.it.set_timesteps(steps)
        if hasattr(self.it, "set_begin_index"):
            self.it.set_begin_index(skip)
        return self.it.timesteps[skip:]

    def ours(self, latents: Any) -> Any:
        """Their latents in our scale, at the step that comes next."""
        import torch

        if not self.scaled:
            return latents.numpy()
        index = self.it.begin_index if self.it.step_index is None else self.it.step_index
        return (latents / torch.sqrt(self.it.sigmas[index] ** 2 + 1)).numpy()


def _walk_ours(sampler: Sampler, steps: int, skip: int, anew: bool) -> list[Any]:
    shape = (1, 4, 8, 8)
    rng = np.random.default_rng(steps)
    noise, clean, random = _random(rng, shape), _random(rng, shape), Drawn()
    times = sampler.start(steps, skip=skip)
    latents = sampler.begin(noise, None if anew else clean, times[0])
    told = [np.array(times), latents]
    for number, time in enumerate(times):
        assert sampler.look(latents, time) is latents
        latents, guess = sampler.step(_random(rng, shape), time, latents, random)
        told += [latents, guess]
        if number + 1 < len(times):
            told.append(sampler.drown(clean, noise, times[number + 1]))
    return told


def _walk_theirs(name: str, theirs: Theirs, steps: int, skip: int, anew: bool) -> list[Any]:
    import torch

    shape, it = (1, 4, 8, 8), theirs.it
    rng = np.random.default_rng(steps)
    noise, clean = torch.from_numpy(_random(rng, shape)), torch.from_numpy(_random(rng, shape))
    random = Drawn().torch
    times = theirs.start(steps, skip)
    latents = noise * it.init_noise_sigma if anew else it.add_noise(clean, noise, times[:1])
    told = [times.numpy(), theirs.ours(latents)]
    for number, time in enumerate(times):
        it.scale_model_input(latents, time)
        given = {"eta": 0.0} if name == "DDIMScheduler" else {}
        done = it.step(
            torch.from_numpy(_random(rng, shape)), time, latents, generator=random, **given
        )
        latents = done.prev_sample
        guess = done.get("pred_original_sample")
        guess = done.get("denoised") if guess is None else guess
        guess = done.get("pred_noised_sample") if guess is None else guess
        guess = it.model_outputs[-1] if guess is None else guess
        told += [theirs.ours(latents), guess.numpy()]
        if number + 1 < len(times):
            told.append(theirs.ours(it.add_noise(clean, noise, times[number + 1 : number + 2])))
    return told


def _random(rng: Any, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape).astype(np.float32)


def _same(ours: list[Any], theirs: list[Any], largest: float) -> None:
    """As near as their float32 allows, in whose scale noise may be as large as `largest`."""
    for one, other in zip(ours, theirs, strict=True):
        most = max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=4e-6 * most + 4e-7 * largest)
        assert one.dtype in (np.float32, np.int64)


@pytest.mark.parametrize(
    ("name", "settings"), [(k, each) for k, many in SETTINGS.items() for each in many], ids=str
)
def test_each_walks_as_diffusers_does(name: str, settings: dict[str, Any]) -> None:
    """Times, steps, guesses and noisy sources are the same, also when it walks again."""
    assert WALKS[name].fits(settings)
    ours = schedulers.sampler(name, settings)
    assert type(ours) is WALKS[name]
    for steps, skip in product((1, 2, 4, 20, 4), (0, 3)):
        if skip < steps:
            theirs = Theirs(name, settings)
            said = _walk_theirs(name, theirs, steps, skip, not skip)
            largest = float(theirs.it.sigmas.max()) if theirs.scaled else 0.0
            _same(_walk_ours(ours, steps, skip, not skip), said, largest)


def _flow_theirs(settings: dict[str, Any], steps: int, skip: int, places: int) -> Any:
    """diffusers' scheduler as its pipelines for Flux set it."""
    import diffusers
    import torch

    it = diffusers.FlowMatchEulerDiscreteScheduler(**settings)
    said = it.config
    slope = (said.max_shift - said.base_shift) / (said.max_image_seq_len - said.base_image_seq_len)
    mu = said.base_shift + slope * (places - said.base_image_seq_len)
    given = {"mu": mu} if said.use_dynamic_shifting else {}
    it.set_timesteps(sigmas=torch.linspace(1.0, 1 / steps, steps).tolist(), **given)
    it.set_begin_index(skip)
    return it


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"shift": 3.0},
        {"use_dynamic_shifting": True},
        {"use_dynamic_shifting": True, "time_shift_type": "linear", "shift_terminal": 0.02},
    ],
    ids=str,
)
def test_lines_are_those_of_diffusers(settings: dict[str, Any]) -> None:
    """Flux: the same times, noisy sources and steps."""
    import torch

    shape, rng = (1, 16, 8, 8), np.random.default_rng(0)
    noise, clean, said = (_random(rng, shape) for _ in range(3))
    assert Flow.fits(settings)
    ours = Flow(settings)
    for steps, skip in ((1, 0), (4, 0), (4, 2)):
        if steps == 1 and "shift_terminal" in settings:
            continue  # theirs divides nothing by nothing
        it = _flow_theirs(settings, steps, skip, 1024)
        times = ours.start(steps, skip=skip, places=1024)
        np.testing.assert_allclose(times, it.timesteps[skip:].numpy(), rtol=1e-5)
        latents = ours.begin(noise, clean if skip else None, times[0])
        theirs = torch.from_numpy(noise)
        if skip:
            theirs = it.scale_noise(torch.from_numpy(clean), it.timesteps[skip : skip + 1], theirs)
        for time, then in zip(times, it.timesteps[skip:], strict=True):
            np.testing.assert_allclose(latents, theirs.numpy(), rtol=1e-5, atol=1e-5)
            latents, _ = ours.step(said, time, latents, Noise(0))
            [theirs] = it.step(torch.from_numpy(said), then, theirs, return_dict=False)
        np.testing.assert_allclose(latents, theirs.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_angles_are_those_of_diffusers(steps: int) -> None:
    """Sana-Sprint: the same angles and steps."""
    import diffusers
    import torch

    shape, rng = (1, 32, 4, 4), np.random.default_rng(0)
    noise, said = _random(rng, shape), _random(rng, shape)
    it = diffusers.SCMScheduler()
    it.set_timesteps(steps, intermediate_timesteps=1.3 if steps == 2 else None)
    ours, mine, other = Circle({}), Drawn(), Drawn().torch
    times = ours.start(steps)
    np.testing.assert_allclose(times, it.timesteps[:-1].numpy(), rtol=1e-6)
    latents = ours.begin(noise, None, times[0])
    theirs = torch.from_numpy(noise) * 0.5
    for time, then in zip(times, it.timesteps[:-1], strict=True):
        np.testing.assert_allclose(latents, theirs.numpy(), rtol=1e-5, atol=1e-5)
        assert np.allclose(ours.look(latents, time) * 0.5, latents)
        latents, guess = ours.step(said, time, latents, mine)
        done = it.step(torch.from_numpy(said * 0.5), then, theirs, generator=other)
        theirs = done.prev_sample
        np.testing.assert_allclose(guess * 0.5, done.pred_original_sample, rtol=1e-5, atol=1e-5)
    assert latents is guess


@pytest.mark.parametrize("first", [999, 500])
def test_a_single_step_may_begin_elsewhere(first: int) -> None:
    """As the one-step models are taught at a time of their own."""
    for name in ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "LCMScheduler"):
        sampler = schedulers.sampler(name, TURBO)
        assert [float(each) for each in sampler.start(1, first=first)] == [first]
        assert [float(each) for each in sampler.start(1)] != [500]
        assert len(sampler.start(4, first=first)) == 4


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
        ("DPMSolverMultistepScheduler", {"solver_order": 3}),
        ("DPMSolverMultistepScheduler", {"solver_type": "heun"}),
        ("DPMSolverMultistepScheduler", {"thresholding": True}),
        ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
        ("DPMSolverMultistepScheduler", {"lambda_min_clipped": -5.1}),
        ("EulerDiscreteScheduler", {"interpolation_type": "log_linear"}),
        ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
        ("UniPCMultistepScheduler", {}),
    ],
    ids=str,
)
def test_what_is_rare_is_left_to_diffusers(name: str, settings: dict[str, Any]) -> None:
    """It paints all the same, and the same again from the same seed."""
    assert name not in WALKS or not WALKS[name].fits(settings)
    sampler = schedulers.sampler(name, TURBO | settings)
    assert type(sampler).__name__ == "Borrowed"

    def walk() -> Any:
        rng, random = np.random.default_rng(0), Noise(5)
        times = sampler.start(4)
        latents = sampler.begin(random.draw((1, 4, 8, 8)), None, times[0])
        for time in times:
            sampler.look(latents, time)
            latents, guess = sampler.step(_random(rng, latents.shape), time, latents, random)
            assert np.isfinite(latents).all()
            assert np.isfinite(guess).all()
        return latents

    assert np.array_equal(walk(), walk())


def test_defaults_are_those_of_diffusers() -> None:
    """What a folder does not say means what it means there; no setting of theirs is overlooked."""
    import inspect

    import diffusers

    names: dict[str, Any] = {"FlowMatchEulerDiscreteScheduler": Flow, "SCMScheduler": Circle}
    names |= WALKS
    for name, kind in names.items():
        usual = dict(inspect.signature(getattr(diffusers, name)).parameters)
        known = getattr(kind, "known", {})
        for key, value in (known | kind.refused).items():
            assert usual[key].default == value, (name, key)
        overlooked = {*usual} - {*known} - {*kind.refused} - {*getattr(kind, "unused", ())}
        assert overlooked <= {"num_train_timesteps", "sigma_data"}, name
        assert kind.fits({key: each.default for key, each in usual.items()}), name


@pytest.mark.parametrize("name", WALKS)
@pytest.mark.parametrize("other", [*WALKS, "PNDMScheduler", "UniPCMultistepScheduler"])
def test_another_scheduler_in_the_folder_is_no_reason_to_borrow(name: str, other: str) -> None:
    """Somebody asks for one by name where the folder has all the settings of another one."""
    import diffusers

    config = dict(getattr(diffusers, other)(**TURBO).config)
    said = {key: value for key, value in config.items() if not key.startswith("_")}
    ours = schedulers.sampler(name, said)
    assert type(ours) is WALKS[name]
    theirs = Theirs(name, {})
    theirs.it = type(theirs.it).from_config(said)
    largest = float(theirs.it.sigmas.max()) if theirs.scaled else 0.0
    _same(_walk_ours(ours, 4, 0, True), _walk_theirs(name, theirs, 4, 0, True), largest)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"beta_schedule": "mystery"}, "beta_schedule 'mystery'"),
        ({"timestep_spacing": "mystery"}, "timestep_spacing 'mystery'"),
    ],
)
def test_what_nobody_knows_is_said(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        schedulers.sampler("EulerDiscreteScheduler", settings).start(2)


def test_more_steps_than_it_was_distilled_at_are_refused() -> None:
    sampler = schedulers.sampler("LCMScheduler", {"original_inference_steps": 4})
    assert len(sampler.start(4)) == 4
    with pytest.raises(ValueError, match="5 steps"):
        sampler.start(5)


@pytest.mark.parametrize("shape", [(1, 4, 8, 8), (1, 4, 9, 9), (1, 3, 5, 7)])
def test_seeds_mean_what_they_mean_in_torch(shape: tuple[int, ...]) -> None:
    """The same numbers but for the last bits, also the second time, whatever the seed."""
    import torch

    for seed in (0, 1, 2**31, 2**32 - 1, 2**53 + 7):
        theirs, ours = torch.Generator().manual_seed(seed), Noise(seed)
        for _ in range(2):
            expected = torch.randn(shape, generator=theirs).numpy()
            found = ours.draw(shape)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert Noise(7).draw((2, 2)).shape == (2, 2)
    assert Noise(7).seed() == Noise(7).seed() != Noise(8).seed()


def test_painting_needs_neither_torch_nor_diffusers() -> None:
    """The starter paints without a library whose import takes longer than the picture."""
    program = """
import json, sys, tempfile
from pathlib import Path
from engine.catalogue import Catalogue
from engine.diffusion import DiffusionPainter
with tempfile.TemporaryDirectory() as cache:
    DiffusionPainter(Catalogue.read(), cache=Path(cache)).warm("starter")
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True, cwd=ROOT
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & {"torch", "diffusers", "transformers", "optimum", "scipy"}
