"""Live status messages: what moves, how often, and that the final picture is never overtaken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from discord.http import handle_message_parameters

from bot.on_discord import layout
from bot.on_discord.where import Where, made_at, snowflake_at
from tests.bot.discord_desk import QUICK, DiscordDesk, names, open_discord
from tests.loopback_discord import Fault, Hold
from tests.loopback_discord import errors as say


@asynccontextmanager
async def slowly(data: Path, **more: Any) -> AsyncIterator[DiscordDesk]:
    """A desk with Discord whose painter waits at every step, and is known to take long."""
    async with open_discord(data, **more) as made:
        for guided in (False, True):
            await made.desk.speeds.learn("squares", 32, 32, guided, 2.0, 1.0)
        made.desk.painter.hold()
        yield made


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[DiscordDesk]:
    """That, at a pace for tests."""
    async with slowly(tmp_path) as made:
        yield made


def test_a_place_is_read_back_as_it_was_written() -> None:
    """What a later version adds is passed over; what is no place is refused."""
    where = Where(channel=5, asker=7, guild=9, message=11, token="t", spoiler=True, lang="de")
    assert Where.from_json(where.to_json()) == where
    assert Where.from_json('{"channel": 1, "asker": 2, "colour": "red"}').channel == 1
    for text in ("[]", '"x"', '{"channel": 1}', "{"):
        with pytest.raises(ValueError):
            Where.from_json(text)


def test_ids_tell_the_time() -> None:
    """Back and forth, to the millisecond."""
    now = 1_795_426_831.371
    assert made_at(snowflake_at(now)) == pytest.approx(now, abs=0.002)
    assert snowflake_at(0) == 0


async def test_the_message_tells_the_place_in_line(there: DiscordDesk) -> None:
    """It moves up as others are painted."""
    first = await there.ask("first")
    await there.desk.until(lambda: there.desk.painter.painted)
    second = await there.ask("second", position=1)
    third = await there.ask("third", position=2)
    assert "First in line" not in third.message.text
    there.desk.painter.step(4)
    await there.delivered(first)
    await there.server.until(lambda: "First in line" in third.message.text)
    there.desk.painter.release()
    await there.delivered(second)
    await there.delivered(third)
    assert names(third.message) == [f"{third.job.public}-1.png"]


async def test_what_the_first_answer_said_is_not_said_again(there: DiscordDesk) -> None:
    """A line that does not move causes no edits."""
    first = await there.ask("first")
    await there.desk.until(lambda: there.desk.painter.painted)
    second = await there.ask("second", position=1)
    await asyncio.sleep(0.8)  # the line is told twice a second
    assert len(second.message.versions) == 1
    there.desk.painter.release()
    await there.delivered(first)
    await there.delivered(second)


async def test_painting_shows_progress_and_what_there_is_so_far(there: DiscordDesk) -> None:
    """A long job shows a bar and a small preview, which the picture replaces."""
    asked = await there.ask(steps=8)
    await there.desk.until(lambda: there.desk.painter.painted)
    there.desk.painter.step(2)
    await there.server.until(lambda: names(asked.message) == ["preview.webp"])
    assert "25%" in asked.message.text or "25 %" in asked.message.text or "█" in asked.message.text
    assert asked.message.custom_ids() == [f"a:cancel:{asked.job.public}"]
    there.desk.painter.release()
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]
    assert [file.name for file in asked.message.files] == [f"{asked.job.public}-1.png"]


async def test_a_private_job_moves_by_its_token(there: DiscordDesk) -> None:
    """The message that one person sees has a bar, too."""
    asked = await there.ask(private=True)
    await there.desk.until(lambda: there.desk.painter.painted)
    there.desk.painter.step(1)
    await there.server.until(lambda: "█" in asked.message.text)
    there.desk.painter.release()
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]


async def test_a_live_edit_never_overtakes_the_picture(there: DiscordDesk) -> None:
    """One is on its way when the picture is finished: the picture waits for it."""
    hold = Hold()
    there.server.fault(Fault(route="edit_message", hold=hold))
    asked = await there.ask()
    await hold.reached.wait()
    there.desk.painter.release()
    await there.painted(asked)
    await there.desk.until(lambda: there.door.underway)
    hold.release()
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]


async def test_a_live_edit_that_hangs_is_overwritten_in_the_end(tmp_path: Path) -> None:
    """It is cut off, arrives after the picture all the same, and the picture is put back."""
    async with slowly(tmp_path, pace=replace(QUICK, cut_s=0.05)) as there:
        hold, put = Hold(), there.server.posts.edit
        there.server.fault(Fault(route="edit_message", hold=hold))
        asked = await there.ask()
        await hold.reached.wait()
        there.desk.painter.release()
        picture = [f"{asked.job.public}-1.png"]
        await there.server.until(lambda: names(asked.message) == picture)
        late = layout.painting(asked.job, asked.where, eta_s=1.0, progress=None, preview=None)
        put(asked.message, handle_message_parameters(view=late, attachments=[]).payload or {}, {})
        assert names(asked.message) == []
        await there.delivered(asked)
        assert names(asked.message) == picture
        hold.release()


async def test_a_slow_channel_delays_no_other(there: DiscordDesk) -> None:
    """Live edits hang in one channel; in another they go on, and its picture arrives."""
    hold = Hold()
    slow = there.server.add_channel(there.guild, "slow")
    there.server.fault(
        Fault(route="edit_message", hold=hold, when=lambda body: "turtle" in str(body), times=9)
    )
    turtle = await there.ask("a turtle", channel=slow)
    await hold.reached.wait()
    fox = await there.ask("a fox", position=1)
    there.desk.painter.step(4)
    await there.painted(turtle)
    there.desk.painter.step(4)
    await there.delivered(fox)
    assert names(fox.message) == [f"{fox.job.public}-1.png"]
    hold.release()
    await there.delivered(turtle)
    assert names(turtle.message) == [f"{turtle.job.public}-1.png"]


async def test_a_deleted_message_is_not_edited_for_ever(there: DiscordDesk) -> None:
    """Somebody deleted it: one refusal is enough."""
    asked = await there.ask(steps=20)
    asked.message.deleted = True
    await there.desk.until(lambda: there.desk.painter.painted)
    for _ in range(6):
        there.desk.painter.step(1)
        await asyncio.sleep(0.06)
    refused = [call for call in there.server.calls("edit_message") if call[1] == 10008]
    assert len(refused) == 1
    there.desk.painter.release()
    await there.delivered(asked)


async def test_trouble_with_a_live_edit_is_passed_over(there: DiscordDesk) -> None:
    """The next state is told as if nothing had been."""
    error = say.ApiError(503, 0, "trouble")
    fault = there.server.fault(Fault(route="edit_message", error=error))
    asked = await there.ask(steps=20)
    await there.desk.until(lambda: fault.hits)
    there.desk.painter.step(3)
    await there.server.until(lambda: "█" in asked.message.text)
    there.desk.painter.release()
    await there.delivered(asked)


async def test_an_old_message_is_left_alone(there: DiscordDesk) -> None:
    """Who waits long gets a new message; the old one is not edited any more."""
    asked = await there.ask(answered=False)
    await there.desk.until(lambda: there.desk.painter.painted)
    there.server.clock.forward(-700)
    message = await there.answer(asked)
    there.server.clock.forward(700)
    there.desk.painter.step(1)
    await asyncio.sleep(0.3)
    assert len(message.versions) <= 2
    there.desk.painter.release()
    await there.delivered(asked)


async def test_after_a_restart_the_messages_move_on(there: DiscordDesk) -> None:
    """The bot is killed and comes back; the message of the painted job goes on."""
    asked = await there.ask(steps=20)
    await there.desk.until(lambda: there.desk.painter.painted)
    await there.die()
    await there.bot.reachable.wait()
    before = len(asked.message.versions)
    there.desk.painter.step(2)
    await there.server.until(lambda: len(asked.message.versions) > before)
    there.desk.painter.release()
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]


async def test_following_what_is_over_touches_nothing(there: DiscordDesk) -> None:
    """The picture was delivered before the message was known: it is not covered by progress."""
    there.desk.painter.release()
    asked = await there.ask()
    await there.delivered(asked)
    await there.bot.status.follow(asked.job, asked.where)
    await asyncio.sleep(0.1)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]
