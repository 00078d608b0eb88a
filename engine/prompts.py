"""What the marks in a prompt mean: `(word:1.3)`, `((word))`, `[word]`, `\\(`, and BREAK.

They are those that people know from other front ends: round brackets make what is in them count
1.1 times as much (or as much as they say after a colon), square ones 1.1 times less; a backslash
takes a bracket as it is. BREAK begins a new piece of the text encoder's 77 tokens. Nothing here
knows tokens or networks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

STEP = 1.1
MOST = 10.0
"""No word counts more, or less than none at all."""
_MARKS = re.compile(
    r"\\(?P<plain>[()\[\]\\])"
    r"|(?P<open>[(\[])"
    r"|:\s*(?P<weight>\d*\.?\d+)\s*\)"
    r"|(?P<close>[)\]])"
    r"|\b(?P<break>BREAK)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt without its marks.

    `weights` has a number for each character of `text`, `places` where it stood in what was typed.
    `breaks` are positions in `text` at which a new piece of it begins.
    """

    text: str
    weights: tuple[float, ...]
    places: tuple[int, ...]
    breaks: tuple[int, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether every word counts the same."""
        return all(each == 1.0 for each in self.weights)


class _Typed:
    """The characters so far, with what each counts and where it stood."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.weights: list[float] = []
        self.places: list[int] = []
        self.breaks: list[int] = []
        self._apart = False

    def add(self, letters: str, place: int) -> None:
        if not letters:
            return
        if self._apart and self.text and self.text[-1].isalnum() and letters[0].isalnum():
            self._put(" ", place)  # a mark never joins two words into one that nobody wrote
        self._apart = False
        for number, letter in enumerate(letters):
            self._put(letter, place + number)

    def mark(self) -> None:
        self._apart = True

    def scale(self, since: int, factor: float) -> None:
        for number in range(since, len(self.weights)):
            self.weights[number] *= factor

    def _put(self, letter: str, place: int) -> None:
        self.text.append(letter)
        self.weights.append(1.0)
        self.places.append(place)


def read(typed: str) -> Prompt:
    """What `typed` says, without its marks; brackets that nobody closed count to the end."""
    found = _Typed()
    opened: list[tuple[str, int]] = []
    done = 0
    for mark in _MARKS.finditer(typed):
        kind = mark.lastgroup
        closes = bool(opened) and (
            (kind == "weight" and opened[-1][0] == "(")
            or (kind == "close" and opened[-1][0] == {")": "(", "]": "["}[mark[0]])
        )
        if kind in ("close", "weight") and not closes:
            continue  # it closes nothing: a smiley, or a time of day
        found.add(typed[done : mark.start()], done)
        done = mark.end()
        if kind == "plain":
            found.add(mark["plain"], mark.start() + 1)
        elif kind == "open":
            found.mark()
            opened.append((mark[0], len(found.text)))
        elif kind == "break":
            found.mark()
            found.breaks.append(len(found.text))
        else:
            bracket, since = opened.pop()
            factor = float(mark["weight"]) if kind == "weight" else STEP
            found.scale(since, 1 / factor if bracket == "[" else factor)
            found.mark()
    found.add(typed[done:], done)
    for bracket, since in opened:
        found.scale(since, 1 / STEP if bracket == "[" else STEP)
    return Prompt(
        text="".join(found.text),
        weights=tuple(min(MOST, each) for each in found.weights),
        places=tuple(found.places),
        breaks=tuple(found.breaks),
    )


def lowered(prompt: Prompt) -> Prompt:
    """`prompt` in small letters, where these are as many as the large ones."""
    small = (each.lower() for each in prompt.text)
    text = "".join(b if len(b) == 1 else a for a, b in zip(prompt.text, small, strict=True))
    return replace(prompt, text=text)
