"""Owns the words a place does not want: plain words, and patterns between slashes (google-re2).

A plain word is found as a whole word, a phrase as whole words in a row; `/…/` is a pattern in the
syntax of RE2, which takes time in proportion to the text whatever the pattern is. Upper and lower
case, compatibility forms (full-width letters, ligatures) and invisible characters make no
difference. How many there are, how long they are and what memory they take is bounded.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from bot.desk.errors import BadPattern, BlockedWord
from engine.prompts import read

MOST = 500
"""Words and patterns of one place."""
MOST_PATTERNS = 50
LONGEST = 200
"""Characters of one of them."""
MEMORY = 1 << 19
"""Bytes that one pattern may take, compiled and at work; one that needs more is refused."""
SHOWN = 60
"""Characters of what was found that are shown to people."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    words: tuple[tuple[str, str], ...]  # as it was written, and folded
    patterns: tuple[Any, ...]  # re2 has no types


def check(words: tuple[str, ...], *, prompt: str, negative: str | None) -> None:
    """Raises `BlockedWord` with what was found in the prompt or in the negative prompt.

    Both as they were typed and as they are read, without the marks of weights.
    """
    if not words:
        return
    compiled = _compiled(words)
    for field, text in (("prompt", prompt), ("negative", negative)):
        for version in dict.fromkeys((text, read(text).text) if text else ()):
            found = _found(compiled, version)
            if found is not None:
                raise BlockedWord(field, found[:SHOWN])


def validated(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words and patterns as they are kept: trimmed, each once. Raises `BadPattern`."""
    kept = tuple(dict.fromkeys(word for each in words if (word := " ".join(each.split()))))
    if len(kept) > MOST:
        raise BadPattern(kept[MOST][:SHOWN], "count", MOST)
    patterns = [word for word in kept if _is_pattern(word)]
    if len(patterns) > MOST_PATTERNS:
        raise BadPattern(patterns[MOST_PATTERNS][:SHOWN], "count", MOST_PATTERNS)
    for word in kept:
        if len(word) > LONGEST:
            raise BadPattern(word[:SHOWN], "length", LONGEST)
        if not _fold(word):
            raise BadPattern(word[:SHOWN], "everything")
    for pattern in patterns:
        if _compile(pattern).search("") is not None:
            raise BadPattern(pattern[:SHOWN], "everything")
    return kept


@lru_cache(maxsize=32)
def _compiled(words: tuple[str, ...]) -> _Compiled:
    """The list of a place, ready to look with; made once for as long as it does not change."""
    return _Compiled(
        words=tuple((word, _fold(word)) for word in words if not _is_pattern(word)),
        patterns=tuple(_compile(word) for word in words if _is_pattern(word)),
    )


def _found(compiled: _Compiled, text: str) -> str | None:
    folded = _fold(text)
    for word, wanted in compiled.words:
        if _has_word(folded, wanted):
            return word
    plain = _visible(text)
    for pattern in compiled.patterns:
        match = pattern.search(plain) or pattern.search(folded)
        if match is not None:
            return str(match[0])
    return None


def _has_word(text: str, word: str) -> bool:
    """Whether `word` stands in `text` with no letter or digit right before or after it."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        before = at > 0 and text[at - 1].isalnum() and word[0].isalnum()
        after = end < len(text) and text[end].isalnum() and word[-1].isalnum()
        if not before and not after:
            return True
        at = text.find(word, at + 1)
    return False


def _is_pattern(word: str) -> bool:
    return len(word) > 1 and word[0] == word[-1] == "/"


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        return re2.compile(_visible(pattern[1:-1]), options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(pattern[:SHOWN], told[:100] or "syntax") from None


def _visible(text: str) -> str:
    """Without what cannot be seen, in one form of several that look alike, one space at a time."""
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf"
    )
    return " ".join(seen.split())


def _fold(text: str) -> str:
    """The same without a difference between upper and lower case."""
    return unicodedata.normalize("NFKC", _visible(text).casefold())
