"""Keeps strangers from making the bot talk: each is turned away kindly, and seldom."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

QUIET_S = 3600.0
"""Seconds in which one chat of strangers is told once."""
TOGETHER, TOGETHER_S = 10, 60.0
"""So many strangers are told in so many seconds."""
KEPT = 5000


class Door:
    """Decides whether somebody who is not served hears that once more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: OrderedDict[int, float] = OrderedDict()
        self._lately: deque[float] = deque()

    def tells(self, chat: int) -> bool:
        """Whether to say so in this chat now; then not again for a while."""
        now = self._clock()
        while self._lately and self._lately[0] <= now - TOGETHER_S:
            self._lately.popleft()
        if self._told.get(chat, -QUIET_S) > now - QUIET_S or len(self._lately) >= TOGETHER:
            return False
        self._told[chat] = now
        self._told.move_to_end(chat)
        while len(self._told) > KEPT:
            self._told.popitem(last=False)
        self._lately.append(now)
        return True
