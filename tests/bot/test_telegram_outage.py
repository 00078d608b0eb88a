"""Ten minutes without Telegram, on a clock that a test turns: how each job ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.on_telegram import commands
from bot.on_telegram.connection import BotState
from storage.job import JobState
from tests.bot.telegram_desk import Asked, Clock, TelegramDesk, open_post
from tests.loopback_telegram import Message, Person
from tests.loopback_telegram.entities import seen
from tests.loopback_telegram.messages import Content

pytestmark = pytest.mark.slow

OUTAGE_S = 600.0


class Nights:
    """Sleeps of the bot that take no time: the clock jumps instead, up to the end of the outage."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.slept: list[float] = []
        self.over = asyncio.Event()
        """Set once the outage has lasted."""

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass; at the end of the outage, wait for the network."""
        if self.clock is None:
            await asyncio.sleep(seconds)
            return
        self.slept.append(seconds)
        self.clock.later(seconds)
        if sum(self.slept) >= OUTAGE_S:
            self.over.set()
        await asyncio.sleep(0.01)


async def test_ten_minutes_without_telegram(tmp_path: Path) -> None:
    """It paints on and looks ever more rarely; then every picture comes, once, as a new answer."""
    nights = Nights()
    async with open_post(tmp_path, sleep=nights.sleep) as desk:
        desk.desk.painter.hold()
        begun, waiting = await desk.ask("a fox"), await desk.ask("a cat")
        eve = desk.telegram.person("Eve")
        left = await desk.ask("a dog", person=eve)
        unanswered = await desk.ask("an owl", answered=False)
        await desk.telegram.go_away()
        nights.clock = desk.clock
        desk.desk.painter.release()
        jobs = [begun, waiting, left, unanswered]
        await desk.desk.until(lambda: _painted(desk, jobs))
        async with asyncio.timeout(60):
            await nights.over.wait()
        assert desk.bot.state is BotState.connecting
        assert not any([await _told(desk, each) for each in jobs])
        assert len(nights.slept) < 100, "it knocks at a door that is closed"
        eve.private.blocked = True
        heard = await desk.ann.says(None, "/imagine a lighthouse")
        await desk.telegram.come_back()
        await desk.connected()
        for each in jobs:
            await desk.delivered(each)
        for each in (begun, waiting, unanswered):
            (shown,) = desk.telegram.ever_pictured(each.message)
            assert shown is not each.status
            assert shown.reply_to is each.message
            assert each.status is None or each.status.deleted
        assert desk.telegram.ever_pictured(left.message) == []
        (view,) = await desk.desk.studio.history(
            await desk.desk.studio.asker("telegram", str(eve.id), place=str(eve.id))
        )
        assert len(view.pictures) == 1
        await desk.telegram.until(lambda: desk.telegram.pictures(heard), "what was asked meanwhile")


async def test_a_start_within_the_outage(tmp_path: Path) -> None:
    """What was painted before a restart comes as well, once, as soon as Telegram is there."""
    nights = Nights()
    async with open_post(tmp_path, sleep=nights.sleep) as desk:
        desk.desk.painter.hold()
        asked = await desk.ask("a fox")
        await desk.telegram.go_away()
        desk.desk.painter.release()
        await desk.desk.until(lambda: _painted(desk, [asked]))
        await desk.die()
        nights.clock = desk.clock
        await desk.start()
        async with asyncio.timeout(60):
            await nights.over.wait()
        assert not await _told(desk, asked)
        await desk.telegram.come_back()
        await desk.connected()
        await desk.delivered(asked)
        assert len(desk.telegram.ever_pictured(asked.message)) == 1


async def _painted(desk: TelegramDesk, jobs: list[Asked]) -> bool:
    states = [(await desk.desk.jobs.by_id(each.job.id)).state for each in jobs]
    return all(state is JobState.DONE for state in states)


async def _told(desk: TelegramDesk, asked: Asked) -> bool:
    return (await desk.desk.jobs.by_id(asked.job.id)).delivered_at is not None


async def test_a_command_while_telegram_fails_is_answered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words and refusals come a little later, and no traceback is left behind."""
    monkeypatch.setattr(commands, "PAUSES_S", (0.01,) * 8)
    with capture_logs() as lines:
        async with open_post(tmp_path) as desk:
            for method, code in (("sendMessage", 502), ("sendMessage", None)):
                for words, word in (("/usage", "credit"), ("/imagine a fox --steps 1000", "1000")):
                    if code is None:
                        desk.telegram.faults.drop(method, times=2)
                    else:
                        desk.telegram.faults.answer(method, code, times=2)
                    said = await desk.ann.says(None, words)

                    def answered(after: Message = said, word: str = word) -> list[Message]:
                        posts = desk.telegram.by_bot(desk.ann.private)
                        return [m for m in posts if m.id > after.id and word in m.content.text]

                    await desk.telegram.until(answered, f"an answer to {words}")
    assert "error" not in {line["log_level"] for line in lines}


async def test_whoever_blocks_the_bot_meanwhile_is_no_error(tmp_path: Path) -> None:
    """There is nobody to tell, and nothing to mend."""
    with capture_logs() as lines:
        async with open_post(tmp_path) as desk:
            eve = desk.telegram.person("Eve")
            await eve.starts()
            await desk.telegram.until(lambda: desk.telegram.by_bot(eve.private), "a greeting")
            refused = len(desk.telegram.called("sendMessage"))
            desk.telegram.updates.add("message", (await _said(eve, "/usage")).json())
            eve.private.blocked = True
            await desk.telegram.until(
                lambda: len(desk.telegram.called("sendMessage")) > refused, "a try"
            )
            await desk.telegram.until(lambda: not desk.telegram.updates.pending, "quiet")
    assert "an answer did not arrive" in {line["event"] for line in lines}
    assert "error" not in {line["log_level"] for line in lines}


async def _said(person: Person, words: str) -> Message:
    """A message that the bot has not heard yet."""
    content = Content(text=words, entities=tuple(seen(words)))
    return person.telegram.world.put(person.private, person.user, content)
