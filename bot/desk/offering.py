"""Decides which buttons stand under finished pictures: what can still be done with each of them.

Both chats ask here, so that they offer the same; how it looks is their business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.desk.actions import Action, Verb
from engine.request import LONGEST_SIDE

if TYPE_CHECKING:
    from engine.request import Paint
    from storage.pictures import PictureRow

LARGE = 2048
"""Pixels: one of several pictures is enlarged as far as its longer side stays within this."""
VERBS = {2: Verb.UPSCALE2, 4: Verb.UPSCALE4}
SCALES = {verb: scale for scale, verb in VERBS.items()}


def enlarging(pictures: Sequence[PictureRow]) -> tuple[Action, ...]:
    """×2 and ×4 for a single picture, as far as possible; for several, one for each that can be."""
    if len(pictures) == 1:
        (row,) = pictures
        return tuple(Action(VERBS[each], row.id) for each in _scales(row))
    chosen = ((row, _scale(row)) for row in pictures)
    return tuple(Action(VERBS[scale], row.id) for row, scale in chosen if scale is not None)


def looking(pictures: Sequence[PictureRow]) -> tuple[Action, ...]:
    """A second look at each whose latents are still kept."""
    return tuple(Action(Verb.HD, row.id) for row in pictures if row.latent)


def varying(paint: Paint, pictures: Sequence[PictureRow]) -> tuple[Action, ...]:
    """Subtle and strong for a single picture, strong for each of several; words are needed."""
    if not has_words(paint):
        return ()
    if len(pictures) == 1:
        (row,) = pictures
        return Action(Verb.VARY_SUBTLE, row.id), Action(Verb.VARY_STRONG, row.id)
    return tuple(Action(Verb.VARY_STRONG, row.id) for row in pictures)


def sign(verb: Verb) -> str | None:
    """What stands on a button with little room: "×2"; None for those that need words."""
    return f"×{SCALES[verb]}" if verb in SCALES else None


def has_words(paint: Paint) -> bool:
    """Whether it was painted from words, so that it can be painted anew; else it was brought."""
    return bool(paint.prompt)


def _scales(row: PictureRow) -> tuple[int, ...]:
    return tuple(each for each in VERBS if max(row.width, row.height) * each <= LONGEST_SIDE)


def _scale(row: PictureRow) -> int | None:
    possible = _scales(row)
    fitting = [scale for scale in possible if max(row.width, row.height) * scale <= LARGE]
    return max(fitting, default=min(possible, default=None))
