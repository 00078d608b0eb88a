"""A scheduler of diffusers behind our `Sampler`: for what is rare in a scheduler's settings.

The one home of torch and diffusers where pictures are painted; importing them takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import diffusers
import numpy as np
import torch

from engine.levels import Settings
from engine.samplers import Sampler, Stepped

if TYPE_CHECKING:
    from engine.noise import Noise
    from engine.parts import Array

Tensor = Any
"""A torch.Tensor; the library brings no annotations that can be checked in a sensible time."""


class Borrowed(Sampler):
    """Any scheduler of theirs that looks at the network once a step."""

    def __init__(self, name: str, said: Settings) -> None:
        torch.set_num_threads(1)  # its tensors are small; waking others takes longer than adding
        self.scheduler = getattr(diffusers, name).from_config(dict(said))
        self._name = name
        self._generator: torch.Generator | None = None

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        del places
        self._generator = None
        if first and steps == 1:
            self.scheduler.set_timesteps(timesteps=[first])
        else:
            self.scheduler.set_timesteps(steps)
        self.scheduler.set_begin_index(skip) if hasattr(self.scheduler, "set_begin_index") else None
        return [np.asarray(each) for each in self.scheduler.timesteps[skip:]]

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        if clean is None:
            return _array(_tensor(noise) * self.scheduler.init_noise_sigma)
        return self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        return _array(
            self.scheduler.add_noise(_tensor(clean), _tensor(noise), _tensor(time).reshape(1))
        )

    def look(self, latents: Array, time: Array) -> Array:
        return _array(self.scheduler.scale_model_input(_tensor(latents), _tensor(time)))

    def step(self, said: Array, time: Array, latents: Array, random: Noise) -> Stepped:
        given: dict[str, Any] = {}
        if self._name != "UniPCMultistepScheduler":
            if self._generator is None:  # its own numbers, but from the same seed
                self._generator = torch.Generator("cpu").manual_seed(random.seed())
            given["generator"] = self._generator
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


def _tensor(values: Array) -> Tensor:
    """An array as diffusers reckons with it, without a copy."""
    return torch.from_numpy(np.asarray(values))


def _array(found: Tensor) -> Array:
    """The other way round."""
    return np.asarray(found)
