"""Owns what messages on both chats say about jobs: their buttons name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.desk.actions import parse
from tests.soak.evidence import Row


def named(customs: Iterable[str], jobs: dict[str, Row]) -> set[str]:
    """The jobs that buttons are about."""
    actions = (parse(custom) for custom in customs)
    return {a.target for a in actions if a is not None and a.target in jobs}


def custom_ids(components: Any) -> list[str]:
    found: list[str] = []
    if isinstance(components, dict):
        if "custom_id" in components:
            found.append(str(components["custom_id"]))
        for value in components.values():
            found += custom_ids(value)
    elif isinstance(components, list):
        for each in components:
            found += custom_ids(each)
    return found


def pictured(versions: Iterable[Any]) -> list[str]:
    """The buttons of these versions of a message, where they stand under a photo."""
    return [
        data
        for version in versions
        if version.media is not None and version.media.kind == "photo"
        for data in callback_data(version.keyboard)
    ]


def callback_data(markup: Any) -> list[str]:
    buttons = [b for row in (markup or {}).get("inline_keyboard", []) for b in row]
    return [str(b["callback_data"]) for b in buttons if "callback_data" in b]


def cancels(customs: Iterable[str], over: set[str]) -> list[str]:
    """What is over and can still be cancelled; a list to choose from is as old as it is."""
    actions = (parse(custom) for custom in customs)
    found = [a.target for a in actions if a is not None and a.verb == "cancel"]
    return [public for public in found if public in over] if len(found) == 1 else []
