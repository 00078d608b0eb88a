"""Status messages on Telegram: what they tell, how often, and that the last word is the result."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bot.telegram_desk import TelegramDesk, open_post
from tests.loopback_telegram import Message


def _texts(message: Message) -> list[str]:
    return [version.text for version in message.versions if version.media is None]


async def _slowly(desk: TelegramDesk) -> None:
    """Pictures are known to take long, so that there is something to tell."""
    for guided in (False, True):
        await desk.desk.speeds.learn("squares", 32, 32, guided, 30.0, 1.0)


async def _painting(desk: TelegramDesk, public: str) -> None:
    await desk.desk.until(
        lambda: desk.desk.line.painting and desk.desk.line.painting.job.public == public
    )


async def test_who_waits_is_told_how_they_move_up(tmp_path: Path) -> None:
    """The position counts down in the one message, and its button cancels."""
    async with open_post(tmp_path, waiting_per_person=50) as desk:
        desk.bot.status._sleep = _briefly
        desk.desk.painter.hold()
        jobs = [await desk.ask(f"number {n}", steps=1) for n in range(4)]
        await _painting(desk, jobs[0].job.public)
        last = jobs[-1].status
        assert last is not None
        await desk.telegram.until(lambda: "3rd" in last.content.text, "3rd in line")
        desk.desk.painter.step()
        await desk.telegram.until(lambda: "2nd" in last.content.text, "2nd in line")
        assert "a:cancel:" in str(last.markup)
        desk.desk.painter.release()
        for asked in jobs:
            await desk.delivered(asked)
        assert last.content.media is not None


async def test_painting_shows_a_bar_and_that_a_photo_comes(tmp_path: Path) -> None:
    """The bar fills up in the status message; nothing is edited after the picture."""
    async with open_post(tmp_path) as desk:
        desk.bot.status._sleep = _briefly
        await _slowly(desk)
        desk.desk.painter.hold()
        asked = await desk.ask(steps=4)
        await _painting(desk, asked.job.public)
        desk.desk.painter.step(2)
        assert asked.status is not None
        status = asked.status
        await desk.telegram.until(lambda: "50%" in status.content.text, "half of it")
        actions = desk.telegram.called("sendChatAction")
        assert {call.values["action"] for call in actions} == {"upload_photo"}
        desk.desk.painter.release()
        await desk.delivered(asked)
        await asyncio.sleep(0.3)
        assert status.versions[-1].media is not None
        assert sum(version.media is not None for version in status.versions) == 1


async def _briefly(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


async def test_only_the_latest_state_is_told(tmp_path: Path) -> None:
    """While a chat must be quiet states pass by; afterwards one edit tells the last of them."""
    async with open_post(tmp_path) as desk:
        desk.bot.status._sleep = _briefly
        await _slowly(desk)
        desk.desk.painter.hold()
        asked = await desk.ask(steps=10)
        await _painting(desk, asked.job.public)
        assert asked.status is not None
        await asyncio.sleep(0.2)
        desk.bot.limiter.pace.block(asked.where.chat, 1.0)
        edits = len(asked.status.versions)
        for _ in range(8):
            desk.desk.painter.step()
            await asyncio.sleep(0.02)
        status = asked.status
        await desk.telegram.until(lambda: "80%" in status.content.text, "the last state")
        assert len(status.versions) == edits + 1
        desk.desk.painter.release()
        await desk.delivered(asked)


async def test_an_edit_under_way_never_comes_after_the_picture(tmp_path: Path) -> None:
    """The courier waits for it: cut off, it could overtake."""
    async with open_post(tmp_path) as desk:
        desk.bot.status._sleep = _briefly
        await _slowly(desk)
        desk.desk.painter.hold()
        asked = await desk.ask(steps=4)
        await _painting(desk, asked.job.public)
        fault = desk.telegram.faults.slow("editMessageText", 0.7)
        desk.desk.painter.step()
        await desk.desk.until(lambda: fault.seen)
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert asked.status is not None
        assert asked.status.content.media is not None
        calls = [c.values.method for c in desk.telegram.server.calls]
        assert calls.index("editMessageMedia") > calls.index("editMessageText")


async def test_after_a_restart_the_same_message_goes_on(tmp_path: Path) -> None:
    """Whoever waits sees it move again, without having asked again."""
    async with open_post(tmp_path) as desk:
        await _slowly(desk)
        desk.desk.painter.hold()
        first, second = await desk.ask(steps=1), await desk.ask(steps=6)
        await _painting(desk, first.job.public)
        await desk.die()
        await desk.start()
        await desk.connected()
        desk.bot.status._sleep = _briefly
        await desk.desk.until(lambda: len(desk.bot.status._follows) == 2)
        desk.desk.painter.step()
        await _painting(desk, second.job.public)
        desk.desk.painter.step(3)
        assert second.status is not None
        status = second.status
        await desk.telegram.until(lambda: "50%" in status.content.text, "half of it")
        desk.desk.painter.release()
        for asked in (first, second):
            await desk.delivered(asked)
            assert len(desk.telegram.replies(asked.message)) == 1


async def test_a_message_that_is_gone_is_edited_no_more(tmp_path: Path) -> None:
    """One refusal is enough; the picture comes all the same."""
    async with open_post(tmp_path) as desk:
        desk.bot.status._sleep = _briefly
        await _slowly(desk)
        desk.desk.painter.hold()
        asked = await desk.ask(steps=8)
        await _painting(desk, asked.job.public)
        await asyncio.sleep(0.1)
        assert asked.status is not None
        asked.status.deleted = True
        edits = len(desk.telegram.called("editMessageText"))
        for _ in range(6):
            desk.desk.painter.step()
            await asyncio.sleep(0.05)
        assert len(desk.telegram.called("editMessageText")) <= edits + 1
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert len(desk.telegram.pictures(asked.message)) == 1
