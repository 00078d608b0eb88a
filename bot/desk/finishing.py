"""Owns what is made of a stored picture: it is enlarged, or looked at again; nothing is painted.

A picture that was painted here keeps what made it (words, model, seed), so that captions, details
and "again" go on working. One that somebody brought along has no words, and its network stands
where else the model does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.desk import moderation
from bot.desk.completing import Complete, Completion, asked_for
from engine.errors import Unusable
from engine.networks import SCALES
from engine.request import LONGEST_SIDE, Ask, Paint, Resolved, Upscale
from engine.resolving import check_upscale, cost, resolve

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from engine.catalogue import Model
    from engine.networks import Network, Networks
    from storage.jobs import Job

ENLARGED = frozenset({"upscale", "upscaler", "creative"})
"""What can be asked for of a picture that somebody brought along."""
BUTTONS = (2, 4)
"""The scales that are offered without asking for a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A stored picture by its name ("picture:<id>", "upload:<id>"), and its size in pixels.

    If it came out of a job, that one and its number (from 0) there.
    """

    source: str
    width: int
    height: int
    job: Job | None = None
    index: int = 0

    @property
    def private(self) -> bool:
        """Whether it is its owner's alone."""
        return self.job is not None and self.job.private


class Finishing:
    """Completes requests about stored pictures, with the networks and whoever painted them."""

    def __init__(
        self, *, completion: Completion, networks: Networks, draw_seed: Callable[[], int]
    ) -> None:
        self._completion = completion
        self._networks = networks
        self._draw_seed = draw_seed

    def enlarge(
        self,
        asker: Asker,
        original: Original,
        *,
        scale: int,
        upscaler: str | None = None,
        creative: float | None = None,
    ) -> Complete:
        """What enlarges the picture `scale` times.

        Raises `InvalidRequest` for what is too large, `UnknownModel`, `BrokenModel`,
        `ModelNotAllowed`, `Unusable`, `BlockedWord`.
        """
        network = self._networks.choose(upscaler)
        upscale = Upscale(scale=scale, network=network.name, of=original.source, creative=creative)
        told, paint = self._told(asker, original, network, creative)
        model = None if creative is None else self._completion.model(asker, paint.model)
        check_upscale(upscale, original.width, original.height, model)
        rules = asker.place.rules
        moderation.check(rules.words, prompt=told.prompt, negative=told.negative)
        paint = replace(
            paint, width=original.width, height=original.height, count=1, upscale=upscale
        )
        filled = replace(
            told,
            upscale=_whole(told, original, scale),
            upscaler=network.name,
            creative=creative,
        )
        return Complete(
            filled=filled,
            resolved=Resolved(paint=paint, notes=(), cost=cost(paint, model, network)),
        )

    def second_look(self, asker: Asker, picture: str, job: Job, index: int) -> Complete:
        """What decodes picture number `index` of `job` again, with the full decoder.

        Raises `UnknownModel`, `BrokenModel`, `ModelNotAllowed`, `Unusable`, `BlockedWord`.
        """
        model = self._completion.model(asker, job.paint.model)
        if not model.second_look or not job.paint.paints:
            raise Unusable("second_look", model.name)
        filled = replace(asked_for(job), seed=job.paint.seed_of(index), count=1)
        rules = asker.place.rules
        moderation.check(rules.words, prompt=filled.prompt, negative=filled.negative)
        paint = replace(job.paint.alone(index), latents_of=picture)
        upscale = paint.upscale
        network = None if upscale is None else self._networks.choose(upscale.network)
        price = cost(paint, model, network)
        return Complete(filled=filled, resolved=Resolved(paint=paint, notes=(), cost=price))

    def _told(
        self, asker: Asker, original: Original, network: Network, creative: float | None
    ) -> tuple[Ask, Paint]:
        """What is known of how the picture was painted: as it was asked for, and in full."""
        job = original.job
        if job is not None and job.paint.prompt:
            paint = replace(job.paint.alone(original.index), latents_of=None)
            return replace(asked_for(job), seed=paint.seed, count=1), paint
        told = Ask(prompt="", source=original.source)
        if creative is None:
            paint = Paint(
                prompt="", model=network.name, width=1, height=1, steps=1, guidance=0.0, seed=0
            )
            return told, paint
        model: Model = self._completion.model(asker)
        found = resolve(Ask(prompt="x"), model, draw_seed=self._draw_seed)
        return told, replace(found.paint, prompt="")


def scales(width: int, height: int) -> tuple[int, ...]:
    """Which of the scales on buttons are possible for a picture of this size."""
    return tuple(scale for scale in BUTTONS if max(width, height) * scale <= LONGEST_SIDE)


def _whole(told: Ask, original: Original, scale: int) -> int:
    """How much larger than painted the picture becomes, as far as one request can ask for it."""
    whole = scale if told.width is None else scale * original.width // told.width
    return max(each for each in SCALES if each <= max(whole, SCALES[0]))
