"""Owns the rules of one place: who may paint what there, and what is filled in for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """What the admins of a place decided; ids are those of the platform.

    `channels`, `roles` and `models` name what is allowed, and allow everything when empty.
    `model`, `style` and `negative` are defaults for what somebody left open. `words` are what may
    not be asked for: plain words, and patterns between slashes. `role_budgets` are credits a day
    here, `role_waiting` jobs that may wait from here; the most generous of somebody's roles counts.
    `flagged` is what becomes of a picture that a classifier finds harmful ("show", "spoiler",
    "withhold"), None what the operator says; without `metadata` files do not say how they were
    made.
    """

    channels: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    model: str | None = None
    style: str | None = None
    negative: str | None = None
    words: tuple[str, ...] = ()
    log_channel: str | None = None
    flagged: str | None = None
    metadata: bool = True
    role_budgets: Mapping[str, float] = field(default_factory=dict, hash=False)
    role_waiting: Mapping[str, int] = field(default_factory=dict, hash=False)

    def budget(self, roles: Iterable[str]) -> float | None:
        """The most credits a day that one of these roles grants here; None if none names any."""
        return max((self.role_budgets[r] for r in roles if r in self.role_budgets), default=None)

    def waiting(self, roles: Iterable[str]) -> int | None:
        """The most waiting jobs that one of these roles allows; None if none names any."""
        return max((self.role_waiting[r] for r in roles if r in self.role_waiting), default=None)

    def to_json(self) -> str:
        """What differs from no rules at all, in a stable order."""
        plain = HouseRules()
        given: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != getattr(plain, each.name):
                given[each.name] = _plain(value)
        return json.dumps(given, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The rules written by `to_json`; fields of a newer version are passed over."""
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in json.loads(text).items() if name in known}
        for name in ("channels", "roles", "models"):
            if name in given:
                given[name] = frozenset(given[name])
        if "words" in given:
            given["words"] = tuple(given["words"])
        return cls(**given)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value
