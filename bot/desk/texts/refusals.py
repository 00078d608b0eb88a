"""Turns every expected "no" into a sentence with the number people need."""

from __future__ import annotations

import re
import time
from datetime import tzinfo
from functools import singledispatch

from bot.desk.errors import MissingValue, RepeatedFlag, SourceGone, UnknownFlag, UnreadableValue
from bot.desk.texts.language import SOURCE
from bot.desk.texts.names import field_name
from bot.desk.texts.reader import Reader
from engine.errors import (
    BadSource,
    BrokenModel,
    InvalidRequest,
    NothingMasked,
    Refusal,
    UnknownModel,
    Unusable,
)
from storage.errors import (
    AlreadyRunning,
    Banned,
    DiskFull,
    KeyReused,
    NewerDatabase,
    NotFound,
    NotYours,
    OldSQLite,
    OverBudget,
    Paused,
    QueueFull,
    TooManyPins,
    TooManyUploads,
    TooManyWaiting,
)


def explain(
    error: BaseException,
    lang: str = SOURCE,
    *,
    now: float | None = None,
    tz: tzinfo | None = None,
) -> str:
    """Why it does not work, in one or two short sentences; times read "at 14:05" if `tz` is known.

    What is no `Refusal` is a fault of ours; its details stand in the log, not here.
    """
    reader = Reader(lang=lang, now=time.time() if now is None else now, tz=tz)
    return _explain(error, reader)


@singledispatch
def _explain(error: BaseException, r: Reader) -> str:
    gettext = r.say
    return gettext("Sorry, something went wrong here. Please try again later.")


@_explain.register
def _(error: InvalidRequest, r: Reader) -> str:
    gettext = r.say
    if error.field == "prompt" and not error.value.strip():
        return gettext("Please say what to paint, such as “a lighthouse at dusk”.")
    if error.field in ("prompt", "negative") and "character" in error.value:
        return gettext(
            "{field}: {given} characters are too many; {limit} are possible at most."
        ).format(
            field=_capital(field_name(error.field, r.lang)),
            given=_last_number(error.value),
            limit=_last_number(error.allowed),
        )
    if error.field == "aspect" and "either" in error.allowed:
        return gettext("Please give either a shape, such as --ar 3:2, or a size, but not both.")
    if error.field == "aspect":
        return gettext("“{value}” is no shape I know; 1:1, 3:2 or 9:16 are.").format(
            value=error.value
        )
    if error.field == "upscale" and "×" in error.allowed:
        return gettext("{value} pixels would be too large; {allowed} is the most.").format(
            value=error.value, allowed=error.allowed
        )
    return gettext("{field}: {value} is not possible; {allowed} is.").format(
        field=_capital(field_name(error.field, r.lang)), value=error.value, allowed=error.allowed
    )


@_explain.register
def _(error: UnknownFlag, r: Reader) -> str:
    gettext = r.say
    if "," in error.allowed:
        return gettext("I do not know {flag}. There are: {flags}.").format(
            flag=error.value, flags=error.allowed
        )
    return gettext("I do not know {flag}. Did you mean {close}?").format(
        flag=error.value, close=error.allowed
    )


@_explain.register
def _(error: RepeatedFlag, r: Reader) -> str:
    gettext = r.say
    return gettext("--{flag} stands there twice, as {first} and as {second}. Which one?").format(
        flag=error.field, first=error.allowed, second=error.value
    )


@_explain.register
def _(error: MissingValue, r: Reader) -> str:
    gettext = r.say
    return gettext("{flag} needs a value, such as {flag} {example}.").format(
        flag=error.value, example=error.allowed
    )


@_explain.register
def _(error: UnreadableValue, r: Reader) -> str:
    gettext = r.say
    return gettext("{field}: “{value}” is not possible; {example} would be.").format(
        field=_capital(field_name(error.field, r.lang)), value=error.value, example=error.allowed
    )


@_explain.register
def _(error: Unusable, r: Reader) -> str:
    gettext = r.say
    return gettext("{model} takes no {field}.").format(
        model=error.model, field=field_name(error.field, r.lang)
    )


@_explain.register
def _(error: UnknownModel, r: Reader) -> str:
    gettext = r.say
    if not error.known:
        return gettext("There is no model {model}, nor any other.").format(model=error.name)
    return gettext("There is no model {model}. There are: {models}.").format(
        model=error.name, models=", ".join(error.known)
    )


@_explain.register
def _(error: BrokenModel, r: Reader) -> str:
    gettext = r.say
    return gettext("The model {model} is broken and cannot paint. Please choose another.").format(
        model=error.name
    )


@_explain.register
def _(error: BadSource, r: Reader) -> str:
    gettext = r.say
    reasons = {
        "empty": gettext("This file is empty."),
        "bytes": gettext("This file is too large, with {given}."),
        "pixels": gettext("This picture has too many pixels. {given}"),
        "form": gettext("This file is not a picture that can be read here."),
        "damaged": gettext("This picture file is damaged or incomplete."),
    }
    reason = reasons.get(error.reason, "").format(given=error.given).strip()
    possible = gettext("Possible: {allowed}.").format(allowed=error.allowed)
    return f"{reason} {possible}".strip()


@_explain.register
def _(error: NothingMasked, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "Nothing in this picture is marked. Draw over what is to be painted anew, or make it "
        "transparent."
    )


@_explain.register
def _(error: SourceGone, r: Reader) -> str:
    gettext = r.say
    return gettext("The picture to start from is not there any more.")


@_explain.register
def _(error: OverBudget, r: Reader) -> str:
    gettext = r.say
    facts = {
        "cost": r.number(error.cost),
        "used": r.number(error.used),
        "left": r.number(max(0.0, error.budget - error.used)),
        "budget": r.number(error.budget),
    }
    if error.frees_at is None:
        sentence = {
            "person": gettext(
                "This would cost {cost} credits; you have {budget} a day in all. "
                "Smaller, fewer steps or fewer pictures cost less."
            ),
            "person_in_place": gettext(
                "This would cost {cost} credits; you have {budget} a day here. "
                "Smaller, fewer steps or fewer pictures cost less."
            ),
        }.get(
            error.scope,
            gettext(
                "This would cost {cost} credits; there are {budget} a day for everybody here. "
                "Smaller, fewer steps or fewer pictures cost less."
            ),
        )
        return sentence.format(**facts)
    sentence = {
        "person": gettext(
            "{used} of your {budget} credits a day are used. This fits again {when}."
        ),
        "person_in_place": gettext(
            "{used} of your {budget} credits a day here are used. This fits again {when}."
        ),
        "place": gettext(
            "{used} of the {budget} credits a day for everybody here are used. "
            "This fits again {when}."
        ),
        "address": gettext(
            "{used} of the {budget} credits a day for your network are used. "
            "This fits again {when}."
        ),
    }[error.scope]
    return sentence.format(when=r.when(error.frees_at), **facts)


@_explain.register
def _(error: QueueFull, r: Reader) -> str:
    gettext = r.say
    return gettext("The line is full: {limit} jobs are waiting. Please try again later.").format(
        limit=r.number(error.limit)
    )


@_explain.register
def _(error: TooManyWaiting, r: Reader) -> str:
    return r.count(
        "You have {waiting} job waiting, and {limit} is the most. Let it finish first.",
        "You have {waiting} jobs waiting, and {limit} are the most. Let one finish first.",
        error.waiting,
    ).format(waiting=r.number(error.waiting), limit=r.number(error.limit))


@_explain.register
def _(error: DiskFull, r: Reader) -> str:
    gettext = r.say
    return gettext("There is no room left for new pictures here. Please try again later.")


@_explain.register
def _(error: TooManyPins, r: Reader) -> str:
    return r.count(
        "You have pinned {limit} picture, and that is the most. Let it go first.",
        "You have pinned {limit} pictures, and that is the most. Let one go first.",
        error.limit,
    ).format(limit=r.number(error.limit))


@_explain.register
def _(error: TooManyUploads, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "You have brought {n} pictures ({size} MB) within an hour. The next one is taken {when}."
    ).format(
        n=r.number(error.files), size=r.number(error.bytes // 10**6), when=r.when(error.again_at)
    )


@_explain.register
def _(error: Paused, r: Reader) -> str:
    gettext = r.say
    return gettext("Painting is paused here for now.")


@_explain.register
def _(error: Banned, r: Reader) -> str:
    gettext = r.say
    if error.until is None:
        return gettext("You cannot ask for pictures here.")
    return gettext("You can ask for pictures again {when}.").format(when=r.when(error.until))


@_explain.register
def _(error: KeyReused, r: Reader) -> str:
    gettext = r.say
    return gettext("This Idempotency-Key belongs to another request. Please use a new one.")


@_explain.register
def _(error: NotFound, r: Reader) -> str:
    gettext = r.say
    return {
        "job": gettext("There is no such job."),
        "picture": gettext("There is no such picture (any more)."),
        "source": gettext("The picture to start from is not there any more."),
        "latent": gettext("This picture is too old for a second look."),
    }.get(error.what, gettext("There is no such thing."))


@_explain.register
def _(error: NotYours, r: Reader) -> str:
    gettext = r.say
    return gettext("This belongs to somebody else.")


@_explain.register
def _(error: AlreadyRunning, r: Reader) -> str:
    gettext = r.say
    if error.pid is None:
        return gettext("Another Atelier uses the folder {folder} already.").format(
            folder=error.folder
        )
    return gettext("Another Atelier (process {pid}) uses the folder {folder} already.").format(
        folder=error.folder, pid=error.pid
    )


@_explain.register
def _(error: NewerDatabase, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "{path} was written by a newer Atelier (version {found}; this one knows {known}). "
        "Please update."
    ).format(path=error.path, found=error.found, known=error.known)


@_explain.register
def _(error: OldSQLite, r: Reader) -> str:
    gettext = r.say
    return gettext("SQLite {needed} or later is needed; this Python has {found}.").format(
        needed=error.needed, found=error.found
    )


def has_sentence(refusal: type[Refusal]) -> bool:
    """Whether somebody wrote a sentence for just this kind of refusal."""
    return refusal in _explain.registry


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _last_number(text: str) -> str:
    """The last number in a fact such as "1–2000 characters"."""
    found = re.findall(r"\d[\d.e+]*", text)
    return f"{float(found[-1]):.0f}" if found else text
