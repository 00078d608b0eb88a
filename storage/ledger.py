"""Owns what may be spent: the rules a request has to fit, how much is used, why it does not fit.

There is no counter that could drift: what somebody has used is the sum of `charge` over their jobs
in a rolling window. In SQL credits are whole hundredths.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Refusal
from storage import statements
from storage.database import Transaction, maybe_seconds, to_ms, to_seconds
from storage.errors import Banned, OverBudget, Paused, QueueFull, Scope, TooManyWaiting
from storage.people import FOR_GOOD

PICTURE = 100
"""What a picture at its model's defaults costs, in hundredths of a credit."""

UNBOUNDED = 10**15
"""In hundredths; no sum gets there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a request has to fit, in credits per `window_s`; all of it, so that the tightest wins.

    `budget` is a person's over all places; the others may be None: no such limit.
    """

    budget: float
    person_in_place: float | None = None
    place: float | None = None
    address: float | None = None
    waiting_per_person: int
    queue_limit: int
    window_s: float = 86_400

    def budgets(self) -> dict[Scope, float | None]:
        """The budget of each scope, the widest last in doubt."""
        return {
            "person": self.budget,
            "person_in_place": self.person_in_place,
            "place": self.place,
            "address": self.address,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What somebody has used of their tightest budget, in credits.

    `frees_at` is when a default picture fits again or, while one does, when the oldest used
    credits come back; None when nothing is used.
    """

    scope: Scope
    used: float
    budget: float
    frees_at: float | None
    waiting: int
    waiting_limit: int


def to_cents(credit: float) -> int:
    """Credits as they are stored."""
    return round(min(credit * 100, UNBOUNDED))


def to_credits(cents: int) -> float:
    """Credits from how they are stored."""
    return cents / 100


def standing(
    rules: Rules, *, person: int, place: int | None, address: str | None, now: int, cost: int
) -> dict[str, Any]:
    """The values that `statements.STANDING` and all built on it need."""
    values: dict[str, Any] = {
        "person": person,
        "place": place,
        "address": address,
        "now": now,
        "since": now - to_ms(rules.window_s),
        "cost": cost,
        "waiting_limit": rules.waiting_per_person,
        "queue_limit": rules.queue_limit,
    }
    for scope, budget in rules.budgets().items():
        here = {"person_in_place": place, "place": place, "address": address}.get(scope, person)
        applies = budget is not None and here is not None
        values[f"{scope}_budget"] = to_cents(budget) if applies and budget is not None else None
    return values


async def refusal(transaction: Transaction, values: Mapping[str, Any]) -> Refusal:
    """Why the request of these values was not taken: of several reasons the longest-lasting."""
    row = await transaction.one(statements.STANDING, values)
    assert row is not None  # it selects numbers, from no table
    if row["banned_until"] is not None and row["banned_until"] > values["now"]:
        until = row["banned_until"]
        return Banned(None if until == FOR_GOOD else to_seconds(until))
    if row["paused"]:
        return Paused()
    over = [
        await _over(transaction, values, scope, used)
        for scope, used in _used(row, values)
        if used + values["cost"] > values[f"{scope}_budget"]
    ]
    if over:
        return max(over, key=lambda one: math.inf if one.frees_at is None else one.frees_at)
    if row["waiting"] >= values["waiting_limit"]:
        return TooManyWaiting(values["waiting_limit"], row["waiting"])
    return QueueFull(values["queue_limit"])


async def usage(transaction: Transaction, values: Mapping[str, Any]) -> Usage:
    """How much is used of the budget of which least is left."""
    row = await transaction.one(statements.STANDING, values)
    assert row is not None
    scope, used = min(_used(row, values), key=lambda su: values[f"{su[0]}_budget"] - su[1])
    budget: int = values[f"{scope}_budget"]
    needed = min(used, max(1, used + PICTURE - budget))
    return Usage(
        scope=scope,
        used=to_credits(used),
        budget=to_credits(budget),
        frees_at=await _frees_at(transaction, values, scope, needed) if used else None,
        waiting=row["waiting"],
        waiting_limit=values["waiting_limit"],
    )


def _used(row: sqlite3.Row, values: Mapping[str, Any]) -> list[tuple[Scope, int]]:
    scopes: tuple[Scope, ...] = ("person", "person_in_place", "place", "address")
    return [(s, row[f"{s}_used"]) for s in scopes if values[f"{s}_budget"] is not None]


async def _over(
    transaction: Transaction, values: Mapping[str, Any], scope: Scope, used: int
) -> OverBudget:
    budget, cost = values[f"{scope}_budget"], values["cost"]
    frees_at = None
    if cost <= budget:
        frees_at = await _frees_at(transaction, values, scope, used + cost - budget)
    return OverBudget(scope, to_credits(used), to_credits(budget), to_credits(cost), frees_at)


async def _frees_at(
    transaction: Transaction, values: Mapping[str, Any], scope: Scope, needed: int
) -> float | None:
    """When `needed` hundredths have left the window, counted from the oldest."""
    row = await transaction.one(statements.FREES[scope], {**values, "needed": needed})
    assert row is not None
    created_at: int | None = row["created_at"]
    return maybe_seconds(None if created_at is None else created_at + _window(values))


def _window(values: Mapping[str, Any]) -> int:
    return int(values["now"] - values["since"])
