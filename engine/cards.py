"""Writing a model's card, the `atelier.toml` that the catalogue reads: whoever makes a model folder
writes it here."""

from __future__ import annotations

import json
import os
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from engine.catalogue import CARD, Model

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
"""What a model may be called: it is a folder's name, and typed in chats."""
FOUND = ("folder", "second_look", "vocabulary")
"""What the catalogue finds out by itself, so that no card says it."""
ALSO = ("world",)
"""What a card may say that is no field of a model."""


def write_card(folder: Path, **said: Any) -> Path:
    """Write the card of the model in `folder`, whole or not at all, and return its file.

    `said` are fields of `Model`; what is None, or just what a card without it means, is left out.
    Raises `TypeError` for what no card can say or has to say, so that no card is written that the
    catalogue would then refuse.
    """
    known = {each.name: each for each in fields(Model) if each.name not in FOUND}
    if unknown := sorted(said.keys() - known.keys() - set(ALSO)):
        raise TypeError(f"no card says {', '.join(unknown)}")
    needed = [name for name, each in known.items() if each.default is MISSING]
    if missing := [name for name in needed if said.get(name) is None]:
        raise TypeError(f"a card has to say {', '.join(missing)}")
    lines = []
    for name in (*known, *ALSO):
        value = said.get(name)
        if value is None or (name in known and value == known[name].default):
            continue
        lines.append(f"{name} = {_toml(value)}")
    file = folder / CARD
    fresh = file.with_name(f".{CARD}.new")
    with fresh.open("w", encoding="utf-8") as opened:
        opened.write("\n".join(lines) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)
    return file


def _toml(value: Any) -> str:
    """A text, number, truth or list of these; JSON writes them the way TOML reads them."""
    if not isinstance(value, str | bool | int | float | list | tuple):
        raise TypeError(f"a card cannot say {value!r}")
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
