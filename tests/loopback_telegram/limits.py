"""How much the bot sends where, counted here; enforced when a test asks for it."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.loopback_telegram.errors import too_many
from tests.loopback_telegram.world import Chat

SLACK_S = 0.25
"""Two calls sent a second apart may arrive a little closer together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """So many messages in so many seconds."""

    most: int
    seconds: float


PRIVATE = Window(most=1, seconds=1.0)
GROUP = Window(most=20, seconds=60.0)
OVERALL = Window(most=30, seconds=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One 429: when, where, and for how long."""

    at: float
    chat: int
    seconds: int


@dataclass(slots=True)
class Limits:
    """Every message and edit with its time; edits count as Telegram counts them."""

    clock: Callable[[], float]
    enforced: bool = False
    group: Window = GROUP
    """What a group takes; a test that has no minutes to wait makes them shorter."""
    sent: list[tuple[float, int]] = field(default_factory=list)  # time, chat
    refused: list[Refused] = field(default_factory=list)
    disobeyed: list[Refused] = field(default_factory=list)  # asked again before the time was up
    _until: dict[int, float] = field(default_factory=dict)
    _recent: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def flood(self, chat: int, seconds: float) -> None:
        """From now on this chat answers 429, for so long."""
        self._until[chat] = self.clock() + seconds

    def admit(self, chat: Chat, at: float, count: int = 1) -> None:
        """Count `count` messages; 429 while the chat is flooded or a limit is reached."""
        until = self._until.get(chat.id, 0.0)
        if at < until:
            told = next((r for r in reversed(self.refused) if r.chat == chat.id), None)
            if told is not None and at < told.at + told.seconds - SLACK_S:
                self.disobeyed.append(told)
            raise self._refuse(chat.id, at, until - at)
        if self.enforced:
            window = PRIVATE if chat.private else self.group
            wait = max(self._wait(chat.id, window, at), self._wait(0, OVERALL, at))
            if wait > 0:
                self._until[chat.id] = at + wait
                raise self._refuse(chat.id, at, wait)
        for _ in range(count):
            self.sent.append((at, chat.id))
            self._recent[chat.id].append(at)
            self._recent[0].append(at)

    def busiest(self, window: Window, chat: int | None = None) -> int:
        """The most that were sent in any such window, to one chat or to all together."""
        times = sorted(at for at, where in self.sent if chat is None or where == chat)
        width = window.seconds - min(SLACK_S, window.seconds / 4)
        most, first = 0, 0
        for last, at in enumerate(times):
            while times[first] <= at - width:
                first += 1
            most = max(most, last - first + 1)
        return most

    def _wait(self, chat: int, window: Window, at: float) -> float:
        recent = self._recent[chat]
        width = window.seconds - min(SLACK_S, window.seconds / 4)
        while recent and recent[0] <= at - width:
            recent.popleft()
        return 0.0 if len(recent) < window.most else recent[0] + width - at

    def _refuse(self, chat: int, at: float, wait: float) -> Exception:
        seconds = max(1, math.ceil(wait))
        self.refused.append(Refused(at=at, chat=chat, seconds=seconds))
        return too_many(seconds)
