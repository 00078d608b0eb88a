"""What a model with a small world of its own knows, as told in its `world.toml`.

Small models paint well what they were taught and nothing else. Knowing the words they were taught,
we can tell people so, instead of leaving them to wonder.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SMALL = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "around",
        "as",
        "at",
        "before",
        "behind",
        "below",
        "beneath",
        "beside",
        "between",
        "by",
        "for",
        "from",
        "her",
        "his",
        "in",
        "into",
        "is",
        "it",
        "its",
        "my",
        "near",
        "no",
        "not",
        "of",
        "off",
        "on",
        "one",
        "or",
        "out",
        "over",
        "some",
        "that",
        "the",
        "their",
        "there",
        "this",
        "three",
        "through",
        "to",
        "two",
        "under",
        "very",
        "which",
        "with",
        "without",
    ]
)
"""Words that stand between things and are nothing themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """`groups`: for each kind of thing (terrain, subject, …) its names; `words`: all that is known.

    `words` are single words in lower case.
    """

    groups: dict[str, tuple[str, ...]]
    words: frozenset[str]

    def strangers(self, prompt: str) -> tuple[str, ...]:
        """The words of `prompt` that the model was never taught, in order, each once."""
        found = dict.fromkeys(match[0].lower() for match in _WORD.finditer(prompt))
        return tuple(word for word in found if not self._knows(word))

    def _knows(self, word: str) -> bool:
        """Plurals and the like count as the word they come from."""
        forms = (word, word.removesuffix("s"), word.removesuffix("es"), f"{word}s")
        return word in _SMALL or any(form in self.words for form in forms)


@cache
def read_vocabulary(file: Path) -> Vocabulary:
    """The vocabulary in a `world.toml`: a table for each kind of thing, name = wordings.

    The lists under `captions` (`openings`, `endings`) are words that go with any picture. Raises
    `OSError` or `ValueError` (also for TOML that is none).
    """
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    captions = told.pop("captions", {})
    groups: dict[str, tuple[str, ...]] = {}
    said: list[str] = [*captions.get("openings", ()), *captions.get("endings", ())]
    told.pop("held_out", None)
    for kind, things in told.items():
        if not isinstance(things, dict) or not all(isinstance(s, list) for s in things.values()):
            raise ValueError(f"{file.name} has no wordings under {kind}")
        groups[kind] = tuple(things)
        said += [*things, *(phrase for phrases in things.values() for phrase in phrases)]
    if not groups:
        raise ValueError(f"{file.name} tells of nothing")
    words = frozenset(match[0].lower() for text in said for match in _WORD.finditer(str(text)))
    return Vocabulary(groups=groups, words=words)
