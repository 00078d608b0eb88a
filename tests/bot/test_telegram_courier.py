"""How results come to Telegram: in one message, once, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import io
import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.errors import Refusal
from engine.request import Paint
from storage.jobs import JobState
from tests.bot.telegram_desk import Asked, TelegramDesk, open_post
from tests.loopback_telegram import Chat, Message

pytestmark = pytest.mark.slow

SERVER_ERRORS = [
    pytest.param(500, False, id="500 instead of the deed"),
    pytest.param(502, True, id="502 after the deed"),
    pytest.param(None, False, id="dropped before"),
    pytest.param(None, True, id="dropped after"),
]


def _fail_after(gate: threading.Event, paint: Paint) -> None:
    assert gate.wait(30)
    _fail(paint)


def _fail(paint: Paint) -> None:
    raise Refusal("no luck today")


def _verbs(message: Message) -> set[str]:
    rows = (message.markup or {}).get("inline_keyboard", [])
    return {button["callback_data"].split(":")[1] for row in rows for button in row}


def _only(desk: TelegramDesk, asked: Asked) -> Message:
    """The only message that answers, and it shows the picture."""
    (shown,) = desk.telegram.pictures(asked.message)
    (reply,) = desk.telegram.replies(asked.message)
    assert shown is reply
    return shown


def _replace_file(desk: TelegramDesk, image: Image.Image, form: str = "PNG") -> None:
    """The next pictures are these instead, whatever was painted."""
    write = desk.desk.pictures.write

    def writing(data: bytes, **facts: Any) -> object:
        out = io.BytesIO()
        image.save(out, form)
        facts |= {"width": image.width, "height": image.height}
        return write(out.getvalue(), **facts)

    desk.desk.pictures.write = writing  # type: ignore[method-assign, assignment]


async def test_the_status_message_becomes_the_picture(tmp_path: Path) -> None:
    """Within a minute it is that one message; its buttons are those of a picture then."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask("a fox [in] *snow*", seed=5)
        await desk.delivered(asked)
        shown = _only(desk, asked)
        assert shown is asked.status
        assert shown.content.media is not None
        assert shown.content.media.seen.size == (32, 32)
        assert "a fox [in] *snow*" in shown.content.text
        assert {"again", "vary-strong", "original"} <= _verbs(shown)
        kept = await desk.kept(asked)
        assert kept.shown
        assert kept.file


async def test_after_a_minute_the_picture_is_a_new_reply(tmp_path: Path) -> None:
    """An edit reaches nobody: a new message calls the asker and becomes it; the old one goes."""
    async with open_post(tmp_path) as desk:
        group = desk.telegram.group("Foxes", desk.ann)
        desk.desk.painter.hold()
        asked = await desk.ask(chat=group)
        desk.clock.later(61)
        desk.desk.painter.release()
        await desk.delivered(asked)
        shown = _only(desk, asked)
        assert asked.status is not None
        assert asked.status.deleted
        assert shown is not asked.status
        assert "Ann" in shown.versions[0].text
        assert shown.versions[0].entities[0]["user"]["id"] == desk.ann.id
        assert len(desk.telegram.ever_pictured(asked.message)) == 1


async def test_four_pictures_are_one_grid(tmp_path: Path) -> None:
    """Two by two, with a button for each of them below."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask(count=4)
        await desk.delivered(asked)
        shown = _only(desk, asked)
        assert shown.content.media is not None
        assert shown.content.media.seen.size == (2 * 32 + 8, 2 * 32 + 8)
        assert {"album", "vary-strong"} <= _verbs(shown)


async def test_a_spoiler_hides_the_picture(tmp_path: Path) -> None:
    """Until somebody taps on it."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask(spoiler=True)
        await desk.delivered(asked)
        assert _only(desk, asked).content.spoiler


async def test_everything_stays_in_its_topic(tmp_path: Path) -> None:
    """Also the new message after a long wait."""
    async with open_post(tmp_path) as desk:
        forum = desk.telegram.group("Forum", desk.ann, forum=True)
        topic = desk.telegram.topic(forum, "Art", by=desk.ann)
        asked = await desk.ask(chat=forum, topic=topic, answered=False)
        await desk.bot.status.follow(asked.job, asked.where)
        await desk.delivered(asked)
        assert _only(desk, asked).thread == topic


async def test_a_failure_is_told_once_with_its_number(tmp_path: Path) -> None:
    """In the status message, or as a new reply after a minute; nothing else comes."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.fail = _fail
        asked = await desk.ask()
        await desk.delivered(asked)
        (told,) = desk.telegram.replies(asked.message)
        assert told is asked.status
        assert asked.job.public in told.content.text
        assert _verbs(told) == {"again"}
        gate = threading.Event()
        desk.desk.painter.fail = lambda paint: _fail_after(gate, paint)
        late = await desk.ask()
        desk.clock.later(100)
        gate.set()
        await desk.delivered(late)
        (told,) = desk.telegram.replies(late.message)
        assert told is not late.status
        assert late.job.public in told.content.text


async def test_a_cancelled_job_says_so_where_it_waited(tmp_path: Path) -> None:
    """However long that was: whoever cancelled it is looking there."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.hold()
        asked = await desk.ask()
        desk.clock.later(500)
        asker = await desk.desk.studio.asker("telegram", str(desk.ann.id), place=str(desk.ann.id))
        await desk.desk.studio.cancel(asker, asked.job.public)
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert desk.telegram.replies(asked.message) == [asked.status]
        assert asked.status is not None
        assert asked.status.content.media is None
        assert "cancel" not in _verbs(asked.status)


async def test_a_status_message_that_was_deleted_is_replaced(tmp_path: Path) -> None:
    """The picture then comes as a new message."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.hold()
        asked = await desk.ask()
        assert asked.status is not None
        asked.status.deleted = True
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert _only(desk, asked) is not asked.status


async def test_what_was_asked_may_be_deleted(tmp_path: Path) -> None:
    """Then the new message answers nobody, and names the asker all the same."""
    async with open_post(tmp_path) as desk:
        group = desk.telegram.group("Foxes", desk.ann)
        desk.desk.painter.hold()
        asked = await desk.ask(chat=group)
        await desk.ann.deletes(asked.message)
        desk.clock.later(61)
        desk.desk.painter.release()
        await desk.delivered(asked)
        (shown,) = desk.telegram.pictures(chat=group)
        assert "Ann" in shown.versions[0].text


async def test_delivering_again_changes_nothing(tmp_path: Path) -> None:
    """A delivery whose end was not written down is repeated; nobody sees it."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask()
        job = await desk.delivered(asked)
        shown = _only(desk, asked)
        versions = len(shown.versions)
        pictures = tuple(await desk.desk.pictures.of_job(job.id))
        await desk.bot.courier.deliver(job, pictures)
        assert len(shown.versions) == versions
        await desk.desk.jobs.set_message(
            job.id, replace(await desk.kept(asked), shown=False).to_json()
        )
        await desk.bot.courier.deliver(job, pictures)
        assert _only(desk, asked) is shown


@pytest.mark.parametrize(("code", "committed"), SERVER_ERRORS)
@pytest.mark.parametrize("late", [False, True], ids=["soon", "late"])
@pytest.mark.parametrize("method", ["editMessageMedia", "sendMessage", "deleteMessage"])
async def test_errors_of_the_server_double_nothing(
    tmp_path: Path, method: str, late: bool, code: int | None, committed: bool
) -> None:
    """Whether the call was carried out or not: one picture, and nothing is lost."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.hold()
        asked = await desk.ask()
        if late:
            desk.clock.later(61)
        if code is None:
            desk.telegram.faults.drop(method, committed=committed)
        else:
            desk.telegram.faults.answer(method, code, committed=committed)
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert len(desk.telegram.pictures(asked.message)) == 1
        assert len(desk.telegram.ever_pictured(asked.message)) == 1
        left = [m for m in desk.telegram.replies(asked.message) if m.content.media is None]
        # The one line that may remain: it was posted, and nobody could know.
        assert len(left) <= (method == "sendMessage" and late and committed)
        assert all("here it comes" in each.content.text for each in left), left


@pytest.mark.parametrize("method", ["editMessageMedia", "sendMessage", "deleteMessage"])
@pytest.mark.parametrize("late", [False, True], ids=["soon", "late"])
async def test_a_death_in_the_middle_doubles_nothing(
    tmp_path: Path, method: str, late: bool
) -> None:
    """Killed after Telegram has done it and before anybody wrote that down."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.hold()
        asked = await desk.ask()
        if late:
            desk.clock.later(61)
        elif method != "editMessageMedia":
            return  # nothing else is called then
        fault = desk.telegram.faults.slow(method, 600)
        desk.desk.painter.release()
        await desk.desk.until(lambda: fault.seen)
        await asyncio.sleep(0.05)
        await desk.die()
        await desk.start()
        await desk.delivered(asked)
        assert len(desk.telegram.pictures(asked.message)) == 1
        assert len(desk.telegram.ever_pictured(asked.message)) == 1


async def test_who_has_blocked_the_bot_is_not_tried_again(tmp_path: Path) -> None:
    """The picture stays in the history."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.hold()
        asked = await desk.ask()
        await desk.ann.blocks()
        desk.desk.painter.release()
        job = await desk.delivered(asked)
        assert job.state is JobState.DONE
        assert desk.door.tries == 1
        assert desk.telegram.pictures(asked.message) == []


@pytest.mark.parametrize("late", [False, True], ids=["soon", "late"])
async def test_a_group_that_threw_the_bot_out_gets_nothing(tmp_path: Path, late: bool) -> None:
    """One try is enough to know."""
    async with open_post(tmp_path) as desk:
        bob = desk.telegram.person("Bob")
        group = desk.telegram.group("Foxes", bob, desk.ann)
        desk.desk.painter.hold()
        asked = await desk.ask(chat=group)
        if late:
            desk.clock.later(61)
        desk.telegram.kick(group, bob)
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert desk.door.tries == 1


@pytest.mark.parametrize("when", ["while waiting", "while delivering"])
async def test_a_group_that_becomes_a_supergroup_takes_its_jobs_along(
    tmp_path: Path, when: str
) -> None:
    """The rules and the jobs follow to the new id; there the picture comes once."""
    async with open_post(tmp_path) as desk:
        group = desk.telegram.group("Foxes", desk.ann, kind="group")
        desk.desk.painter.hold()
        asked = await desk.ask(chat=group)
        place = await desk.desk.places.known("telegram", str(group.id))
        if when == "while delivering":
            desk.bot.moving.follow = _nobody_told  # type: ignore[method-assign]
            new = desk.telegram.migrate(group)
            await asyncio.sleep(0.2)
            del desk.bot.moving.follow
        else:
            new = desk.telegram.migrate(group)
            await desk.desk.until(lambda: _is_at(desk, asked, new))
        desk.desk.painter.release()
        await desk.delivered(asked)
        assert len(desk.telegram.pictures(chat=new)) == 1
        assert desk.telegram.pictures(chat=group) == []
        assert (await desk.desk.places.known("telegram", str(new.id))).id == place.id


async def _nobody_told(old: int, new: int) -> None:
    """The service messages were missed."""


async def _is_at(desk: TelegramDesk, asked: Asked, chat: Chat) -> bool:
    return (await desk.kept(asked)).chat == chat.id


async def test_a_form_telegram_does_not_show_is_a_document(tmp_path: Path) -> None:
    """Known beforehand from its pixels."""
    async with open_post(tmp_path) as desk:
        _replace_file(desk, Image.new("RGB", (2100, 60), "navy"))
        asked = await desk.ask()
        await desk.delivered(asked)
        assert asked.status is not None
        assert asked.status.content.media is not None
        assert asked.status.content.media.kind == "document"
        assert (await desk.kept(asked)).as_file
        assert desk.telegram.refusals == []


async def test_a_photo_that_telegram_refuses_is_a_document(tmp_path: Path) -> None:
    """`PHOTO_INVALID_DIMENSIONS`, whatever the reason for it."""
    async with open_post(tmp_path) as desk:
        desk.telegram.faults.answer(
            "editMessageMedia", 400, says="Bad Request: PHOTO_INVALID_DIMENSIONS"
        )
        asked = await desk.ask()
        await desk.delivered(asked)
        assert asked.status is not None
        assert asked.status.content.media is not None
        assert asked.status.content.media.kind == "document"


async def test_more_than_ten_megabytes_become_a_photo_that_fits(tmp_path: Path) -> None:
    """Telegram makes a JPEG of it anyway; the original stays as it is."""
    noise = random.Random(7).randbytes(1900 * 1900 * 3)
    async with open_post(tmp_path) as desk:
        _replace_file(desk, Image.frombytes("RGB", (1900, 1900), noise))
        asked = await desk.ask()
        await desk.delivered(asked)
        shown = _only(desk, asked)
        assert shown.content.media is not None
        assert shown.content.media.kind == "photo"
        assert len(shown.content.media.upload) <= 10_000_000
        (row,) = await desk.desk.pictures.of_job(asked.job.id)
        assert row.bytes > 10_000_000


@pytest.mark.parametrize(
    "says",
    [
        "Bad Request: not enough rights to send photos to the chat",
        "Bad Request: some new rule of Telegram's",
    ],
)
async def test_where_pictures_are_not_taken_a_button_fetches_them(
    tmp_path: Path, says: str
) -> None:
    """A defined end: it is said where the picture would be, and nothing is tried for ever."""
    async with open_post(tmp_path) as desk:
        desk.telegram.faults.answer("editMessageMedia", 400, says=says, times=5)
        asked = await desk.ask()
        await desk.delivered(asked)
        assert asked.status is not None
        assert asked.job.public in asked.status.content.text
        assert "show" in _verbs(asked.status)


async def test_the_same_content_again_is_no_error(tmp_path: Path) -> None:
    """ "message is not modified" means that it stands there."""
    async with open_post(tmp_path) as desk:
        desk.telegram.faults.answer(
            "editMessageMedia", 400, says="Bad Request: message is not modified: specified new"
        )
        asked = await desk.ask()
        await desk.delivered(asked)
        assert desk.door.tries == 1
        assert len(desk.telegram.replies(asked.message)) == 1


async def test_without_a_network_nothing_is_lost(tmp_path: Path) -> None:
    """What is finished meanwhile arrives as soon as Telegram is there again."""
    async with open_post(tmp_path) as desk:
        desk.desk.deliverer._first_backoff_s = 300.0
        desk.desk.painter.hold()
        first, second = await desk.ask(), await desk.ask()
        await desk.telegram.go_away()
        desk.desk.painter.release()
        for asked in (first, second):
            await desk.desk.outcome(asked.job)
        await desk.desk.until(lambda: desk.bot.state == "connecting")
        await desk.desk.until(lambda: desk.door.tries >= 2)
        await desk.telegram.come_back()
        for asked in (first, second):
            await desk.delivered(asked)
            assert len(desk.telegram.ever_pictured(asked.message)) == 1
        await desk.connected()


async def test_a_flooded_group_keeps_nobody_from_their_picture(tmp_path: Path) -> None:
    """While the group must be quiet, others are served; then it gets all of its own."""
    async with open_post(tmp_path) as desk:
        group = desk.telegram.group("Busy", desk.ann)
        desk.desk.painter.hold()
        in_group = [await desk.ask(chat=group) for _ in range(5)]
        bob = desk.telegram.person("Bob")
        alone = await desk.ask(person=bob)
        desk.telegram.limits.flood(group.id, 7.0)
        desk.desk.painter.release()
        await desk.delivered(alone)
        assert [j for j in in_group if desk.telegram.pictures(j.message)] == []
        for asked in in_group:
            await desk.delivered(asked)
            assert len(desk.telegram.ever_pictured(asked.message)) == 1
        assert desk.telegram.limits.disobeyed == []


async def test_a_status_message_that_comes_too_late_goes_again(tmp_path: Path) -> None:
    """Posted when the result stood already: nobody is told "1st in line" under a picture."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask(answered=False)
        desk.clock.later(30)
        desk.desk.deliverer.wake(back="telegram")
        await desk.delivered(asked)
        await desk.answer(asked)
        assert asked.status is not None
        assert asked.status.deleted
        assert len(desk.telegram.replies(asked.message)) == 1


async def test_the_result_waits_for_its_status_message(tmp_path: Path) -> None:
    """Painted faster than answered: it still becomes that message, not a second one."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask(answered=False)
        await desk.desk.outcome(asked.job)
        await asyncio.sleep(0.5)
        assert desk.telegram.replies(asked.message) == []
        await desk.answer(asked)
        await desk.delivered(asked)
        assert _only(desk, asked) is asked.status


async def test_pictures_that_are_gone_are_said_to_be(tmp_path: Path) -> None:
    """Deleted before they could be delivered."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ask(answered=False)
        await desk.desk.outcome(asked.job)
        for row in await desk.desk.pictures.of_job(asked.job.id):
            await desk.desk.pictures.delete(row.id)
        await desk.answer(asked)
        await desk.delivered(asked)
        assert asked.status is not None
        assert asked.status.content.media is None
        assert "deleted" in asked.status.content.text
