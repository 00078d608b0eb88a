"""Who reads a sentence: in which language, and what the clock shows there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from bot.desk.texts.language import moment, number, translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads: their language, and the time there as far as it is known."""

    lang: str
    now: float
    tz: tzinfo | None

    def when(self, moment_s: float) -> str:
        """That moment in words."""
        return moment(moment_s, self.lang, now=self.now, tz=self.tz)

    def number(self, value: float) -> str:
        """That number as it is written there."""
        return number(value, self.lang)

    @property
    def say(self) -> Callable[[str], str]:
        """The translation of a sentence."""
        return translations(self.lang).gettext

    @property
    def count(self) -> Callable[[str, str, int], str]:
        """The translation of a sentence with a number."""
        return translations(self.lang).ngettext
