"""Owns which words a visitor gets: their language, and the sentences in it."""

from collections.abc import Mapping

from bot.desk.texts.page import MESSAGES, PLAIN, page_messages
from engine.errors import Refusal
from engine.request import Note


def language_of(accepted: str) -> str:
    """The first language of an Accept-Language header that we speak."""
    wanted: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name.partition("-")[0].lower()))
        except ValueError:
            continue
    spoken = (name for weight, name in sorted(wanted, key=lambda w: w[0]) if weight < 0)
    return next((name for name in spoken if name in MESSAGES), PLAIN)


def say(language: str, key: str, **facts: object) -> str:
    """The page's sentence `key`, filled with `facts`."""
    return _filled(page_messages(language)[key], facts)


def knows(key: str) -> bool:
    return key in MESSAGES[PLAIN]


def refusal_words(language: str, refusal: Refusal) -> str:
    return str(refusal)


def note_words(language: str, note: Note) -> str:
    return f"{note.code} {note.field}"


def about(language: str, seconds: float) -> str:
    """An estimate as people say it: "about 20 s", "about 3 min"."""
    for key, unit, below in (("seconds", 1, 90), ("minutes", 60, 5400)):
        if seconds < below:
            return say(language, f"about.{key}", n=max(1, round(seconds / unit)))
    return say(language, "about.hours", n=round(seconds / 3600))


def _filled(sentence: str, facts: Mapping[str, object]) -> str:
    for name, value in facts.items():
        sentence = sentence.replace(f"{{{name}}}", str(value))
    return sentence
