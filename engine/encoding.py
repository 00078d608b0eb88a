"""The encoding we speak in: UTF-8, whatever the locale; what a terminal cannot show, said plainly.

Where the locale is C, or another that knows few signs, Python's standard output raises at the first
“×”. Nobody's picture may be lost over that.
"""

from __future__ import annotations

import codecs
import io
import locale
import os
import sys
from collections.abc import Mapping

PLAIN = {"…": "...", "–": "-", "—": "-", "×": "x", "→": "->", "≈": "about ", "²": "^2", "•": "*"}
"""How a terminal says it that knows letters and digits only; anything else is escaped."""

PLAIN |= dict.fromkeys("“”„", '"') | dict.fromkeys("‘’‚", "'")

LOCALE = locale.setlocale(locale.LC_CTYPE)
"""What the process began with."""


def speak() -> None:
    """Let this process print anything to its terminal, pipe or log; to be called as it begins."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def heard(argument: str) -> str:
    """Words from the command line: UTF-8 also where the locale had Python read them otherwise."""
    return os.fsencode(argument).decode("utf-8", errors="replace")


def of_child(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a Python that we start, which is to speak UTF-8 with us."""
    return {**environment, "PYTHONUTF8": "1"}


def keep_locale() -> None:
    """Bring back the locale the process began with; to be called after compiling in threads.

    OpenVINO sets C for the whole process while it computes the name of a network in its cache, then
    sets what it had found before. Of two threads at once, one finds the other's C and leaves that.
    """
    if locale.setlocale(locale.LC_CTYPE) != LOCALE:
        locale.setlocale(locale.LC_CTYPE, LOCALE)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    said = "".join(PLAIN.get(sign) or ascii(sign)[1:-1] for sign in signs)
    return said, error.end
