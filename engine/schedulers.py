"""How noise becomes a picture, step by step: diffusers' schedulers by name, each as a `Sampler`.

The one home of torch and diffusers where pictures are painted; importing it takes seconds, so the
networks are loaded meanwhile. Outside, everything is an array of numpy: right after a network has
run, when nothing else is left in the processor's caches, torch takes four times as long for a few
additions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import diffusers
import numpy as np
import torch

from engine.solver import Schedule, Solver, fits, schedule

if TYPE_CHECKING:
    from engine.parts import Array

Tensor = Any
"""A torch.Tensor; the library brings no annotations that can be checked in a sensible time."""

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
STEADY = (
    "DPMSolverMultistepScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DDIMScheduler",
    "LCMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)
"""Those that look at the network once a step. Another one in a folder gives way to DPM++."""


class Stepped(NamedTuple):
    """What is left after a step, and the present guess of the finished latents."""

    latents: Array
    clean: Array


class Sampler:
    """One scheduler, from noise to latents; belongs to one thread.

    Times are what the scheduler counts them in, as arrays without dimensions.
    """

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self._name = type(scheduler).__name__

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        """The times of `steps` steps but for the first `skip`; a single one may begin at `first`.

        `places` are the positions of the picture, by which some shift their times.
        """
        del places
        if first and steps == 1:
            self.scheduler.set_timesteps(timesteps=[first])
        else:
            self.scheduler.set_timesteps(steps)
        self.scheduler.set_begin_index(skip) if hasattr(self.scheduler, "set_begin_index") else None
        return _arrays(self.scheduler.timesteps[skip:])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        """What the first step looks at: noise, or `clean` under the noise of that time."""
        if clean is None:
            return _array(_tensor(noise) * self.scheduler.init_noise_sigma)
        return self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        """`clean` with as much of `noise` as there is at that time."""
        return _array(
            self.scheduler.add_noise(_tensor(clean), _tensor(noise), _tensor(time).reshape(1))
        )

    def look(self, latents: Array, time: Array) -> Array:
        """`latents` as the network wants to see them."""
        return _array(self.scheduler.scale_model_input(_tensor(latents), _tensor(time)))

    def step(self, said: Array, time: Array, latents: Array, generator: Any) -> Stepped:
        """One step on, by what the network `said`."""
        given = {} if self._name == "UniPCMultistepScheduler" else {"generator": generator}
        if self._name == "DDIMScheduler":
            given["eta"] = 0.0
        done = self.scheduler.step(_tensor(said), _tensor(time), _tensor(latents), **given)
        clean = done.get("pred_original_sample")
        clean = done.get("denoised") if clean is None else clean
        if clean is None:
            # DPM-Solver++ keeps it, already turned into x0. Elsewhere the noisy latents stand in
            # for it, which is the same at the end.
            kept = getattr(self.scheduler, "model_outputs", None)
            if kept and "++" in self.scheduler.config.get("algorithm_type", ""):
                clean = kept[-1]
        left = _array(done.prev_sample)
        return Stepped(left, left if clean is None else _array(clean))


class FlowSampler(Sampler):
    """Straight lines from noise to picture, as Flux walks them."""

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        del first
        config = self.scheduler.config
        given: dict[str, Any] = {}
        if config.get("use_dynamic_shifting"):
            least, most = (
                config.get("base_image_seq_len", 256),
                config.get("max_image_seq_len", 4096),
            )
            low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
            given["mu"] = low + (high - low) * (places - least) / (most - least)
        sigmas = torch.linspace(1.0, 1 / steps, steps).tolist()
        self.scheduler.set_timesteps(sigmas=sigmas, **given)
        self.scheduler.set_begin_index(skip)
        return _arrays(self.scheduler.timesteps[skip:])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        return noise if clean is None else self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        return _array(
            self.scheduler.scale_noise(_tensor(clean), _tensor(time).reshape(1), _tensor(noise))
        )

    def look(self, latents: Array, time: Array) -> Array:
        del time
        return latents

    def step(self, said: Array, time: Array, latents: Array, generator: Any) -> Stepped:
        del generator
        clean = latents - said * (time / self.scheduler.config.num_train_timesteps)
        given = _tensor(said), _tensor(time), _tensor(latents)
        return Stepped(_array(self.scheduler.step(*given, return_dict=False)[0]), clean)


class ConsistencySampler(Sampler):
    """Along a circle, as Sana-Sprint goes; its times are angles."""

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        del places, first
        self.scheduler.set_timesteps(steps, intermediate_timesteps=1.3 if steps == 2 else None)
        self.scheduler.set_begin_index(skip)
        return _arrays(self.scheduler.timesteps[skip:-1])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        spread = self.scheduler.config.sigma_data
        return noise * spread if clean is None else self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        spread = self.scheduler.config.sigma_data
        kept, drawn = np.cos(time) * clean, np.sin(time) * noise
        found: Array = kept * spread + drawn * spread
        return found

    def look(self, latents: Array, time: Array) -> Array:
        del time
        seen: Array = latents / self.scheduler.config.sigma_data
        return seen

    def step(self, said: Array, time: Array, latents: Array, generator: Any) -> Stepped:
        spread = self.scheduler.config.sigma_data
        given = _tensor(said * spread), _tensor(time), _tensor(latents)
        done = self.scheduler.step(*given, generator=generator)
        clean = _array(done.pred_original_sample) / spread
        last = self.scheduler.step_index >= len(self.scheduler.timesteps) - 1
        return Stepped(clean if last else _array(done.prev_sample), clean)


class SolverSampler(Sampler):
    """DPM-Solver++ as it is usually set up, without diffusers' own step."""

    def __init__(self, scheduler: Any) -> None:
        super().__init__(scheduler)
        self._solver = Solver(scheduler)
        self._known: dict[tuple[int, int], Schedule] = {}

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        key = (steps, first)
        if key not in self._known:
            super().start(steps, places=places, first=first)
            self._known[key] = schedule(self.scheduler)
        self._solver.start(self._known[key], skip)
        return list(self._known[key].times[skip:])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        return noise if clean is None else self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        del time  # nobody asks but for the step that comes next
        return self._solver.drown(clean, noise)

    def look(self, latents: Array, time: Array) -> Array:
        del time
        return latents

    def step(self, said: Array, time: Array, latents: Array, generator: Any) -> Stepped:
        del time, generator
        return Stepped(*self._solver.step(said, latents))


def read(folder: Path, name: str = "") -> Sampler:
    """The scheduler `name` set up as the model's folder says, or the folder's own.

    Raises `ValueError` or `OSError` for a folder that says nothing sensible.
    """
    torch.set_num_threads(1)  # its tensors are small; waking others takes longer than adding
    config = json.loads((folder / "scheduler/scheduler_config.json").read_text(encoding="utf-8"))
    own = str(config.get("_class_name", ""))
    if own in FLOWS:
        return FlowSampler(_made(own, config))
    if own in CONSISTENT:
        return ConsistencySampler(_made(own, config))
    if name:
        kind, settings = NAMED[name]
        return _sampler(_made(kind, config, **settings))
    if own in STEADY:
        return _sampler(_made(own, config))
    if not own.endswith("Scheduler"):
        raise ValueError("scheduler/scheduler_config.json names none")
    kind, settings = NAMED["dpm++"]
    return _sampler(_made(kind, config, **settings))


def _sampler(scheduler: Any) -> Sampler:
    return SolverSampler(scheduler) if fits(scheduler) else Sampler(scheduler)


def _made(kind: str, config: dict[str, Any], **settings: Any) -> Any:
    known = {key: value for key, value in config.items() if not key.startswith("_")}
    return getattr(diffusers, kind).from_config(known, **settings)


def noise(seed: int) -> torch.Generator:
    """Where everything random of one picture comes from."""
    return torch.Generator("cpu").manual_seed(seed)


def draw(shape: tuple[int, ...], generator: torch.Generator) -> Array:
    """Noise of that shape."""
    return _array(torch.randn(shape, generator=generator))


def _tensor(values: Array) -> Tensor:
    """An array as diffusers reckons with it, without a copy."""
    return torch.from_numpy(np.asarray(values))


def _array(found: Tensor) -> Array:
    """The other way round."""
    return np.asarray(found)


def _arrays(found: Tensor) -> list[Array]:
    """Each number of a row by itself."""
    return [np.asarray(each) for each in found]
