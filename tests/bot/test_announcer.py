"""Announcements: the newest state, never a backlog, and the end in any case."""

from __future__ import annotations

import asyncio

import pytest

from bot.desk.announcer import Announcer, Event, EventName
from engine.painter import Progress


def _step(step: int, name: EventName = EventName.step) -> Event:
    progress = Progress(index=0, count=1, step=step, steps=1000)
    return Event(name=name, public="job", progress=progress)


async def test_a_slow_watcher_gets_the_latest() -> None:
    """A thousand steps while nobody looks cost one step and one preview."""
    announcer = Announcer()
    async with announcer.subscribe("job") as events:
        for step in range(1, 1001):
            announcer.publish(_step(step))
            announcer.publish(_step(step, EventName.preview))
        got = [await anext(events), await anext(events)]
        assert {event.name for event in got} == {EventName.step, EventName.preview}
        assert all(event.progress is not None and event.progress.step == 1000 for event in got)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)


async def test_the_end_is_never_lost() -> None:
    """Whatever comes before and after it, the final event is the last one, once."""
    announcer = Announcer()
    async with announcer.subscribe("job") as events:
        announcer.publish(_step(1))
        announcer.publish(Event(name=EventName.done, public="job", pictures=("a",)))
        announcer.publish(_step(2))
        announcer.publish(Event(name=EventName.queued, public="job", position=1))
        events.begin(_step(3))
        assert [event.name async for event in events] == [EventName.done]
        announcer.publish(_step(4))
        assert [event async for event in events] == []


async def test_everybody_who_watches_hears_it_and_nobody_else() -> None:
    """Each job has its own watchers."""
    announcer = Announcer()
    async with (
        announcer.subscribe("job") as one,
        announcer.subscribe("job") as two,
        announcer.subscribe("other") as other,
    ):
        announcer.publish(_step(1))
        assert await anext(one) == await anext(two)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(other), 0.01)
        assert announcer.watched() == {"job", "other"}
    assert announcer.watched() == frozenset()


async def test_who_comes_late_gets_the_latest_until_it_is_over() -> None:
    """Then nothing is kept in memory."""
    announcer = Announcer()
    announcer.publish(_step(5))
    announcer.publish(_step(5, EventName.preview))
    async with announcer.subscribe("job") as events:
        assert (await anext(events)).name is EventName.step
        assert (await anext(events)).name is EventName.preview
    announcer.publish(Event(name=EventName.failed, public="job", code="engine_failed"))
    assert announcer._latest == {}


async def test_a_step_replaces_the_place_in_line() -> None:
    """Nobody is told a position after the painting has begun."""
    announcer = Announcer()
    async with announcer.subscribe("job") as events:
        announcer.publish(Event(name=EventName.queued, public="job", position=1))
        announcer.publish(_step(1))
        assert (await anext(events)).name is EventName.step
        events.begin(Event(name=EventName.queued, public="job", position=1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
