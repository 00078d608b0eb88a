"""How much of a picture is noise at each time: what a scheduler's settings come to, as `Levels`.

The settings are those that diffusers writes into `scheduler/scheduler_config.json`, and mean what
they mean there (their formulas: Ho et al. 2020; Nichol and Dhariwal 2021 for the cosine; Lin et
al. 2023, https://arxiv.org/abs/2305.08891, for the spacing of times and for ending in pure noise).
Rounded to float32 where diffusers rounds, so that the same seed gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from engine.parts import Array

Settings = Mapping[str, Any]
LEAST_LEFT = np.float32(2**-24)
"""What is left of the picture where settings ask for nothing: its logarithm has to exist."""
_COSINE_OFFSET, _MOST_BETA = 0.008, 0.999


class Levels(NamedTuple):
    """The times of a walk, and how much of the picture and of the noise there is at each.

    `alpha` and `sigma` (float32, alpha² + sigma² = 1) may have one more number than `times`: what
    is there at the end.
    """

    times: Array
    alpha: Array
    sigma: Array


def by_left(times: Array, left: Array) -> Levels:
    """By how much of the picture is left, squared, at each time and at the end."""
    return Levels(times, np.sqrt(left), np.sqrt(1 - left))


def by_ratios(times: Array, left: Array, last: float) -> Levels:
    """By the ratio of noise to picture, for what is left (squared) at each time of training.

    Between those times it is found by a straight line; `last` is that at the end.
    """
    known = ratios(left)
    found = np.interp(times, np.arange(len(known)), known)
    found = np.append(found, last).astype(np.float32)
    alpha = 1 / np.sqrt(found**2 + 1)
    return Levels(times, alpha, found * alpha)


def ratios(left: Array) -> Array:
    """Of noise to picture, for what is left of the picture (squared)."""
    found: Array = np.sqrt((1 - left) / left)
    return found


def left_over(settings: Settings, *, never_nothing: bool) -> Array:
    """How much of the picture is left at each time of training, squared, as float32.

    `never_nothing`: something remains even where settings want pure noise at the end. Raises
    `ValueError` for a schedule nobody knows.
    """
    count = int(settings["num_train_timesteps"])
    begin, end = float(settings["beta_start"]), float(settings["beta_end"])
    name = settings["beta_schedule"]
    if settings["trained_betas"] is not None:
        betas = np.asarray(settings["trained_betas"], np.float32)
    elif name == "linear":
        betas = _line(begin, end, count)
    elif name == "scaled_linear":
        betas = _line(begin**0.5, end**0.5, count) ** 2
    elif name == "squaredcos_cap_v2":
        betas = _cosine(count)
    else:
        raise ValueError(f"beta_schedule {name!r} is not known")
    if not settings["rescale_betas_zero_snr"]:
        return _product(1 - betas)
    left = _product(1 - _to_nothing(betas))
    if never_nothing:
        left[-1] = LEAST_LEFT
    return left


def spaced(settings: Settings, steps: int, *, longer: int = 0, whole: bool = True) -> Array:
    """The times of `steps` steps, from the noisiest on, as settings space them.

    `longer` makes the stride of a walk with so many more steps, of which the last are not taken;
    `whole` rounds also where the spacing is even. Raises `ValueError` for an unknown spacing.
    """
    count, name = int(settings["num_train_timesteps"]), settings["timestep_spacing"]
    found: Array
    if name == "linspace":
        found = np.linspace(0, count - 1, steps + longer)[longer:][::-1]
        return found.round().astype(np.int64) if whole else found.astype(np.float32)
    if name == "leading":
        found = np.arange(longer, steps + longer)[::-1] * (count // (steps + longer))
        found += int(settings["steps_offset"])
    elif name == "trailing":
        found = np.arange(count, 0, -count / steps).round() - 1
    else:
        raise ValueError(f"timestep_spacing {name!r} is not known")
    return found.astype(np.int64 if whole else np.float32)


def skipping(settings: Settings, steps: int) -> Array:
    """The times of `steps` steps out of those that a consistency model was distilled at."""
    count, taught = int(settings["num_train_timesteps"]), int(settings["original_inference_steps"])
    if not steps <= taught <= count:
        raise ValueError(f"{steps} steps out of {taught} that it was distilled at, of {count}")
    known = (np.arange(1, taught + 1) * (count // taught) - 1)[::-1]
    return known[np.floor(np.linspace(0, taught, steps, endpoint=False)).astype(np.int64)]


def _line(begin: float, end: float, count: int) -> Array:
    """From `begin` to `end` as torch counts: from both ends to the middle."""
    stride = np.float32((end - begin) / max(1, count - 1))
    at = np.arange(count, dtype=np.float32)
    up, down = np.float32(begin) + stride * at, np.float32(end) - stride * at[::-1]
    found: Array = np.where(at < count // 2, up, down).astype(np.float32)
    return found


def _cosine(count: int) -> Array:
    def left(share: float) -> float:
        return math.cos((share + _COSINE_OFFSET) / (1 + _COSINE_OFFSET) * math.pi / 2) ** 2

    betas = [1 - left((at + 1) / count) / left(at / count) for at in range(count)]
    return np.minimum(betas, _MOST_BETA).astype(np.float32)


def _to_nothing(betas: Array) -> Array:
    """Shifted and stretched so that nothing of the picture is left at the last time."""
    root = np.sqrt(_product(1 - betas))
    root = (root - root[-1]) * (root[0] / (root[0] - root[-1]))
    left = root**2
    found: Array = 1 - np.concatenate([left[:1], left[1:] / left[:-1]])
    return found


def _product(each: Array) -> Array:
    """The running product, reckoned in double and rounded at each place."""
    return np.cumprod(each, dtype=np.float64).astype(np.float32)
