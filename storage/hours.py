"""Owns how it went, hour by hour and for each kind of work: pictures, failures, seconds.

Triggers on the jobs fill it in (see the migration); here it is only read.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database

HOUR_MS = 3_600_000

SINCE = """
SELECT *
FROM hours
WHERE hour >= :since
ORDER BY hour, model
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What came of one kind of work in the hour that began at `at` (epoch seconds).

    `painted_s` and `waited_s` are sums over those that were done, `longest_s` the longest wait.
    """

    at: float
    model: str
    done: int
    failed: int
    cancelled: int
    pictures: int
    painted_s: float
    waited_s: float
    longest_s: float


class Hours:
    """The hours that are kept, a year and a bit."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def latest(self, hours: int) -> list[Hour]:
        """The last so many hours, this one included, oldest first; idle ones are left out."""
        since = self._db.now() // HOUR_MS - hours + 1
        return [
            Hour(
                at=row["hour"] * HOUR_MS / 1000,
                model=row["model"],
                done=row["done"],
                failed=row["failed"],
                cancelled=row["cancelled"],
                pictures=row["pictures"],
                painted_s=row["painted_ms"] / 1000,
                waited_s=row["waited_ms"] / 1000,
                longest_s=row["longest_ms"] / 1000,
            )
            for row in await self._db.read(SINCE, {"since": since})
        ]
