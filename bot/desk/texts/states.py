"""Says how a job stands: in line, being painted, over, and what should be said about it."""

from __future__ import annotations

import time
from datetime import tzinfo
from typing import TYPE_CHECKING

from bot.desk.texts.language import SOURCE, duration, moment, number, ordinal, translations
from bot.desk.texts.names import field_name
from engine.painter import Stage

if TYPE_CHECKING:
    from engine.painter import Progress
    from engine.request import Note
    from storage.jobs import Usage


def waiting(
    position: int, eta_s: float | None, lang: str = SOURCE, *, warming: bool = False
) -> str:
    """ "3rd in line, about 2 minutes", or "Warming up, you are first in line"."""
    gettext = translations(lang).gettext
    place = ordinal(position, lang)
    if warming and position <= 1:
        return gettext("Warming up, you are first in line")
    if warming:
        return gettext("Warming up, you are {ordinal} in line").format(ordinal=place)
    if eta_s is None and position <= 1:
        return gettext("First in line; painting is interrupted at the moment")
    if eta_s is None:
        return gettext("{ordinal} in line; painting is interrupted at the moment").format(
            ordinal=place
        )
    if position <= 1:
        return gettext("First in line, about {duration}").format(duration=duration(eta_s, lang))
    return gettext("{ordinal} in line, about {duration}").format(
        ordinal=place, duration=duration(eta_s, lang)
    )


def painting(
    eta_s: float | None,
    lang: str = SOURCE,
    *,
    progress: Progress | None = None,
    paints: bool = True,
) -> str:
    """ "Painting, about 8 s", "Painting picture 2 of 4, about 20 s", "Enlarging, tile 3 of 16".

    `paints` is False for a job that only enlarges; it tells what is done before any progress.
    """
    gettext = translations(lang).gettext
    what = _doing(progress, lang, paints=paints)
    if eta_s is None:
        return what
    return gettext("{what}, about {duration}").format(what=what, duration=duration(eta_s, lang))


def _doing(progress: Progress | None, lang: str, *, paints: bool) -> str:
    gettext = translations(lang).gettext
    if progress is None:
        return gettext("Painting") if paints else gettext("Enlarging")
    facts = {
        "i": progress.index + 1,
        "n": progress.count,
        "tile": progress.step,
        "tiles": progress.steps,
    }
    if progress.count > 1:
        return {
            Stage.painting: gettext("Painting picture {i} of {n}"),
            Stage.upscaling: gettext("Enlarging picture {i} of {n}, tile {tile} of {tiles}"),
            Stage.refining: gettext("Refining picture {i} of {n}, tile {tile} of {tiles}"),
            Stage.developing: gettext("Developing"),
        }[progress.stage].format(**facts)
    return {
        Stage.painting: gettext("Painting"),
        Stage.upscaling: gettext("Enlarging, tile {tile} of {tiles}"),
        Stage.refining: gettext("Refining, tile {tile} of {tiles}"),
        Stage.developing: gettext("Developing"),
    }[progress.stage].format(**facts)


def failed(public: str, code: str | None, lang: str = SOURCE) -> str:
    """The apology for a job that came to nothing, with the number it has in the log."""
    gettext = translations(lang).gettext
    reason = {
        "gave_up": gettext("Sorry, this one stopped the painter again and again."),
        "disk_full": gettext("Sorry, there is no room left for new pictures."),
        "source_gone": gettext("Sorry, the picture to start from is not there any more."),
        "bad_source": gettext("Sorry, the picture to start from cannot be read."),
        "broken_model": gettext("Sorry, this model is broken."),
        "unknown_model": gettext("Sorry, this model is not there any more."),
    }.get(code or "", gettext("Sorry, painting this one failed."))
    credit = gettext("It has cost you nothing (job {job}).").format(job=public)
    return f"{reason} {credit}"


def cancelled(charge: float, lang: str = SOURCE) -> str:
    """That a job was cancelled, and what it has cost all the same."""
    gettext = translations(lang).gettext
    if not charge:
        return gettext("Cancelled. It has cost you nothing.")
    return gettext("Cancelled. What was painted already has cost {charge} credits.").format(
        charge=number(charge, lang)
    )


def used(
    usage: Usage, lang: str = SOURCE, *, now: float | None = None, tz: tzinfo | None = None
) -> str:
    """What somebody has used of their budget, and when it comes back."""
    gettext = translations(lang).gettext
    facts = {"used": number(usage.used, lang), "budget": number(usage.budget, lang)}
    if usage.frees_at is None:
        return gettext("{used} of {budget} credits a day are used.").format(**facts)
    now = time.time() if now is None else now
    when = moment(usage.frees_at, lang, now=now, tz=tz)
    return gettext("{used} of {budget} credits a day are used; more are free {when}.").format(
        when=when, **facts
    )


def about_note(note: Note, lang: str = SOURCE) -> str:
    """What the asker should hear about their request."""
    gettext = translations(lang).gettext
    sentence = {
        "unused": gettext("{model} takes no {field}."),
        "default_dropped": gettext("Your default for the {field} does not fit {model}."),
        "nearest_size": gettext("{given} became {used}, the nearest that {model} paints."),
        "prompt_cut": gettext("That was long: {model} has read it up to “{used}”."),
        "veiled": gettext("The filter here takes {given} of {used} for harmful: behind a veil."),
        "withheld": gettext(
            "The filter here takes {given} of {used} for harmful and shows them to nobody. They "
            "have cost what they cost."
        ),
        "outside_world": gettext(
            "{model} has never seen this: {given}. It knows a little world of landscapes (the list "
            "of models tells which); whoever runs this bot can add larger models."
        ),
    }.get(note.code)
    if sentence is None:
        return f"{note.code}: {note.field}"
    return sentence.format(
        model=note.model,
        field=field_name(note.field, lang),
        given=note.given,
        used=_ending(note.used),
    )


def _ending(text: str, longest: int = 40) -> str:
    """The end of a long text, from a whole word on."""
    if len(text) <= longest:
        return text
    return "… " + text[-longest:].partition(" ")[2]
