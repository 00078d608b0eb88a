"""Owns which words a visitor gets: their language, their time zone, the sentences of the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from bot.desk.texts import explain, pick_language
from bot.desk.texts.page import page_messages
from engine.errors import Refusal

ZONE_HEADER = "x-time-zone"
"""The page says where its clock is, such as "Europe/Berlin"; times are told in that zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """How to speak to somebody."""

    language: str
    zone: tzinfo | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Ear":
        """By the headers of their request."""
        return cls(
            language=pick_language(headers.get("accept-language")),
            zone=_zone(headers.get(ZONE_HEADER, "")),
        )

    def say(self, key: str, **facts: object) -> str:
        """The page's sentence `key`, filled with `facts`."""
        sentence = page_messages(self.language)[key]
        for name, value in facts.items():
            sentence = sentence.replace(f"{{{name}}}", str(value))
        return sentence

    def first_known(self, keys: Iterable[str]) -> str:
        """The first of `keys` that is a sentence of the page."""
        messages = page_messages(self.language)
        return next(key for key in keys if key in messages)

    def explain(self, refusal: Refusal, now: float) -> str:
        """Why it does not work."""
        return explain(refusal, self.language, now=now, tz=self.zone)


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown here, or no name at all
        return None
