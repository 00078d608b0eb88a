"""Makes what people wrote harmless in a Discord message, and as readable as it was."""

from __future__ import annotations

import re
import unicodedata

from bot.desk.texts.visible import ELLIPSIS, at_word, clean, visible

ZERO_WIDTH = "\u200b"
OPEN, CLOSE = "\u2068", "\u2069"
"""First strong isolate and its end: what is between them leaves the direction around it alone."""

_MARKS = re.compile(r"[\\*_~|`\[\]<:]")
_IN_SENTENCE = re.compile(r"[\\*_~|`\[\]]")
_CALLS = re.compile(r"(?<!<)@|@(?!&\d{1,20}>)")
_AT_START = re.compile(r"(?:[#>+-]|\d{1,9}[.)])")


def plain(text: str, limit: int) -> str:
    """`text` on one line, to be read as it stands: no markdown, mention, link or hidden sign works.

    At most `limit` characters with everything that had to be added; cut at a word if possible.
    """
    words = visible(text)
    if len(words) <= limit and len(escaped := _escaped(words)) <= limit:
        return escaped
    low, high = 0, min(len(words), limit)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        fits = len(_escaped(words[:middle])) + len(ELLIPSIS) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return (_escaped(at_word(words, low)) + ELLIPSIS)[:limit]


def alternative(text: str, limit: int = 1024) -> str:
    """`text` as the description of a picture, where markdown has no meaning."""
    words = visible(text)
    return words if len(words) <= limit else at_word(words, limit - 1) + ELLIPSIS


def block(text: str) -> str:
    """`text` as a block of code that can be copied; a fence in it cannot close the block."""
    inside = clean(text).replace("```", f"`{ZERO_WIDTH}`{ZERO_WIDTH}`")
    if inside.endswith("`"):
        inside += ZERO_WIDTH
    return f"```\n{inside}\n```"


def _escaped(words: str) -> str:
    text = _MARKS.sub(r"\\\g<0>", words).replace("@", "@" + ZERO_WIDTH)
    first = _AT_START.match(text)
    if first is not None:
        at = first.end() - 1
        text = f"{text[:at]}\\{text[at:]}"
    if any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in words):
        text = f"{OPEN}{text}{CLOSE}"
    return text


def sentence(text: str) -> str:
    """A sentence of ours in which somebody's words may stand; channels and roles in it are shown.

    Whoever sends it sees to it that nobody is called by it.
    """
    return _CALLS.sub("@" + ZERO_WIDTH, _IN_SENTENCE.sub(r"\\\g<0>", clean(text)))
