"""Owns how a request is completed: which defaults fill it, which model paints it, in what style.

What somebody gave comes first, then their own defaults, then those of the place, then the
operator's. Their words and the style stay apart in the ask, and come together in what is painted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import structlog

from bot.desk import moderation, styles
from bot.desk.errors import ModelNotAllowed, UnknownStyle
from engine.errors import InvalidRequest
from engine.request import Ask, Limits, Note, Resolved
from engine.resolving import resolve

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from bot.desk.styles import Style
    from bot.settings import Settings
    from engine.catalogue import Catalogue, Model
    from engine.networks import Networks
    from storage.jobs import Job
    from storage.rules import HouseRules

log = structlog.get_logger(__name__)

SUBTLE, STRONG = 0.35, 0.65
"""The share of the steps that repaint a picture when it is varied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """A request with nothing left open; `filled` keeps the words and the style in it apart."""

    filled: Ask
    resolved: Resolved


class Completion:
    """Completes the requests of askers with the catalogue, the styles and everybody's defaults."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        styles: tuple[Style, ...],
        settings: Settings,
        draw_seed: Callable[[], int],
        networks: Networks,
    ) -> None:
        self._catalogue = catalogue
        self._networks = networks
        self._settings = settings
        self._draw_seed = draw_seed
        self._limits = Limits()
        self.styles = styles

    def complete(self, asker: Asker, ask: Ask, *, exact: bool = False) -> Complete:
        """Fill the gaps, check the words, put the style around them.

        Raises `BlockedWord`, `ModelNotAllowed`, `UnknownStyle` and what `resolve` raises.
        """
        rules = asker.place.rules
        own = _own_defaults(asker)
        moderation.check(rules.words, prompt=ask.prompt, negative=_first("negative", ask, own))
        model, notes = self._model(ask, own, rules)
        defaults = _filled(own, rules)
        resolved = resolve(
            ask,
            model,
            draw_seed=self._draw_seed,
            limits=self._limits,
            defaults=defaults,
            exact=exact,
            networks=self._networks,
        )
        mine = {f.name for f in fields(Ask) if own is not None and getattr(own, f.name) is not None}
        notes += tuple(n for n in resolved.notes if n.code != "default_dropped" or n.field in mine)
        notes += _strangers(ask.prompt, model)
        style, dropped = self._style(ask, own, rules)
        filled = replace(
            ask,
            style=styles.NO_STYLE if style is None else style.name,
            negative=resolved.paint.negative,
        )
        paint = resolved.paint
        if style is not None:
            paint = replace(
                paint,
                prompt=style.around(paint.prompt),
                negative=style.beside(paint.negative) if model.negative else paint.negative,
            )
            self._check_length("prompt", paint.prompt)
            self._check_length("negative", paint.negative)
        return Complete(
            filled=filled, resolved=replace(resolved, paint=paint, notes=notes + dropped)
        )

    def check_defaults(self, asker: Asker, defaults: Ask) -> None:
        """Raises what `complete` would raise if the values were asked for."""
        moderation.check(asker.place.rules.words, prompt="", negative=defaults.negative)
        if defaults.style is not None:
            styles.find(self.styles, defaults.style)
        model, _ = self._model(defaults, None, asker.place.rules)
        tried = replace(defaults, prompt="x", source=None, mask=None)
        if defaults.upscale is None and (defaults.upscaler or defaults.creative) is not None:
            tried = replace(tried, upscale=2)  # looked at as if they were used
        resolve(tried, model, draw_seed=lambda: 0, limits=self._limits, networks=self._networks)

    def again(self, job: Job) -> Ask:
        """What paints a job once more with a new seed, whoever asks and whatever their defaults.

        One that only enlarged a picture painted here is painted *and* enlarged.
        """
        ask = asked_for(job)
        model = self._catalogue.models.get(job.paint.model)
        return replace(
            ask,
            seed=None,
            guidance=ask.guidance if model is None or model.guidance else None,
            negative=ask.negative or "",
            style=ask.style or styles.NO_STYLE,
            upscale=ask.upscale or 1,
        )

    def changed(self, job: Job, changes: Mapping[str, Any]) -> Ask:
        """The same with other values; another model or shape begins with defaults of its own."""
        if not job.paint.prompt:  # brought along and enlarged: now it is painted from, by anybody
            return replace(Ask(prompt="", source=Ask.from_json(job.filled_json).source), **changes)
        ask = self.again(job)
        asked = Ask.from_json(job.filled_json)
        if changes.get("model", ask.model) != ask.model:
            if not job.paint.paints:  # then nothing tells what was asked for, and what filled in
                shape = f"{asked.width}:{asked.height}"
                asked = replace(
                    asked, width=None, height=None, aspect=shape, steps=None, guidance=None
                )
            ask = replace(
                ask,
                width=asked.width,
                height=asked.height,
                aspect=asked.aspect,
                steps=asked.steps,
                guidance=asked.guidance,
                scheduler=None,
            )
        if changes.get("source", ask.source) != ask.source:
            ask = replace(ask, mask=None)  # it was drawn on the other one
        if any(changes.get(name) is not None for name in ("aspect", "width", "height")):
            ask = replace(ask, width=None, height=None, aspect=None)
        return replace(ask, **changes)

    def model(self, asker: Asker, name: str | None = None) -> Model:
        """The model of that name, else the asker's default; raises what `complete` raises."""
        own = _own_defaults(asker)
        return self._model(Ask(prompt="", model=name), own, asker.place.rules)[0]

    def allowed(self, asker: Asker) -> tuple[Model, ...]:
        """The models on offer where the asker is, the default one first."""
        rules = asker.place.rules
        default = self._default_name(rules)
        models = [m for m in self._catalogue.models.values() if _is_allowed(m.name, rules)]
        return tuple(sorted(models, key=lambda model: model.name != default))

    def _model(
        self, ask: Ask, own: Ask | None, rules: HouseRules
    ) -> tuple[Model, tuple[Note, ...]]:
        """The model that was asked for, else the first default that is there and allowed."""
        if ask.model is not None:
            model = self._catalogue.get(ask.model)
            if not _is_allowed(model.name, rules):
                known = sorted(rules.models & set(self._catalogue.models))
                raise ModelNotAllowed(model.name, tuple(known))
            return model, ()
        name = self._default_name(rules)
        if own is None or own.model is None:
            return self._catalogue.get(name), ()
        if own.model in self._catalogue.models and _is_allowed(own.model, rules):
            return self._catalogue.models[own.model], ()
        dropped = Note(code="default_dropped", field="model", model=name, given=own.model)
        return self._catalogue.get(name), (dropped,)

    def _default_name(self, rules: HouseRules) -> str:
        """The default of the place, else the operator's, else any that is allowed."""
        there = self._catalogue.models
        for name in (rules.model, self._settings.model):
            if name is not None and name in there and _is_allowed(name, rules):
                return name
        allowed = [name for name in there if _is_allowed(name, rules)]
        return allowed[0] if allowed else self._settings.model

    def _style(
        self, ask: Ask, own: Ask | None, rules: HouseRules
    ) -> tuple[Style | None, tuple[Note, ...]]:
        """The style that was asked for, else the first default that is there."""
        if ask.style is not None:
            return styles.find(self.styles, ask.style), ()
        notes: tuple[Note, ...] = ()
        if own is not None and own.style is not None:
            try:
                return styles.find(self.styles, own.style), ()
            except UnknownStyle:
                model = ask.model or self._settings.model
                given = own.style
                notes = (Note(code="default_dropped", field="style", model=model, given=given),)
        try:
            return (styles.find(self.styles, rules.style) if rules.style else None), notes
        except UnknownStyle:
            log.warning("the default style of a place is not there any more", style=rules.style)
            return None, notes

    def _check_length(self, field: str, text: str) -> None:
        most = self._limits.max_prompt
        if len(text) > most:
            raise InvalidRequest(field, f"{len(text)} characters", f"1–{most} characters")


def check_text(ask: Ask) -> None:
    """Refuse text that is not text, such as halves of characters: no file and no chat takes it."""
    for name in (
        "prompt",
        "negative",
        "model",
        "aspect",
        "source",
        "style",
        "upscaler",
        "scheduler",
        "mask",
    ):
        value = getattr(ask, name)
        try:
            (value or "").encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidRequest(name, ascii(value)[:60], "Unicode") from None


def asked_for(job: Job) -> Ask:
    """What was asked for with nothing left open, style and words apart.

    For a job that only enlarged a picture painted here: how that one was painted, at its size then
    (`upscale` is how much larger the job made it).
    """
    ask, paint = Ask.from_json(job.filled_json), job.paint
    if not paint.paints:
        return ask
    upscale = paint.upscale
    return replace(
        ask,
        model=paint.model,
        width=paint.width,
        height=paint.height,
        aspect=None,
        steps=paint.steps,
        guidance=paint.guidance,
        seed=paint.seed,
        count=paint.count,
        source=paint.source,
        strength=None if paint.source is None else paint.strength,
        scheduler=paint.scheduler or None,
        mask=paint.mask,
        upscale=None if upscale is None else upscale.scale,
        upscaler=None if upscale is None else upscale.network,
        creative=None if upscale is None else upscale.creative,
    )


def _own_defaults(asker: Asker) -> Ask | None:
    if asker.person.defaults is None:
        return None
    try:
        return Ask.from_json(asker.person.defaults)
    except (ValueError, TypeError):
        log.exception("defaults cannot be read", person=asker.person.id)
        return None


def _filled(own: Ask | None, rules: HouseRules) -> Ask | None:
    """Somebody's defaults, with the gaps filled by those of the place."""
    if rules.negative is None or (own is not None and own.negative is not None):
        return own
    return replace(own or Ask(prompt=""), negative=rules.negative)


def _first(field: str, ask: Ask, own: Ask | None) -> str | None:
    given: str | None = getattr(ask, field)
    return given if given is not None or own is None else getattr(own, field)


def _is_allowed(name: str, rules: HouseRules) -> bool:
    return not rules.models or name in rules.models


def _strangers(prompt: str, model: Model) -> tuple[Note, ...]:
    """A note with the first words that a model with a small world was never taught."""
    found = () if model.vocabulary is None else model.vocabulary.strangers(prompt)
    if not found:
        return ()
    given = ", ".join(word[:20] for word in found[:3])
    return (Note(code="outside_world", field="prompt", model=model.title, given=given),)
