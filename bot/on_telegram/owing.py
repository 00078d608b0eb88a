"""Owns which chats are owed finished pictures, and in which order they come.

What has to wait is not in the pace's line, where it would keep other chats from being served; it is
written down here, so that nothing less important takes its place meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

KEPT_S = 120.0
"""A place that nobody came back for is free again so long after its turn."""
MANY = 1000
"""With so many chats, those that are owed nothing any more are looked for."""


@dataclass(slots=True)
class _Debt:
    """One picture that is owed, the lowest `turn` first; void at `until` if nobody asks again."""

    turn: int
    until: float


@dataclass(slots=True)
class _Chat:
    """What one chat is owed, in the order in which it was noted."""

    debts: dict[str, _Debt] = field(default_factory=dict)
    turns: dict[int, int] = field(default_factory=dict)
    """The last turn that each asker was given."""
    clock: int = 0
    """The last turn that was served."""


class Owing:
    """Who waits for a picture, chat by chat: by turns, as in the line of jobs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._chats: dict[int | str, _Chat] = {}

    def note(self, chat: int | str, job: str, asker: int) -> int:
        """Keep a place for `job`; how many pictures come before it.

        Whoever is owed many lets everybody else's next one go before their own next one.
        """
        if chat not in self._chats and len(self._chats) >= MANY:
            for each in list(self._chats):
                self.count(each)
        state = self._chats.setdefault(chat, _Chat())
        if job not in state.debts:
            turn = max(state.turns.get(asker, 0) + 1, state.clock)
            state.turns[asker] = turn
            state.debts[job] = _Debt(turn, 0.0)
        self.keep(chat, job, 0.0)
        mine, before, earlier = state.debts[job], 0, True
        self._void(state)
        for debt in state.debts.values():
            earlier = earlier and debt is not mine
            before += debt.turn < mine.turn or (earlier and debt.turn == mine.turn)
        return before

    def keep(self, chat: int | str, job: str, seconds: float) -> None:
        """Its turn comes in so many seconds: until some time after that its place is kept."""
        self._chats[chat].debts[job].until = self._clock() + seconds + KEPT_S

    def settle(self, chat: int | str, job: str) -> None:
        """It has come, or does not come any more."""
        state = self._chats.get(chat)
        debt = None if state is None else state.debts.pop(job, None)
        if state is not None and debt is not None:
            state.clock = max(state.clock, debt.turn)
        self.count(chat)

    def count(self, chat: int | str | None) -> int:
        """How many pictures are owed to a chat; one that is owed nothing is forgotten."""
        state = None if chat is None else self._chats.get(chat)
        if chat is None or state is None:
            return 0
        self._void(state)
        if not state.debts:
            del self._chats[chat]
        return len(state.debts)

    def _void(self, state: _Chat) -> None:
        """Forget what nobody came back for."""
        now = self._clock()
        for job in [job for job, debt in state.debts.items() if debt.until <= now]:
            del state.debts[job]
