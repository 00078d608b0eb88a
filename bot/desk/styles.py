"""Owns the styles: named fragments of prompts from `styles.toml`, put around people's words.

They are put there after flags were read, so that nothing in them can become a flag.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bot.desk.errors import UnknownStyle

NO_STYLE = "none"
"""What is typed to have no style where a default would apply."""

HERE = "{prompt}"
"""Stands in a style where somebody's own words go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A look that people choose by `name`; `title` is for display."""

    name: str
    title: str
    prompt: str
    negative: str = ""

    def around(self, prompt: str) -> str:
        """The whole prompt for somebody's own words."""
        if HERE not in self.prompt:
            return f"{prompt}, {self.prompt}"
        before, after = self.prompt.split(HERE, 1)
        return f"{before}{prompt}{after}"

    def beside(self, negative: str) -> str:
        """The whole negative prompt for somebody's own."""
        return ", ".join(part for part in (negative, self.negative) if part)


@cache
def shipped() -> tuple[Style, ...]:
    """The styles of this version, in the order of the file."""
    text = (files("bot.desk") / "styles.toml").read_text("utf-8")
    return tuple(Style(name=name, **given) for name, given in tomllib.loads(text).items())


def find(styles: Iterable[Style], name: str) -> Style | None:
    """The style of this name, in whatever case; None for "none". Raises `UnknownStyle`."""
    wanted = name.strip().casefold()
    if wanted == NO_STYLE:
        return None
    known = {style.name: style for style in styles}
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted[:40], known, n=3, cutoff=0.5)
    raise UnknownStyle(name[:60], tuple(close or known))
