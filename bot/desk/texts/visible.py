"""Makes what people wrote one visible line: no hidden signs, nothing that turns the line around."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"
JOINERS = "\u200c\u200d"
"""Needed inside of emoji and of several scripts; tricks only between plain letters."""
STACKED = 4
"""More marks than this upon one letter are no language."""


def visible(text: str) -> str:
    """`text` on one line without signs that are not seen or that turn the line around."""
    return " ".join(clean(text).split())


def clean(text: str) -> str:
    """`text` without those signs, its spaces as they are."""
    kept: list[str] = []
    stacked = 0
    for at, sign in enumerate(text):
        kind = unicodedata.category(sign)
        if sign in JOINERS:
            before, after = text[at - 1 : at], text[at + 1 : at + 2]
            if before.isascii() or after.isascii():
                continue
        elif kind in ("Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp"):
            if sign.isspace():
                kept.append(" ")
            continue
        stacked = stacked + 1 if kind in ("Mn", "Me") else 0
        if stacked <= STACKED:
            kept.append(sign)
    return "".join(kept)


def at_word(words: str, length: int) -> str:
    """The beginning of `words`, at most `length` long, up to a whole word if one ends near."""
    head = words[:length].rstrip()
    if words[length : length + 1] not in ("", " "):
        space = head.rfind(" ")
        if space >= len(head) * 3 // 4:
            head = head[:space]
    while (head and unicodedata.combining(head[-1])) or head.endswith(tuple(JOINERS)):
        head = head[:-1]
    return head.rstrip()
