"""Owns how fast the bot may speak: to one chat, to one group, to all together.

What a group takes in a minute belongs to finished pictures first: what else is said there gets by
with a part of it, which shrinks by every picture that is owed, down to a trickle.
The limits are counted from the end of a call to the start of the next, so that the server, which
sees a call somewhere in between, never counts more. Knows time from its clock and no network.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bot.on_telegram.owing import Owing

CHAT_S = 1.0
"""Seconds between two messages in one chat."""
GROUP_CALLS, GROUP_S = 20, 60.0
"""So many messages a group takes in so many seconds."""
ALL_CALLS, ALL_S = 30, 1.0
"""So many calls all chats together may make in so many seconds."""
HUNG_S = 5.0
"""A call that hangs stands in the way of the others no longer than this."""
FORGET_S = 600.0
FORGET_AT = 1000
"""So many quiet chats are remembered before the oldest are forgotten."""


class Urgency(IntEnum):
    """How much a call matters; lower goes first.

    None of them is 0: python-telegram-bot passes on no `rate_limit_args` that is false.
    """

    FINAL = 1
    """A finished picture, or that there will be none."""
    ANSWER = 2
    """What somebody waits for: the reply to a command or a press of a button."""
    STATUS = 3
    """That a job was taken on, where a reaction has said so already."""
    PROGRESS = 4
    """How a job moves on; the next will tell it as well."""
    SPARE = 5
    """Goes at once or not at all: a reaction, "is sending a photo"."""


SHARE = {
    Urgency.FINAL: 1.0,
    Urgency.ANSWER: 0.85,
    Urgency.STATUS: 0.85,
    Urgency.PROGRESS: 0.5,
    Urgency.SPARE: 0.5,
}
"""The part of what all chats may get that each urgency may use up."""
GROUP_SHARE = {
    Urgency.FINAL: 20,
    Urgency.ANSWER: 15,
    Urgency.STATUS: 10,
    Urgency.PROGRESS: 7,
    Urgency.SPARE: 7,
}
"""The messages that a group may have had of late for one of each urgency to be added."""
TRICKLE = 2
"""However many pictures are owed to a group, so many answers it gets in a minute."""


@dataclass(slots=True, kw_only=True, eq=False)
class Turn:
    """One call that waits or was let go: `weight` messages to `chat` (None: to nobody's chat)."""

    chat: int | str | None
    urgency: Urgency
    weight: int = 1
    """Messages that it puts there; 0 for what is no message."""
    began: float | None = None
    let_go: Callable[[], None] = lambda: None
    """Called when it may begin."""


@dataclass(frozen=True, slots=True)
class _Done:
    """What was said: when, how many messages, and how urgent it was."""

    when: float
    weight: int
    urgency: Urgency


@dataclass(slots=True)
class _Chat:
    """What one chat has had lately."""

    underway: list[Turn] = field(default_factory=list)
    done: deque[_Done] = field(default_factory=deque)
    blocked_until: float = -math.inf


class Pace:
    """Lets calls go in the order of their urgency, each as soon as the limits allow it."""

    def __init__(
        self, clock: Callable[[], float], *, chat_s: float = CHAT_S, group_s: float = GROUP_S
    ) -> None:
        self._clock = clock
        self._chat_s = chat_s
        self._group_s = group_s
        self._waiting: dict[Urgency, dict[int, Turn]] = {each: {} for each in Urgency}
        self._chats: dict[int | str | None, _Chat] = {}
        self._underway: list[Turn] = []
        self._done: deque[float] = deque()
        self._owing = Owing(clock)

    def join(self, turn: Turn) -> None:
        """Wait in line; `advance` lets go who may."""
        self._waiting[turn.urgency][id(turn)] = turn

    def leave(self, turn: Turn) -> None:
        """Wait no longer."""
        self._waiting[turn.urgency].pop(id(turn), None)

    def end(self, turn: Turn) -> None:
        """A call that was let go is over, whatever came of it."""
        if turn.began is None:
            return
        now, chat = self._clock(), self._chat(turn.chat)
        turn.began = None
        self._underway = [each for each in self._underway if each is not turn]
        self._done.append(now)
        if turn.weight:
            chat.underway = [each for each in chat.underway if each is not turn]
            chat.done.append(_Done(now, turn.weight, turn.urgency))

    def block(self, chat: int | str | None, seconds: float) -> None:
        """The server wants quiet in this chat; the others go on."""
        state = self._chat(chat)
        state.blocked_until = max(state.blocked_until, self._clock() + seconds)

    def advance(self) -> float:
        """Let go whoever may begin now; the seconds after which to look again (inf: no need)."""
        now, rest = self._clock(), math.inf
        for urgency in Urgency:
            held: set[tuple[int | str | None, int]] = set()
            for turn in list(self._waiting[urgency].values()):
                if (turn.chat, turn.weight) in held:  # as one like it before
                    continue
                if (wait := self._wait_for_all(urgency, now)) > 0:
                    rest = min(rest, wait)
                    break
                if (wait := self._wait_in_chat(turn, now)) > 0:
                    rest = min(rest, wait)
                    held.add((turn.chat, turn.weight))
                    continue
                self._begin(turn, now)
        self._forget(now)
        return rest

    def _begin(self, turn: Turn, now: float) -> None:
        self.leave(turn)
        turn.began = now
        self._underway.append(turn)
        if turn.weight:
            self._chat(turn.chat).underway.append(turn)
        turn.let_go()

    def owe(self, chat: int | str, job: str, asker: int) -> float:
        """Keep a message in `chat` free for the result of `job`; in how many seconds it may come.

        Tell again at every try, and `settle` when it has come.
        """
        wait = self._wait_behind(chat, self._owing.note(chat, job, asker))
        self._owing.keep(chat, job, wait)
        return wait

    def settle(self, chat: int | str, job: str) -> None:
        """The result of `job` has come there, or does not come any more."""
        self._owing.settle(chat, job)

    def room(self, chat: int | str, urgency: Urgency, weight: int = 1) -> bool:
        """Whether a call would not have to wait for longer than those before it take."""
        state = self._chats.get(chat)
        if not _group(chat) or (state is None and not self._owing.count(chat)):
            return True
        state, now = self._chat(chat), self._clock()
        if state.blocked_until > now + self._chat_s:
            return False
        self._trim(state, now)
        said = sum(each.weight for each in state.done) + sum(t.weight for t in state.underway)
        before = sum(
            turn.weight
            for each in Urgency
            if each <= urgency
            for turn in self._waiting[each].values()
            if turn.chat == chat
        )
        return said + before + self._owing.count(chat) + weight <= GROUP_SHARE[urgency]

    def _wait_for_all(self, urgency: Urgency, now: float) -> float:
        while self._done and self._done[0] <= now - ALL_S:
            self._done.popleft()
        self._underway = [t for t in self._underway if t.began is None or t.began > now - HUNG_S]
        free = math.floor(ALL_CALLS * SHARE[urgency]) - len(self._underway) - len(self._done)
        if free > 0:
            return 0.0
        if len(self._done) > -free:
            return self._done[-free] + ALL_S - now
        return min(turn.began or now for turn in self._underway) + HUNG_S - now

    def _wait_in_chat(self, turn: Turn, now: float) -> float:
        state = self._chats.get(turn.chat)
        if state is None:
            return 0.0
        wait = state.blocked_until - now
        if not turn.weight or turn.chat is None:
            return max(0.0, wait)
        self._trim(state, now)
        if state.underway:
            return max(wait, self._chat_s)
        if state.done:
            wait = max(wait, state.done[-1].when + self._chat_s - now)
        if _group(turn.chat):
            wait = max(wait, self._wait_in_group(state, turn, now))
        return max(0.0, wait)

    def _wait_in_group(self, state: _Chat, turn: Turn, now: float) -> float:
        """Until the minute has room for it beside the pictures that are owed, or in the trickle."""
        if turn.urgency is Urgency.FINAL:
            return self._frees(state.done, self._most(turn.chat, state), turn.weight, now)
        owed, share = self._owing.count(turn.chat), GROUP_SHARE[turn.urgency]
        wait = self._frees(state.done, share - owed, turn.weight, now)
        if turn.urgency is Urgency.ANSWER and wait and turn.weight <= TRICKLE:
            answers = [each for each in state.done if each.urgency is Urgency.ANSWER]
            dripping = self._frees(answers, TRICKLE, turn.weight, now)
            wait = min(wait, max(dripping, self._frees(state.done, GROUP_CALLS, turn.weight, now)))
        return wait

    def _most(self, chat: int | str | None, state: _Chat) -> int:
        """The messages that a group's minute holds for results, beside the trickle of answers."""
        waiting = self._waiting[Urgency.ANSWER].values()
        if not any(turn.chat == chat and turn.weight <= TRICKLE for turn in waiting):
            return GROUP_CALLS
        answered = sum(each.weight for each in state.done if each.urgency is Urgency.ANSWER)
        return GROUP_CALLS - max(0, TRICKLE - answered)

    def _frees(self, done: Sequence[_Done], limit: int, weight: int, now: float) -> float:
        """The seconds until so few of these count any more that `weight` is within `limit`."""
        if limit < weight:  # an album that is more than its share, or pictures are owed
            if done:
                return done[-1].when + self._group_s - now
            return 0.0 if weight > 1 else self._chat_s
        used = weight + sum(each.weight for each in done)
        for each in done:
            if used <= limit:
                return 0.0
            used -= each.weight
            if used <= limit:
                return each.when + self._group_s - now
        return 0.0

    def _wait_behind(self, chat: int | str, before: int) -> float:
        """The seconds until a result may be sent there behind so many others."""
        state, now = self._chat(chat), self._clock()
        self._trim(state, now)
        at = max(now, state.blocked_until)
        if state.underway:
            at = max(at, now + self._chat_s)
        elif state.done:
            at = max(at, state.done[-1].when + self._chat_s)
        recent = deque(each.when for each in state.done for _ in range(each.weight))
        most = self._most(chat, state)
        for nth in range(before + 1):
            while _group(chat) and len(recent) >= most:
                at = max(at, recent.popleft() + self._group_s)
            recent.append(at)
            at += self._chat_s if nth < before else 0.0
        return min(at - now, max(state.blocked_until - now, self._group_s / 2))

    def _trim(self, state: _Chat, now: float) -> None:
        """Let go what does not count any more."""
        state.underway = [t for t in state.underway if t.began is None or t.began > now - HUNG_S]
        while state.done and state.done[0].when <= now - self._group_s:
            state.done.popleft()

    def _chat(self, chat: int | str | None) -> _Chat:
        return self._chats.setdefault(chat, _Chat())

    def _forget(self, now: float) -> None:
        if len(self._chats) < FORGET_AT:
            return
        for chat, state in list(self._chats.items()):
            last = max(state.blocked_until, state.done[-1].when if state.done else -math.inf)
            if not state.underway and last < now - FORGET_S:
                del self._chats[chat]


def _group(chat: int | str | None) -> bool:
    """Whether the limit of groups holds there; a chat named by a word is a channel."""
    return isinstance(chat, str) or (chat is not None and chat < 0)
