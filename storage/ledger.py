"""Owns what may be spent: the rules a request has to fit, how much is used, why it does not fit.

There is no counter that could drift: what somebody has used is the sum of `charge` over their jobs
in a rolling window, or since their budget was reset; what was given to them is on top of their
budget for as long a window. In SQL credits are whole hundredths.
"""

from __future__ import annotations

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

    `budget` is a person's over all places; the others may be None: no such limit. Whoever has a
    budget of their own, everywhere or in the place, has that one instead of these.
    `waiting_here` is how many jobs may wait that this person asked for in this place.
    """

    budget: float
    person_in_place: float | None = None
    place: float | None = None
    address: float | None = None
    waiting_per_person: int
    waiting_here: int | None = None
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
        "waiting_here_limit": None if place is None else rules.waiting_here,
        "queue_limit": rules.queue_limit,
    }
    for scope, budget in rules.budgets().items():
        here = {"person_in_place": place, "place": place, "address": address}.get(scope, person)
        applies = budget is not None and here is not None
        values[f"{scope}_budget"] = to_cents(budget) if applies and budget is not None else None
    return values


async def refusal(transaction: Transaction, values: Mapping[str, Any]) -> Refusal:
    """Why the request of these values was not taken: of several reasons the longest-lasting."""
    row = await _standing(transaction, values)
    bans = [row[name] for name in ("banned_until", "banned_here") if row[name] is not None]
    until = max(bans, default=0)
    if until > values["now"]:
        return Banned(None if until == FOR_GOOD else to_seconds(until))
    if row["paused"]:
        return Paused()
    accounts = [await _account(transaction, values, row, scope) for scope in _applying(row)]
    if any(account.used + values["cost"] > account.budget for account in accounts):
        return await _over(transaction, values, accounts)
    if row["waiting"] >= values["waiting_limit"]:
        return TooManyWaiting(values["waiting_limit"], row["waiting"])
    here = values["waiting_here_limit"]
    if here is not None and row["waiting_here"] >= here:
        return TooManyWaiting(here, row["waiting_here"])
    return QueueFull(values["queue_limit"])


async def usage(transaction: Transaction, values: Mapping[str, Any]) -> Usage:
    """How much is used of the budget of which least is left."""
    row = await _standing(transaction, values)
    scope = min(_applying(row), key=lambda scope: row[f"{scope}_budget"] - row[f"{scope}_used"])
    account = await _account(transaction, values, row, scope)
    waiting, limit, here = row["waiting"], values["waiting_limit"], values["waiting_here_limit"]
    if here is not None and here - row["waiting_here"] < limit - waiting:
        waiting, limit = row["waiting_here"], here
    return Usage(
        scope=scope,
        used=to_credits(account.used),
        budget=to_credits(account.budget),
        frees_at=await _returns_at(transaction, values, account) if account.used else None,
        waiting=waiting,
        waiting_limit=limit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """One budget as it is now, in hundredths; `gifts` is what was given, and when, oldest first."""

    scope: Scope
    used: int
    budget: int
    since: int
    gifts: tuple[tuple[int, int], ...]


async def _standing(transaction: Transaction, values: Mapping[str, Any]) -> sqlite3.Row:
    row = await transaction.one(statements.STANDING, values)
    assert row is not None  # it selects numbers, whether or not anybody is there
    return row


def _applying(row: sqlite3.Row) -> list[Scope]:
    scopes: tuple[Scope, ...] = ("person", "person_in_place", "place", "address")
    return [scope for scope in scopes if row[f"{scope}_budget"] is not None]


async def _account(
    transaction: Transaction, values: Mapping[str, Any], row: sqlite3.Row, scope: Scope
) -> _Account:
    sql = {"person": statements.GIFTS, "person_in_place": statements.GIFTS_HERE}.get(scope)
    gifts = await transaction.all(sql, values) if sql else []
    return _Account(
        scope=scope,
        used=row[f"{scope}_used"],
        budget=row[f"{scope}_budget"],
        since=row[f"{scope}_since"],
        gifts=tuple((gift["created_at"], gift["credits"]) for gift in gifts),
    )


async def _over(
    transaction: Transaction, values: Mapping[str, Any], accounts: list[_Account]
) -> OverBudget:
    """The budget that is in the way for longest, and when the request fits all of them.

    What was given leaves the window like what was used; so a budget with room now may have none
    when another one has, and the search goes on from there.
    """
    cost = values["cost"]
    moment: int | None = values["now"]
    last = accounts[0]
    while moment is not None:
        begun = moment
        for account in accounts:
            needed = account.used + cost - account.budget
            fits = await _fits_at(transaction, values, account, needed, begun)
            if fits is None or fits > moment:
                moment, last = fits, account
            if moment is None:
                break
        if moment == begun:
            break
    return OverBudget(
        last.scope,
        to_credits(last.used),
        to_credits(last.budget),
        to_credits(cost),
        maybe_seconds(moment),
    )


async def _returns_at(
    transaction: Transaction, values: Mapping[str, Any], account: _Account
) -> float | None:
    """When a default picture fits again or, while one does, when the oldest credits come back."""
    needed = account.used + PICTURE - account.budget
    if needed <= 0:
        freed = await _freed(transaction, values, account, 1)
        return maybe_seconds(None if freed is None else freed + _window(values))
    needed = min(needed, account.used)
    return maybe_seconds(await _fits_at(transaction, values, account, needed, int(values["now"])))


async def _fits_at(
    transaction: Transaction, values: Mapping[str, Any], account: _Account, needed: int, start: int
) -> int | None:
    """The first moment from `start` on (ms) with `needed` hundredths more room than now, or None.

    Each gift that leaves the window has to be made up for by more that was used before it.
    """
    window = _window(values)
    begun = start - window
    needed += sum(credits for made, credits in account.gifts if made <= begun)
    later = [(made, credits) for made, credits in account.gifts if made > begun]
    for until, credits in [*later, (None, 0)]:
        freed = begun if needed <= 0 else await _freed(transaction, values, account, needed)
        if freed is not None and (until is None or max(freed, begun) < until):
            return max(freed, begun) + window
        if until is not None:
            begun = until
            needed += credits
    return None


async def _freed(
    transaction: Transaction, values: Mapping[str, Any], account: _Account, needed: int
) -> int | None:
    """When the job was made (ms) with which, counted from the oldest, `needed` have left."""
    sql = statements.FREES[account.scope]
    row = await transaction.one(sql, {**values, "since": account.since, "needed": needed})
    assert row is not None
    made: int | None = row["created_at"]
    return made


def _window(values: Mapping[str, Any]) -> int:
    return int(values["now"] - values["since"])
