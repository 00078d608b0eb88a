"""One model ready to paint in one size: its networks compiled for it, and the painting itself.

Its networks are compiled at the same time, each in a thread of its own: OpenVINO does not hold
Python's lock meanwhile.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from engine import inpainting, schedulers
from engine.encoding import keep_locale
from engine.families import KINDS, Shape, first
from engine.images import fit
from engine.noise import Noise
from engine.painter import OnStep, Picture, Progress
from engine.request import ALPHA, Paint
from engine.second_look import pack

if TYPE_CHECKING:
    from engine.compiled import Compiled
    from engine.conditioning import Told
    from engine.parts import Array, Parts
    from engine.preview import LatentPreview
    from engine.samplers import Sampler

PREVIEW_EVERY = 0.15
"""Seconds between two previews at least: nobody sees more, and each takes some of a step."""


class Session:
    """The networks of one model for one shape; belongs to the painting thread."""

    def __init__(self, parts: Parts, shape: Shape, preview: LatentPreview) -> None:
        self.parts = parts
        self.shape = shape
        self._preview = preview
        self._family = KINDS[parts.model.family](parts, shape)
        self._samplers: dict[str, Sampler] = {}
        self._encoder: Compiled | None = None
        self._decoder: Compiled | None = None
        self._last_preview = 0.0
        self._last_told: tuple[object, Told] | None = None
        with ThreadPoolExecutor(2, thread_name_prefix="compile") as pool:
            family = self._family
            for part in family.words.parts_needed:  # their tokenizers, before any thread asks
                family.words.length(part)
            jobs = [pool.submit(family.load), pool.submit(self._load_decoder)]
            jobs += [pool.submit(family.words.load, each) for each in family.words.parts_needed]
            try:
                self._sampler("")
            finally:
                for job in jobs:
                    job.exception()  # wait for all of them, whatever became of the first
                keep_locale()
        for job in jobs:
            job.result()

    def paint(
        self, paint: Paint, index: int, source: Image.Image | None, on_step: OnStep
    ) -> Picture:
        """One picture of `paint`; everything random comes from its own seed."""
        alone = paint.alone(index)
        steps, model = alone.working_steps, self.parts.model
        begun = time.perf_counter()
        random = Noise(alone.seed)
        told = self._told(alone)
        sampler = self._sampler(alone.scheduler or model.scheduler)
        times = sampler.start(
            alone.steps,
            skip=alone.steps - steps,
            places=self._family.places,
            first=model.first_timestep,
        )
        mask = clean = None
        if source is not None:
            if alone.mask is not None:
                fill = alone.mask == ALPHA
                mask = inpainting.read(source, alone.width, alone.height, fill=fill)
            picture = fit(source, alone.width, alone.height) if mask is None else mask.source
            clean = self._encode(picture, random)
        noise = random.draw(self._family.latent_shape)
        anew = mask is not None and alone.strength >= 1.0  # nothing of what was there shows through
        latents = sampler.begin(noise, None if anew else clean, times[0])
        keep = None if mask is None else 1 - mask.on_latents(self._family.scale)
        beside = self._beside(mask, random)
        self._family.begin()
        self._last_preview = 0.0  # each picture shows its beginning
        marks = [time.perf_counter()]
        for number, now in enumerate(times):
            said = self._family.predict(sampler, latents, now, told, beside)
            latents, guess = sampler.step(said, now, latents, random)
            if keep is not None and clean is not None:
                then = times[number + 1] if number + 1 < len(times) else None
                kept = clean if then is None else sampler.drown(clean, noise, then)
                latents = keep * kept + (1 - keep) * latents
            marks.append(time.perf_counter())
            done = min(number + 1, steps)
            shown = self._show(guess) if done < steps else None
            on_step(Progress(index=index, count=paint.count, step=done, steps=steps, preview=shown))
        image = self._decode(latents)
        self._learn(latents, image)
        if mask is not None:
            image = mask.applied(image)
        total = time.perf_counter() - begun
        step_seconds = median(then - now for now, then in pairwise(marks))
        return Picture(
            image=image,
            paint=alone,
            index=index,
            notes=told.notes,
            latents=pack(latents) if model.second_look else None,
            step_seconds=step_seconds,
            other_seconds=max(0.0, total - step_seconds * steps),
        )

    def _told(self, paint: Paint) -> Told:
        """What the denoiser is told of the words; those of the picture before are not read anew."""
        key = (paint.prompt, paint.negative, paint.guidance)
        if self._last_told is None or self._last_told[0] != key:
            shape, words = self.shape, self._family.words
            self._last_told = key, words.tell(paint, guided=shape.guided, pieces=shape.pieces)
        return self._last_told[1]

    def _sampler(self, name: str) -> Sampler:
        if name not in self._samplers:
            self._samplers[name] = schedulers.read(self.parts.model.folder, name)
        return self._samplers[name]

    def _show(self, guess: Array) -> bytes | None:
        """A preview of what the sampler takes for the finished latents, not too often."""
        now = time.perf_counter()
        if now - self._last_preview < PREVIEW_EVERY:
            return None
        shown = self._preview.render(guess[0])
        self._last_preview = time.perf_counter()
        return shown

    def _learn(self, latents: Array, image: Image.Image) -> None:
        new = not self._preview.ready
        self._preview.learn(latents[0], image)
        if new:
            self._preview.save()

    def _load_decoder(self) -> None:
        shape = list(self._family.latent_shape)
        self._decoder = self.parts.network("vae_decoder", lambda name, rank: shape)

    def _decode(self, latents: Array) -> Image.Image:
        """Latents (1, channels, h, w) as the sampler leaves them -> an RGB image."""
        assert self._decoder is not None, "it was compiled with the session"
        factor, shift = _scaling(self.parts.config("vae_decoder"))
        pixels = first(self._decoder({"latent_sample": latents / factor + shift}))[0]
        pixels *= 127.5  # in place: much less to move about
        pixels += 127.5
        np.rint(pixels, out=pixels)
        np.clip(pixels, 0, 255, out=pixels)
        planes = [Image.fromarray(plane) for plane in pixels.astype(np.uint8)]
        return Image.merge("RGB", planes)  # half the time of turning the array

    def _encode(self, picture: Image.Image, random: Noise) -> Array:
        """An RGB picture of this size -> latents; the encoder is compiled when first needed."""
        pixels = np.asarray(picture.convert("RGB"), np.float32) / 255
        return self._encoded(2.0 * pixels - 1.0, random)

    def _encoded(self, pixels: Array, random: Noise) -> Array:
        if self._encoder is None:
            shape = [1, 3, self.shape.height, self.shape.width]
            self._encoder = self.parts.network("vae_encoder", lambda name, rank: shape)
        factor, shift = _scaling(self.parts.config("vae_encoder"))
        found = first(self._encoder({"sample": pixels.transpose(2, 0, 1)[None]}))
        if found.shape[1] == 2 * self._family.channels:  # a normal distribution: means and spreads
            mean, spread = np.split(found, 2, axis=1)
            drawn = random.draw(mean.shape)
            found = mean + np.exp(0.5 * spread.clip(-30.0, 20.0)) * drawn
        return (found - shift) * factor

    def _beside(self, mask: inpainting.Mask | None, random: Noise) -> Array | None:
        """Mask and masked picture, for a denoiser that was made for painting into pictures."""
        if not self._family.masked_channels:
            return None
        height, width = self.shape.height, self.shape.width
        if mask is None:  # all of it is to be painted
            pixels = np.zeros((height, width, 3), np.float32)
            anew = np.ones((1, 1, *self._family.latent_shape[2:]), np.float32)
        else:
            anew = mask.on_latents(self._family.scale)
            seen = np.asarray(mask.source, np.float32) / 127.5 - 1
            pixels = seen * (mask.share < 0.5)[..., None]
        hidden = self._encoded(pixels, random)
        return np.concatenate((anew, hidden), axis=1)


def _scaling(config: dict[str, Any]) -> tuple[float, float]:
    """Factor and shift between a part's own latents and the sampler's."""
    return float(config.get("scaling_factor") or 1.0), float(config.get("shift_factor") or 0.0)
