"""Owns which words a visitor gets: their language, their time zone, the sentences of the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from starlette.requests import cookie_parser

from bot.desk.texts import LANGUAGES, explain, pick_language
from bot.desk.texts.page import page_messages
from engine.errors import Refusal

LANGUAGE_COOKIE = "atelier_language"
"""The language somebody chose, where it is not that of their browser."""
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
            language=_chosen(headers) or pick_language(headers.get("accept-language")),
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


def _chosen(headers: Mapping[str, str]) -> str | None:
    """The language that they chose on the page."""
    language = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    return language if language in LANGUAGES else None


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown here, or no name at all
        return None
