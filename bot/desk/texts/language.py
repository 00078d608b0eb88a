"""The seam to translations: which languages there are, and how each counts, times and dates.

The catalogues are the `.po` files in `locale/`, compiled in memory when they are first needed.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale
from babel.dates import format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LOCALE = Path(__file__).parent / "locale"
SOURCE = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""The languages by code, each with its own name; the first is the one the sentences stand in."""


@cache
def translations(lang: str) -> NullTranslations:
    """The catalogue of a language; unknown ones read English."""
    file = LOCALE / lang / "LC_MESSAGES" / "atelier.po"
    if lang == SOURCE or lang not in LANGUAGES:
        return NullTranslations()
    compiled = io.BytesIO()
    with file.open("rb") as opened:
        write_mo(compiled, read_po(opened, locale=lang))
    compiled.seek(0)
    return GNUTranslations(compiled)


def pick_language(wanted: str | None) -> str:
    """Our best language for "de-AT", "pt_BR" or an Accept-Language header; English if none fits."""
    ranked = []
    for place, part in enumerate((wanted or "")[:500].split(",")):
        tag, _, quality = part.partition(";")
        weight = quality.strip().removeprefix("q=")
        try:
            rank = float(weight) if weight else 1.0
        except ValueError:
            continue
        ranked.append((-rank, place, tag.strip().replace("_", "-").split("-")[0].lower()))
    return next((tag for rank, _, tag in sorted(ranked) if rank < 0 and tag in LANGUAGES), SOURCE)


def number(value: float, lang: str = SOURCE) -> str:
    """A number as it is written there: 1,234.5 or 1.234,5; hundredths at most."""
    return str(format_decimal(round(value, 2), locale=_locale(lang)))


def ordinal(n: int, lang: str = SOURCE) -> str:
    """1st, 2nd, 3rd, 11th; 1., 2., 3. in German."""
    if _locale(lang).language == "de":
        return f"{n}."
    if n % 100 in (11, 12, 13):
        return f"{n}th"
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th') }"


def duration(seconds: float, lang: str = SOURCE) -> str:
    """A span as people say it, coarser the longer it is: 8 s, 25 s, 2 minutes, 3 hours."""
    t = translations(lang)
    if seconds < 57.5:
        n = max(1, round(seconds)) if seconds < 12.5 else _fives(seconds)
        return t.gettext("{n} s").format(n=n)
    minutes = math.ceil(seconds / 60 - 0.25)
    if minutes > 10:
        minutes = _fives(minutes)
    if minutes < 60:
        return t.ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
    hours = math.ceil(seconds / 1800 - 0.25) / 2
    if hours < 48:
        whole = 1 if hours == 1 else 2  # "1.5 hours" is a plural
        return t.ngettext("{n} hour", "{n} hours", whole).format(n=number(hours, lang))
    days = math.ceil(hours / 24)
    return t.ngettext("{n} day", "{n} days", days).format(n=days)


def moment(when: float, lang: str, *, now: float, tz: tzinfo | None) -> str:
    """When something will be: "at 14:05" where the reader's clock is known, else "in 2 hours"."""
    t = translations(lang)
    if tz is None:
        if when - now >= 48 * 3600:
            days = math.ceil((when - now) / 86_400)
            return t.ngettext("in {n} day", "in {n} days", days).format(n=days)
        return t.gettext("in {duration}").format(duration=duration(max(0.0, when - now), lang))
    # Rounded up to the minute, so that whoever comes then is not a few seconds early.
    there = datetime.fromtimestamp(math.ceil(when / 60) * 60, UTC).astimezone(tz)
    today = datetime.fromtimestamp(now, UTC).astimezone(tz).date()
    clock = format_time(there, "HH:mm", tzinfo=tz, locale=_locale(lang))
    days = (there.date() - today).days
    if days == 0:
        return t.gettext("at {time}").format(time=clock)
    if days == 1:
        return t.gettext("tomorrow at {time}").format(time=clock)
    date = format_skeleton("MMMd", there, tzinfo=tz, locale=_locale(lang))
    return t.gettext("on {date} at {time}").format(date=date, time=clock)


def _fives(value: float) -> int:
    return 5 * math.floor(value / 5 + 0.5)


def _locale(lang: str) -> Locale:
    return _parsed(lang if lang in LANGUAGES else SOURCE)


@cache
def _parsed(lang: str) -> Locale:
    return Locale.parse(lang)
