"""The server's clock, which tests move, and the snowflakes that are made of its time."""

from __future__ import annotations

import time
from datetime import UTC, datetime

EPOCH_MS = 1_420_070_400_000


class Clock:
    """Seconds since 1970, as the machine has them, plus whatever a test added."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._count = 0

    def now(self) -> float:
        """The server's time in epoch seconds."""
        return time.time() + self.ahead_s

    def forward(self, seconds: float) -> None:
        """Let so many seconds pass at once (less than nothing: go back)."""
        self.ahead_s += seconds

    def snowflake(self) -> int:
        """A new id, ordered by time."""
        self._count = (self._count + 1) & 0x3FFFFF
        return (int(self.now() * 1000) - EPOCH_MS) << 22 | self._count

    def iso(self) -> str:
        """The time as Discord writes it."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat()
