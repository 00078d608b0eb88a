"""Owns the starter's little world, as told in `world.toml`: things, wordings, held-out pairs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ATTRIBUTES = ("terrain", "time", "sky", "subject", "style")
NOTHING = "nothing"  # the subject of an empty landscape; it has no wording

_SMALL_WORDS = frozenset(
    ("a", "an", "the", "on", "by", "at", "in", "as", "with", "among", "below", "before", "under")
) | {"beneath"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a picture can hold: for every attribute its values, for every value its wordings."""

    things: dict[str, dict[str, tuple[str, ...]]]
    held_out_pairs: tuple[tuple[str, str], ...]
    modulus: int
    remainder: int
    openings: tuple[str, ...]
    endings: tuple[str, ...]
    other_words: tuple[str, ...]

    def names(self, attribute: str) -> tuple[str, ...]:
        return tuple(self.things[attribute])

    def phrases(self, attribute: str, name: str) -> tuple[str, ...]:
        """The wordings of one thing as they stand in a sentence: "on the sea"."""
        return self.things[attribute][name]

    def words(self, attribute: str, name: str) -> tuple[str, ...]:
        """The same wordings with nothing around them: "sea"."""
        return tuple(bare(phrase) for phrase in self.phrases(attribute, name))

    def is_held_out(self, first: str, a: str, second: str, b: str) -> bool:
        """True where training never shows `a` together with `b`."""
        if (first, second) not in self.held_out_pairs or NOTHING in (a, b):
            return False
        i, j = self.names(first).index(a), self.names(second).index(b)
        return (i + j) % self.modulus == self.remainder

    def held_out(self, first: str, second: str) -> Iterator[tuple[str, str]]:
        for a in self.names(first):
            for b in self.names(second):
                if self.is_held_out(first, a, second, b):
                    yield a, b


def bare(phrase: str) -> str:
    """A wording without the small words it opens with: "at the seaside" is "seaside"."""
    words = phrase.split()
    while len(words) > 1 and words[0] in _SMALL_WORDS:
        words.pop(0)
    return " ".join(words)


@cache
def world() -> World:
    """The world that ships, read once."""
    told = tomllib.loads((Path(__file__).parent / "world.toml").read_text("utf-8"))
    return World(
        things={
            attribute: {name: tuple(said) for name, said in told[attribute].items()}
            for attribute in ATTRIBUTES
        },
        held_out_pairs=tuple((first, second) for first, second in told["held_out"]["pairs"]),
        modulus=told["held_out"]["modulus"],
        remainder=told["held_out"]["remainder"],
        openings=tuple(told["captions"]["openings"]),
        endings=tuple(told["captions"]["endings"]),
        other_words=tuple(dict.fromkeys(told["captions"]["other_words"].split())),
    )
