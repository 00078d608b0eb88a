"""Reads spans of time and amounts as people type them: 90m, 1h, 2 days, for good; 2.5 or 2,5."""

from __future__ import annotations

import re

from bot.desk.errors import UnreadableValue

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 604_800.0

UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "minuten"), MINUTE),
    **dict.fromkeys(("h", "hour", "hours", "std", "stunde", "stunden"), HOUR),
    **dict.fromkeys(("d", "day", "days", "t", "tag", "tage", "tagen"), DAY),
    **dict.fromkeys(("w", "week", "weeks", "woche", "wochen"), WEEK),
}
FOR_GOOD = frozenset({"", "for good", "forever", "good", "für immer", "immer"})

_SPAN = re.compile(r"(\d{1,4})\s*([a-z]+)", re.ASCII)
_AMOUNT = re.compile(r"\d{1,7}([.,]\d{1,2})?", re.ASCII)


def read_span(text: str) -> float | None:
    """The seconds in "2d" or "3 weeks"; None for good. Raises `UnreadableValue`."""
    typed = " ".join(text.lower().split())
    if typed in FOR_GOOD:
        return None
    found = _SPAN.fullmatch(typed)
    if found is None or found[2] not in UNITS or not int(found[1]):
        raise UnreadableValue("duration", text[:40], "2d")
    return int(found[1]) * UNITS[found[2]]


def read_amount(text: str) -> float:
    """The credits in "20" or "2,5". Raises `UnreadableValue`."""
    typed = text.strip()
    if not _AMOUNT.fullmatch(typed):
        raise UnreadableValue("credits", text[:40], "20")
    return float(typed.replace(",", "."))
