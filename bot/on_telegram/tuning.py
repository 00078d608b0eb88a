"""Owns the two panels of settings: those of one job, to paint it again, and a person's own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from telegram import InlineKeyboardMarkup

from bot.desk.actions import Verb
from bot.desk.texts import on_telegram as words
from bot.on_telegram.keyboards import Row, button, choice, in_rows
from bot.on_telegram.wording import plain
from engine.request import SCHEDULERS, Ask, Paint
from engine.resolving import cost

if TYPE_CHECKING:
    from engine.catalogue import Model
    from storage.jobs import Job

MODELS, SIZES = 8, 9
"""No more than these are offered on a keyboard; flags reach the others."""
COUNTS = (1, 2, 4)
NONE = "none"
WRITTEN = {name.replace("+", "p"): name for name in SCHEDULERS}
"""Schedulers by how a button keeps them: it has no room for signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is chosen so far for painting the job `public` again; `model` is a `short` name."""

    public: str
    width: int
    height: int
    steps: int
    model: str
    scheduler: str = ""

    @classmethod
    def of(cls, job: Job) -> Self:
        """What the job was painted with."""
        paint = job.paint
        return cls(
            public=job.public,
            width=paint.width,
            height=paint.height,
            steps=paint.steps,
            model=short(paint.model),
            scheduler=paint.scheduler,
        )

    def target(self) -> str:
        """The form in which a button keeps it."""
        kept = f"{self.public}.{self.width}x{self.height}.{self.steps}.{self.model}"
        return f"{kept}.{self.scheduler.replace('+', 'p')}" if self.scheduler else kept

    @classmethod
    def read(cls, target: str) -> Self | None:
        """What a button kept; None for the job alone, and for what makes no sense."""
        try:
            public, size, steps, model, *rest = target.split(".")
            width, height = map(int, size.split("x"))
            (written,) = rest or ("",)
            scheduler = WRITTEN.get(written, "")
            return cls(
                public=public,
                width=width,
                height=height,
                steps=int(steps),
                model=model,
                scheduler=scheduler,
            )
        except ValueError:
            return None

    def fitting(self, model: Model) -> Self:
        """The same for `model`, with its own size and steps where these are not possible."""
        kept = replace(self, model=short(model.name))
        if (kept.width, kept.height) not in model.sizes:
            kept = replace(kept, width=model.sizes[0][0], height=model.sizes[0][1])
        if not model.min_steps <= kept.steps <= model.max_steps:
            kept = replace(kept, steps=model.default_steps)
        return kept if kept.scheduler in model.schedulers else replace(kept, scheduler="")

    def changes(self, job: Job, model: Model) -> dict[str, Any]:
        """What differs from the job; the seed stays, unless nothing else does differ."""
        if self == Choice.of(job):
            return {}
        size = {"width": self.width, "height": self.height, "aspect": None}
        return {
            **size,
            "model": model.name,
            "steps": self.steps,
            "seed": job.paint.seed,
            "scheduler": self.scheduler or None,
        }


def short(name: str) -> str:
    """A short name for a model on a button, whatever the model is called."""
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def find(models: Sequence[Model], name: str) -> Model | None:
    """The model with this short name."""
    return next((model for model in models if short(model.name) == name), None)


def panel(job: Job, picked: Choice, models: Sequence[Model], lang: str) -> InlineKeyboardMarkup:
    """The settings of a job: size, steps, model; then paint it, or other words, or back."""
    model = find(models, picked.model) or models[0]
    picked = picked.fitting(model)
    sizes = (
        _tune(replace(picked, width=w, height=h), f"{w}×{h}", picked) for w, h in offered(model)
    )
    steps = (
        _tune(replace(picked, steps=n), words.steps(n, lang), picked)
        for n in steps_of(model, picked.steps)
    )
    others = (_tune(picked.fitting(each), title(each), picked) for each in models[:MODELS])
    price = cost(_painted(job.paint, picked, model), model)
    paint = f"{words.paint_for(price, lang)}"
    return InlineKeyboardMarkup(
        [
            *in_rows(sizes, 3),
            *in_rows(steps, 3),
            *(in_rows(others, 2) if len(models) > 1 else ()),
            *(in_rows(_ways(picked, model), 4) if len(model.schedulers) > 1 else ()),
            [button(Verb.TUNED, picked.target(), lang, text=paint)],
            [
                button(verb, job.public, lang, text=words.short_label(verb, lang))
                for verb in (Verb.PROMPT, Verb.DETAILS, Verb.KEEP)
            ],
        ]
    )


def defaults_panel(
    owner: int, mine: Ask, models: Sequence[Model], lang: str
) -> InlineKeyboardMarkup:
    """A person's own defaults; what is chosen already is unchosen by a second press."""
    model = next((each for each in models if each.name == mine.model), models[0])
    size = None if mine.width is None else (mine.width, mine.height)

    def one(field: str, value: str, shown: str, *, chosen: bool) -> Any:
        target = f"{owner}.{field}.{NONE if chosen else value}"
        return choice(Verb.SET, target, shown, chosen=chosen)

    rows: list[Row] = []
    if len(models) > 1:
        rows += in_rows(
            (
                one("model", short(each.name), title(each), chosen=each.name == mine.model)
                for each in models[:MODELS]
            ),
            2,
        )
    rows += in_rows(
        (one("size", f"{w}x{h}", f"{w}×{h}", chosen=(w, h) == size) for w, h in offered(model)),
        3,
    )
    rows += in_rows(
        (
            one("steps", str(n), words.steps(n, lang), chosen=n == mine.steps)
            for n in steps_of(model, mine.steps or model.default_steps)
        ),
        3,
    )
    rows.append(
        [one("count", str(n), words.pictures(n, lang), chosen=n == mine.count) for n in COUNTS]
    )
    rows.append([button(Verb.CLEAR, str(owner), lang)])
    return InlineKeyboardMarkup(rows)


def changed(mine: Ask, field: str, value: str, models: Sequence[Model]) -> Ask:
    """The defaults after a press; what does not make sense any more changes nothing."""
    if field == "model":
        model = None if value == NONE else find(models, value)
        if value != NONE and model is None:
            return mine
        fresh = replace(mine, model=None if model is None else model.name)
        return _possible(fresh, model or models[0])
    if field == "size":
        width, _, height = value.partition("x")
        if value != NONE and not (width.isdecimal() and height.isdecimal()):
            return mine
        size = (None, None) if value == NONE else (int(width), int(height))
        return replace(mine, width=size[0], height=size[1], aspect=None)
    if field in ("steps", "count") and (value == NONE or value.isdecimal()):
        number_of = None if value == NONE else int(value)
        if field == "steps":
            return replace(mine, steps=number_of)
        return replace(mine, count=number_of)
    return mine


def offered(model: Model) -> tuple[tuple[int, int], ...]:
    """The sizes that stand on a keyboard."""
    return model.sizes[:SIZES]


def steps_of(model: Model, now: int) -> list[int]:
    """A few numbers of steps around the usual one, and the present one."""
    usual = model.default_steps
    wanted = (usual // 2, usual, usual + usual // 2, usual * 2)
    possible = {n for n in wanted if model.min_steps <= n <= model.max_steps}
    return sorted(possible | {now})


def title(model: Model) -> str:
    """How a model is called on a button."""
    return plain(model.title or model.name)[:24]


def _ways(picked: Choice, model: Model) -> list[Any]:
    """The schedulers of the model; a second press on one is the model's own again."""
    return [
        choice(
            Verb.TUNE,
            replace(picked, scheduler="" if name == picked.scheduler else name).target(),
            name,
            chosen=name == picked.scheduler,
        )
        for name in model.schedulers
    ]


def _tune(target: Choice, shown: str, picked: Choice) -> Any:
    return choice(Verb.TUNE, target.target(), shown, chosen=target == picked)


def _painted(paint: Paint, picked: Choice, model: Model) -> Paint:
    return replace(
        paint, width=picked.width, height=picked.height, steps=picked.steps, model=model.name
    )


def _possible(mine: Ask, model: Model) -> Ask:
    """The defaults without the size and steps that this model cannot paint."""
    if (mine.width, mine.height) not in model.sizes:
        mine = replace(mine, width=None, height=None)
    if mine.steps is not None and not model.min_steps <= mine.steps <= model.max_steps:
        mine = replace(mine, steps=None)
    return mine
