"""How noise becomes a picture, step by step: the samplers of the usual schedulers, in numpy.

They walk as diffusers' schedulers of the same names do (tests hold each against its original), but
need neither diffusers nor torch: importing those took longer than painting does, and right after a
network has run, when nothing else is left in the processor's caches, a torch addition takes four
times as long. What is rare in a scheduler's settings is left to diffusers
(engine/borrowed.py).

Everywhere the latents are `alpha · picture + sigma · noise` with alpha² + sigma² = 1, also where
diffusers keeps them in another scale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from engine import levels
from engine.levels import Levels, Settings

if TYPE_CHECKING:
    from engine.noise import Noise
    from engine.parts import Array


class Stepped(NamedTuple):
    """What is left after a step, and the present guess of the finished latents."""

    latents: Array
    clean: Array


class Sampler(ABC):
    """One scheduler, from noise to latents; belongs to one thread.

    Times are what the scheduler counts them in, as arrays without dimensions.
    """

    @abstractmethod
    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        """The times of `steps` steps but for the first `skip`; a single one may begin at `first`.

        `places` are the positions of the picture, by which some shift their times. Raises
        `ValueError` for steps that the scheduler cannot take.
        """

    @abstractmethod
    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        """What the first step looks at: noise, or `clean` under the noise of that time."""

    @abstractmethod
    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        """`clean` with as much of `noise` as there is at that time, the next one."""

    def look(self, latents: Array, time: Array) -> Array:
        """`latents` as the network wants to see them."""
        del time
        return latents

    @abstractmethod
    def step(self, said: Array, time: Array, latents: Array, random: Noise) -> Stepped:
        """One step on, by what the network `said`."""


_LEVELS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
    "prediction_type": "epsilon",
    "rescale_betas_zero_snr": False,
    "steps_offset": 0,
}
_DISTILLED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
_SIGMAS = dict.fromkeys(("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"), False)

_THRESHOLDS = {"thresholding": False}


class Walk(Sampler):
    """One that walks along `Levels`, which depend on settings and the number of steps alone."""

    known: ClassVar[dict[str, Any]]
    """The settings that it follows, with what diffusers takes where they are not said."""
    refused: ClassVar[dict[str, Any]] = {}
    """The settings that it does not follow, with what they are where that makes no difference."""
    unused: ClassVar[tuple[str, ...]] = ()
    """Settings that change nothing as long as the others are as here."""
    predictions: ClassVar[tuple[str, ...]] = ("epsilon", "v_prediction", "sample")
    never_nothing: ClassVar[bool] = True

    def __init__(self, said: Settings) -> None:
        """What is `said` of others than the known settings is not looked at: ask `fits` first.

        A folder's settings may be those of another scheduler, too; as in diffusers, what this one
        does not have means nothing.
        """
        self.settings = self.known | {key: said[key] for key in self.known if key in said}
        self._left = levels.left_over(self.settings, never_nothing=self.never_nothing)
        self._walks: dict[tuple[int, int], Levels] = {}
        self._levels = self._walk(1)
        self._at = 0

    @classmethod
    def fits(cls, said: Settings) -> bool:
        """Whether it follows all that is said."""
        predicts = said.get("prediction_type", cls.known["prediction_type"])
        return _follows(cls.refused, said) and predicts in cls.predictions

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        del places
        first = first if steps == 1 else 0
        if (steps, first) not in self._walks:
            self._walks[steps, first] = self._walk(steps, first)
        self._levels, self._at = self._walks[steps, first], skip
        return list(self._levels.times[skip:])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        return noise if clean is None else self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        del time  # nobody asks but for the step that comes next
        alpha, sigma = self._now(0)
        found: Array = alpha * clean + sigma * noise
        return found

    def step(self, said: Array, time: Array, latents: Array, random: Noise) -> Stepped:
        del time
        found = self._stepped(said, latents, random)
        self._at += 1
        return found

    @abstractmethod
    def _walk(self, steps: int, first: int = 0) -> Levels:
        """The levels of so many steps."""

    @abstractmethod
    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        """One step on; which one it was is counted elsewhere."""

    def _by_ratios(self, times: Array) -> Levels:
        """The levels at those times, and in the end without noise, or with the least there is."""
        zero = self.settings.get("final_sigmas_type", "zero") == "zero"
        return levels.by_ratios(times, self._left, 0.0 if zero else levels.ratios(self._left)[0])

    @property
    def _ends(self) -> bool:
        """Whether this step is the last one."""
        return self._at + 1 == len(self._levels.times)

    def _now(self, later: int) -> tuple[Any, Any]:
        """alpha and sigma now, or so many steps later."""
        return self._levels.alpha[self._at + later], self._levels.sigma[self._at + later]

    def _clean(self, said: Array, latents: Array) -> Array:
        """The finished latents as the network sees them."""
        alpha, sigma = self._now(0)
        match self.settings["prediction_type"]:
            case "v_prediction":
                found: Array = alpha * latents - sigma * said
            case "epsilon":
                found = (latents - sigma * said) / alpha
            case _:
                found = said
        return found

    def _clipped(self, clean: Array) -> Array:
        """Within the range that settings allow, if they want that."""
        if self.settings["clip_sample"]:
            most = float(self.settings["clip_sample_range"])
            return clean.clip(-most, most)
        return clean

    def _drawn(self, said: Array, clean: Array, latents: Array) -> Array:
        """The noise in the latents as the network sees it."""
        alpha, sigma = self._now(0)
        match self.settings["prediction_type"]:
            case "v_prediction":
                found: Array = alpha * said + sigma * latents
            case "epsilon":
                found = said
            case _:
                found = (latents - alpha * clean) / sigma
        return found


class Solver(Walk):
    """DPM-Solver++ (Lu et al. 2022, https://arxiv.org/abs/2211.01095), first and second order."""

    known = _LEVELS | {
        "timestep_spacing": "linspace",
        "solver_order": 2,
        "lower_order_final": True,
        "euler_at_final": False,
        "final_sigmas_type": "zero",
    }
    refused = _SIGMAS | {
        "algorithm_type": "dpmsolver++",
        "solver_type": "midpoint",
        "thresholding": False,
        "use_lu_lambdas": False,
        "use_flow_sigmas": False,
        "use_dynamic_shifting": False,
        "lambda_min_clipped": -float("inf"),
        "variance_type": None,
    }
    unused = ("dynamic_thresholding_ratio", "sample_max_value", "flow_shift", "time_shift_type")
    eased = 15
    """Walks shorter than this end with a step that looks at none before it."""

    @classmethod
    def fits(cls, said: Settings) -> bool:
        if said.get("solver_type") in ("logrho", "bh1", "bh2"):  # of DEIS and UniPC: as if not said
            said = {key: value for key, value in said.items() if key != "solver_type"}
        return said.get("solver_order", 2) <= 2 and super().fits(said)

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        times = super().start(steps, skip=skip, places=places, first=first)
        self._factors = self._reckoned()
        self._before: Array | None = None
        return times

    def _reckoned(self) -> tuple[list[Any], ...]:
        """Of each step what latents, clean ones and their change are multiplied by."""
        _, alpha, sigma = self._levels
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left at the end
            ways = np.diff(np.log(alpha) - np.log(sigma))
            add = alpha[1:] * np.expm1(-ways)
            turn = np.append(np.float32(0), 0.5 * add[1:] * ways[1:] / ways[:-1])
        said, count = self.settings, len(self._levels.times)
        eases = said["euler_at_final"] or (said["lower_order_final"] and count < self.eased)
        if eases or said["final_sigmas_type"] == "zero":
            turn[-1] = 0
        return list(sigma[1:] / sigma[:-1]), list(add), list(turn)

    def _walk(self, steps: int, first: int = 0) -> Levels:
        times = np.array([first]) if first else levels.spaced(self.settings, steps, longer=1)
        return self._by_ratios(times)

    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        clean = self._clean(said, latents)
        keep, add, turn = (each[self._at] for each in self._factors)
        left = keep * latents - add * clean
        if self._before is not None and turn:
            left -= turn * (clean - self._before)
        self._before = clean if self.settings["solver_order"] > 1 else None
        return Stepped(left, clean)


class Euler(Walk):
    """Straight on (Karras et al. 2022, https://arxiv.org/abs/2206.00364, algorithm 2, no churn)."""

    known = _LEVELS | {"timestep_spacing": "linspace", "final_sigmas_type": "zero"}
    refused = _SIGMAS | {"interpolation_type": "linear", "timestep_type": "discrete"}
    unused = ("sigma_min", "sigma_max")

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        if clean is not None or self.settings["timestep_spacing"] == "leading":
            return super().begin(noise, clean, time)
        found: Array = noise * self._now(0)[1]
        return found

    def _walk(self, steps: int, first: int = 0) -> Levels:
        if first:
            times = np.array([first], np.float32)
        else:
            times = levels.spaced(self.settings, steps, whole=False)
        return self._by_ratios(times)

    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        clean = self._clean(said, latents)
        (alpha, sigma), (alpha_then, sigma_then) = self._now(0), self._now(1)
        return Stepped(alpha_then * clean + sigma_then / sigma * (latents - alpha * clean), clean)


class EulerAncestral(Euler):
    """Straight on and a little back: each step adds noise anew."""

    known = _LEVELS | {"timestep_spacing": "linspace"}
    refused: ClassVar[dict[str, Any]] = {}
    predictions = ("epsilon", "v_prediction")

    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        clean = self._clean(said, latents)
        (alpha, sigma), (alpha_then, sigma_then) = self._now(0), self._now(1)
        now, then = sigma / alpha, sigma_then / alpha_then
        anew = np.sqrt(then**2 * (now**2 - then**2)) / now
        down = np.sqrt(then**2 - anew**2)
        left = clean + down / sigma * (latents - alpha * clean) + anew * random.draw(latents.shape)
        return Stepped(alpha_then * left, clean)


class Ddim(Walk):
    """Without noise of its own (Song et al. 2020, https://arxiv.org/abs/2010.02502)."""

    known = _LEVELS | {
        "timestep_spacing": "leading",
        "set_alpha_to_one": True,
        "clip_sample": True,
        "clip_sample_range": 1.0,
    }
    refused = _THRESHOLDS
    unused = ("dynamic_thresholding_ratio", "sample_max_value")
    never_nothing = False

    def _walk(self, steps: int, first: int = 0) -> Levels:
        times = np.array([first]) if first else levels.spaced(self.settings, steps)
        return levels.by_left(times, self._left[times])

    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        clean = self._clean(said, latents)
        drawn = self._drawn(said, clean, latents)
        times, count = self._levels.times, int(self.settings["num_train_timesteps"])
        then = int(times[self._at]) - count // len(times)  # whatever the next one's time is
        end = np.float32(1) if self.settings["set_alpha_to_one"] else self._left[0]
        left = self._left[then] if then >= 0 else end
        clean = self._clipped(clean)
        return Stepped(np.sqrt(left) * clean + np.sqrt(1 - left) * drawn, clean)


class Consistency(Walk):
    """Each step straight to the end and back into noise: latent consistency models.

    Luo et al. 2023, https://arxiv.org/abs/2310.04378.
    """

    known = _LEVELS | _DISTILLED | {
        "original_inference_steps": 50,
        "timestep_scaling": 10.0,
        "clip_sample": False,
        "clip_sample_range": 1.0,
    }  # fmt: skip
    refused = _THRESHOLDS
    unused = (
        "set_alpha_to_one",
        "timestep_spacing",
        "dynamic_thresholding_ratio",
        "sample_max_value",
    )
    never_nothing = False
    data_spread = 0.5

    def _walk(self, steps: int, first: int = 0) -> Levels:
        times = np.array([first]) if first else levels.skipping(self.settings, steps)
        return levels.by_left(times, self._left[times])

    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        far = self._levels.times[self._at] * float(self.settings["timestep_scaling"])
        both = far**2 + self.data_spread**2
        skip, out = np.float32(self.data_spread**2 / both), np.float32(far / both**0.5)
        clean = out * self._clipped(self._clean(said, latents)) + skip * latents
        if self._ends:
            return Stepped(clean, clean)
        alpha, sigma = self._now(1)
        return Stepped(alpha * clean + sigma * random.draw(clean.shape), clean)


class Trajectory(Walk):
    """Some way beyond the next time, and back by noise: trajectory consistency distillation.

    Zheng et al. 2024, https://arxiv.org/abs/2402.19159; `anew` is their gamma.
    """

    known = _LEVELS | _DISTILLED | {"original_inference_steps": 50}
    unused = (
        *("set_alpha_to_one", "timestep_spacing", "timestep_scaling", "clip_sample"),
        *("clip_sample_range", "thresholding", "dynamic_thresholding_ratio", "sample_max_value"),
    )
    never_nothing = False
    anew = 0.3

    def _walk(self, steps: int, first: int = 0) -> Levels:
        times = np.array([first]) if first else levels.skipping(self.settings, steps)
        return levels.by_left(times, self._left[times])

    def _stepped(self, said: Array, latents: Array, random: Noise) -> Stepped:
        clean = self._clean(said, latents)
        drawn = self._drawn(said, clean, latents)
        then = 0 if self._ends else int(self._levels.times[self._at + 1])
        goal = self._left[int((1 - self.anew) * then)]
        left = np.sqrt(goal) * clean + np.sqrt(1 - goal) * drawn
        if self._ends:
            return Stepped(left, left)
        back = self._left[then] / goal
        fresh = random.draw(left.shape)
        return Stepped(np.sqrt(back) * left + np.sqrt(1 - back) * fresh, left)


WALKS: Mapping[str, type[Walk]] = {
    "DPMSolverMultistepScheduler": Solver,
    "EulerDiscreteScheduler": Euler,
    "EulerAncestralDiscreteScheduler": EulerAncestral,
    "DDIMScheduler": Ddim,
    "LCMScheduler": Consistency,
    "TCDScheduler": Trajectory,
}
"""By the names of diffusers' schedulers."""


class Flow(Sampler):
    """Straight lines from noise to picture, as Flux walks them."""

    known: ClassVar[dict[str, Any]] = {
        "num_train_timesteps": 1000,
        "shift": 1.0,
        "use_dynamic_shifting": False,
        "base_shift": 0.5,
        "max_shift": 1.15,
        "base_image_seq_len": 256,
        "max_image_seq_len": 4096,
        "shift_terminal": None,
        "time_shift_type": "exponential",
    }

    refused: ClassVar[dict[str, Any]] = _SIGMAS | {
        "invert_sigmas": False,
        "stochastic_sampling": False,
    }

    def __init__(self, said: Settings) -> None:
        self.settings = self.known | {key: said[key] for key in self.known if key in said}
        self._shares = np.zeros(1, np.float32)
        self._at = 0

    @classmethod
    def fits(cls, said: Settings) -> bool:
        """Whether it follows all that is said."""
        return _follows(cls.refused, said)

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        del first
        said = self.settings
        found = np.linspace(1, 1 / steps, steps, dtype=np.float32)
        if said["use_dynamic_shifting"]:
            least, most = said["base_image_seq_len"], said["max_image_seq_len"]
            slope = (said["max_shift"] - said["base_shift"]) / (most - least)
            shift = said["base_shift"] + slope * (places - least)
            exponential = said["time_shift_type"] == "exponential"
            shift = np.exp(shift) if exponential else shift
            found = shift / (shift + (1 / found - 1))
        else:
            shift = said["shift"]
            found = shift * found / (1 + (shift - 1) * found)
        if said["shift_terminal"] and steps > 1:
            found = 1 - (1 - found) * ((1 - said["shift_terminal"]) / (1 - found[-1]))
        self._shares = np.append(found, 0).astype(np.float32)
        self._at = skip
        return list(self._shares[skip:-1] * said["num_train_timesteps"])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        return noise if clean is None else self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        del time
        share = self._shares[self._at]
        found: Array = share * noise + (1 - share) * clean
        return found

    def step(self, said: Array, time: Array, latents: Array, random: Noise) -> Stepped:
        del time, random
        share, then = self._shares[self._at], self._shares[self._at + 1]
        self._at += 1
        return Stepped(latents + (then - share) * said, latents - share * said)


class Circle(Sampler):
    """Along a circle, as Sana-Sprint goes; its times are angles.

    Lu and Song 2024, https://arxiv.org/abs/2410.11081.
    """

    refused: ClassVar[dict[str, Any]] = {"prediction_type": "trigflow"}

    most = 1.57080
    """The angle of pure noise: where Sana-Sprint begins."""
    middle = 1.3
    """Where it looks a second time, if it does so twice."""

    def __init__(self, said: Settings) -> None:
        self._spread = float(said.get("sigma_data", 0.5))
        self._angles = np.zeros(1, np.float32)
        self._at = 0

    @classmethod
    def fits(cls, said: Settings) -> bool:
        """Whether it follows all that is said."""
        return _follows(cls.refused, said)

    def start(self, steps: int, *, skip: int = 0, places: int = 0, first: int = 0) -> list[Array]:
        del places, first
        found = np.linspace(self.most, 0, steps + 1)
        if steps == 2:
            found[1] = self.middle
        self._angles, self._at = found.astype(np.float32), skip
        return list(self._angles[skip:-1])

    def begin(self, noise: Array, clean: Array | None, time: Array) -> Array:
        return noise * self._spread if clean is None else self.drown(clean, noise, time)

    def drown(self, clean: Array, noise: Array, time: Array) -> Array:
        kept, drawn = np.cos(time) * clean, np.sin(time) * noise
        found: Array = kept * self._spread + drawn * self._spread
        return found

    def look(self, latents: Array, time: Array) -> Array:
        del time
        seen: Array = latents / self._spread
        return seen

    def step(self, said: Array, time: Array, latents: Array, random: Noise) -> Stepped:
        clean = np.cos(time) * latents - np.sin(time) * (said * self._spread)
        self._at += 1
        then = self._angles[self._at]
        guess = clean / self._spread
        if self._at + 1 == len(self._angles):
            return Stepped(guess, guess)
        fresh = random.draw(clean.shape) * self._spread
        return Stepped(np.cos(then) * clean + np.sin(then) * fresh, guess)


def _follows(refused: Mapping[str, Any], said: Settings) -> bool:
    """Whether none of the settings that are not followed is other than usual."""
    return all(said.get(key, usual) in (usual, None) for key, usual in refused.items())
