"""How fast the Telegram bot may speak: pure logic on a clock of the test's own."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

import pytest
from telegram.error import RetryAfter
from telegram.ext import ExtBot

from bot.on_telegram.limiter import LeftOut, Limiter
from bot.on_telegram.pace import GROUP_CALLS, GROUP_SHARE, TRICKLE, Pace, Turn, Urgency

ANN, BOB, GROUP, OTHER = 11, 12, -100, -200


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Talk:
    """Calls that take `call_s` each, and when each of them was at the server."""

    def __init__(self, call_s: float = 0.05) -> None:
        self.clock = Clock()
        self.pace = Pace(self.clock)
        self.call_s = call_s
        self.ends: list[tuple[float, int, Turn]] = []
        self.began: list[tuple[float, Turn]] = []
        self._count = itertools.count()

    def ask(self, chat: int | None, urgency: Urgency = Urgency.ANSWER, weight: int = 1) -> Turn:
        turn = Turn(chat=chat, urgency=urgency, weight=weight)
        turn.let_go = lambda: self._begun(turn)
        self.pace.join(turn)
        return turn

    def run(self, seconds: float) -> None:
        """Let time pass, from one thing that happens to the next."""
        until = self.clock.now + seconds
        while True:
            rest = self.pace.advance()
            after = min([self.clock.now + rest, *(end for end, _, _ in self.ends)])
            if after > until:
                self.clock.now = until
                return
            self.clock.now = max(after, self.clock.now + 1e-6)
            for over in [each for each in self.ends if each[0] <= self.clock.now]:
                self.ends.remove(over)
                self.pace.end(over[2])

    def of(self, chat: int) -> list[float]:
        return [round(at - 1000.0, 3) for at, turn in self.began if turn.chat == chat]

    def _begun(self, turn: Turn) -> None:
        self.began.append((self.clock.now, turn))
        self.ends.append((self.clock.now + self.call_s, next(self._count), turn))


def test_a_chat_gets_one_message_a_second_counted_from_the_end() -> None:
    """The server sees a call between its start and its end; it never counts two within one."""
    talk = Talk(call_s=0.2)
    for _ in range(3):
        talk.ask(ANN)
    talk.run(10)
    assert talk.of(ANN) == [0.0, 1.2, 2.4]


def test_a_group_gets_twenty_a_minute_and_finals_the_last_of_them() -> None:
    """Progress may use a third of a minute, answers most of it; a finished picture finds room."""
    talk = Talk(call_s=0.0)
    for _ in range(100):
        talk.ask(GROUP, Urgency.PROGRESS)
    talk.run(30)
    assert len(talk.of(GROUP)) == GROUP_SHARE[Urgency.PROGRESS]
    for _ in range(100):
        talk.ask(GROUP, Urgency.ANSWER)
    talk.run(15)
    assert len(talk.of(GROUP)) == GROUP_SHARE[Urgency.ANSWER]
    for _ in range(5):
        talk.ask(GROUP, Urgency.FINAL)
    talk.run(5)
    assert len(talk.of(GROUP)) == GROUP_CALLS


def test_no_minute_of_a_group_and_no_second_of_all_has_more_than_allowed() -> None:
    """Whatever is asked for, whenever, however long calls take: counted where they arrive."""
    draw = random.Random(7)
    talk = Talk()
    chats = [GROUP, OTHER, *range(1, 60)]
    for _ in range(400):
        for _ in range(draw.randrange(20)):
            talk.ask(draw.choice([GROUP, draw.choice(chats)]), draw.choice(list(Urgency)))
        talk.call_s = draw.choice([0.0, 0.05, 0.8])
        talk.run(0.25)
    arrived = defaultdict(list)
    for at, turn in talk.began:
        arrived[turn.chat].append(at)
        arrived[None].append(at)
    for chat, times in arrived.items():
        if chat is None:
            assert _most(times, 1.0) <= 30
        else:
            assert _most(times, 1.0) == 1
            assert _most(times, 60.0) <= (20 if chat in (GROUP, OTHER) else 60)
    assert len(arrived[GROUP]) > 35
    assert _most(arrived[None], 1.0) > 20, "the limit is not what this tests"


def _most(times: list[float], width: float) -> int:
    """The most times within any such span; they come in order."""
    return max(bisect_left(times, at + width - 1e-9) - i for i, at in enumerate(times))


def test_what_matters_more_goes_first() -> None:
    """A final overtakes the answers and the progress that waited before it."""
    talk = Talk()
    talk.ask(ANN)
    talk.run(0.1)
    for urgency in (Urgency.PROGRESS, Urgency.ANSWER, Urgency.FINAL):
        talk.ask(ANN, urgency)
    talk.run(10)
    order = [turn.urgency for _, turn in talk.began[1:]]
    assert order == [Urgency.FINAL, Urgency.ANSWER, Urgency.PROGRESS]


def test_a_flooded_group_slows_nobody_else() -> None:
    """Where the server wants quiet there is quiet, and only there."""
    talk = Talk()
    talk.pace.block(GROUP, 100.0)
    for _ in range(50):
        talk.ask(GROUP, Urgency.FINAL)
    talk.ask(ANN)
    talk.ask(OTHER, Urgency.PROGRESS)
    talk.run(99)
    assert talk.of(ANN) == talk.of(OTHER) == [0.0]
    assert talk.of(GROUP) == []
    assert talk.pace.owe(GROUP, "k3v9", ANN) == 1.0
    talk.run(2)
    assert talk.of(GROUP)[0] == 100.0


def test_what_is_no_message_waits_for_no_chat() -> None:
    """Pressed buttons are answered at once, while the chat has just had its message."""
    talk = Talk()
    talk.ask(ANN)
    talk.run(0.1)
    talk.ask(ANN, weight=0)
    talk.ask(None, weight=0)
    talk.run(0.1)
    assert len(talk.began) == 3


def test_an_album_counts_as_its_pictures() -> None:
    """Four photos are four of a group's twenty."""
    talk = Talk(call_s=0.0)
    for _ in range(8):
        talk.ask(GROUP, Urgency.FINAL, weight=4)
    talk.run(30)
    assert len(talk.of(GROUP)) == 5


def test_a_call_that_hangs_does_not_stop_the_others() -> None:
    """After a while it counts as over for them, and still as a message when it ends."""
    talk = Talk(call_s=20.0)
    for chat in range(1, 61):
        talk.ask(chat)
    talk.run(4)
    assert len(talk.began) == math.floor(30 * 0.85)
    talk.run(4)
    assert len(talk.began) == 2 * math.floor(30 * 0.85)


class Courier:
    """Brings what is painted as the real one does: now, or later when the pace says so."""

    def __init__(self, talk: Talk, chat: int) -> None:
        self.talk, self.chat = talk, chat
        self.due: dict[tuple[int, str], float] = {}
        self.brought: list[tuple[float, int]] = []

    def painted(self, asker: int, job: str) -> None:
        self.due[asker, job] = 0.0

    def run(self, seconds: float) -> None:
        until = self.talk.clock.now + seconds
        while self.talk.clock.now < until:
            self.talk.run(0.2)
            for (asker, job), at in list(self.due.items()):
                if at > self.talk.clock.now:
                    continue
                wait = self.talk.pace.owe(self.chat, job, asker)
                self.due[asker, job] = self.talk.clock.now + wait
                if wait <= 1.0:
                    del self.due[asker, job]
                    self._bring(asker, job)

    def _bring(self, asker: int, job: str) -> None:
        turn = self.talk.ask(self.chat, Urgency.FINAL)
        begun = turn.let_go

        def let_go() -> None:
            begun()
            self.talk.pace.settle(self.chat, job)
            self.brought.append((self.talk.clock.now, asker))

        turn.let_go = let_go


def test_a_groups_minutes_belong_to_its_pictures() -> None:
    """While pictures wait, what else is said there gets a trickle, and live edits nothing."""
    talk = Talk()
    for urgency in (Urgency.PROGRESS, Urgency.STATUS, Urgency.ANSWER):
        for _ in range(200):
            talk.ask(GROUP, urgency)
    talk.run(300)
    courier = Courier(talk, GROUP)
    for nth in range(90):
        courier.painted(100 + nth % 20, f"job{nth}")
    courier.run(60)  # the minute before still counts for a while
    first = len(courier.brought)
    assert first >= 10
    began = len(talk.began)
    courier.run(120)
    said = [turn.urgency for _, turn in talk.began[began:]]
    assert len(courier.brought) - first >= 2 * (GROUP_CALLS - TRICKLE) - 1
    assert said.count(Urgency.ANSWER) in (2 * TRICKLE - 1, 2 * TRICKLE)
    assert len(said) == said.count(Urgency.ANSWER) + said.count(Urgency.FINAL)
    courier.run(180)
    assert len(courier.brought) == 90
    talk.run(180)
    assert Urgency.PROGRESS not in said
    assert len(talk.began) > began + 120, "nothing is said any more"


def test_pictures_of_a_busy_group_come_in_a_fair_order() -> None:
    """Whoever has thirty of them waiting lets everybody else's first go before the second."""
    talk = Talk()
    courier = Courier(talk, GROUP)
    for nth in range(30):
        courier.painted(ANN, f"ann{nth}")
    courier.run(5)
    for asker in range(20, 30):
        courier.painted(asker, f"late{asker}")
    courier.run(240)
    order = [asker for _, asker in courier.brought]
    assert len(order) == 40
    begun = order.index(20)
    assert begun < 20
    assert order[begun:].index(29) <= 20, "everybody has one before Ann has many more"


def test_there_is_room_only_for_what_matters_enough() -> None:
    """What was said, what waits and what is owed counts; elsewhere there is room."""
    talk = Talk(call_s=0.0)
    for _ in range(6):
        talk.ask(GROUP, Urgency.STATUS)
    talk.run(10)
    for nth in range(4):
        talk.pace.owe(GROUP, f"job{nth}", ANN)
    assert not talk.pace.room(GROUP, Urgency.STATUS)
    assert talk.pace.room(GROUP, Urgency.ANSWER)
    assert not talk.pace.room(GROUP, Urgency.ANSWER, weight=10)
    assert talk.pace.room(OTHER, Urgency.STATUS)
    assert talk.pace.room(ANN, Urgency.PROGRESS)
    talk.pace.settle(GROUP, "job0")
    assert talk.pace.room(GROUP, Urgency.STATUS)
    talk.run(300)
    assert talk.pace.room(GROUP, Urgency.PROGRESS), "nobody came back for the other three"


def test_quiet_chats_are_forgotten() -> None:
    """A bot with many chats keeps no trace of each for ever."""
    talk = Talk(call_s=0.0)
    for chat in range(1, 2000):
        talk.ask(chat)
    talk.run(100)
    talk.run(1000)
    talk.ask(ANN)
    talk.run(1)
    assert len(talk.pace._chats) < 1000


class Server:
    """Answers calls at once; raises what `say` holds first."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.say: list[Exception] = []

    async def __call__(self, endpoint: str, data: dict[str, Any]) -> bool:
        self.calls.append(endpoint)
        await asyncio.sleep(0)
        if self.say:
            raise self.say.pop(0)
        return True


def _call(
    limiter: Limiter, server: Server, endpoint: str, chat: int, urgency: Urgency | None = None
) -> Coroutine[Any, Any, Any]:
    data = {"chat_id": chat}
    return limiter.process_request(server, (endpoint, data), {}, endpoint, data, urgency)


@pytest.fixture
async def limiter() -> Any:
    made = Limiter()
    await made.initialize()
    yield made
    await made.shutdown()


async def test_a_short_flood_is_waited_for(limiter: Limiter) -> None:
    """Whoever asked hears nothing of a 429; the call comes again when the server said."""
    server = Server()
    server.say = [RetryAfter(1)]
    async with asyncio.timeout(10):
        assert await _call(limiter, server, "sendMessage", ANN) is True
    assert server.calls == ["sendMessage"] * 2


async def test_a_long_flood_is_the_couriers_business(limiter: Limiter) -> None:
    """A delivery is given back, so that others are not kept; the chat stays quiet meanwhile."""
    server = Server()
    server.say = [RetryAfter(30)]
    with pytest.raises(RetryAfter):
        await _call(limiter, server, "sendPhoto", ANN, Urgency.FINAL)
    assert limiter.pace.owe(ANN, "k3v9", ANN) > 29
    async with asyncio.timeout(10):
        assert await _call(limiter, server, "sendPhoto", BOB, Urgency.FINAL) is True


async def test_a_reaction_goes_at_once_or_not_at_all(limiter: Limiter) -> None:
    """Where the bot must be quiet nobody waits to raise an eyebrow."""
    server = Server()
    assert await _call(limiter, server, "setMessageReaction", ANN) is True
    limiter.pace.block(ANN, 30.0)
    with pytest.raises(LeftOut):
        await _call(limiter, server, "setMessageReaction", ANN)
    assert server.calls == ["setMessageReaction"]


async def test_who_gives_up_waiting_takes_no_turn(limiter: Limiter) -> None:
    """A cancelled call neither happens nor keeps its place."""
    server = Server()
    await _call(limiter, server, "sendMessage", ANN)
    waiting = asyncio.create_task(_call(limiter, server, "editMessageText", ANN))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(10):
        await _call(limiter, server, "sendMessage", ANN)
    assert server.calls == ["sendMessage"] * 2


async def test_a_turn_is_taken_before_the_words_are_chosen(limiter: Limiter) -> None:
    """Within a turn the call is made at once; it does not wait for a second one."""
    server = Server()
    async with limiter.turn(ANN, Urgency.PROGRESS) as turn:
        data = {"chat_id": ANN}
        await limiter.process_request(server, ("editMessageText", data), {}, "e", data, turn)
    assert server.calls == ["editMessageText"]


async def test_how_urgent_a_call_is_gets_through_the_library() -> None:
    """python-telegram-bot drops what is false on the way: no urgency is."""
    seen: list[Urgency] = []

    class Listening(Limiter):
        async def process_request(self, *args: Any, **more: Any) -> Any:
            given = more["rate_limit_args"] if more else args[-1]
            seen.append(given)
            return True

    bot: ExtBot[Any] = ExtBot(f"1:{'A' * 35}", rate_limiter=Listening())
    for urgency in Urgency:
        await bot.delete_message(ANN, 1, rate_limit_args=urgency)
    assert seen == list(Urgency)
