"""The courier of Discord: everything arrives once, where it belongs, whatever goes wrong."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.painter import OnStep, Picture
from engine.request import Paint
from tests.bot.discord_desk import Asked, DiscordDesk, names, open_discord
from tests.fakes import SquarePainter
from tests.loopback_discord import Fault, Hold
from tests.loopback_discord import errors as say
from tests.loopback_discord.world import HISTORY, SEND, VIEW

pytestmark = pytest.mark.slow

LATE_S = 300.0
"""Longer than anybody waits for an edit."""
FORGOTTEN_S = 600.0
"""Longer than Discord remembers a nonce."""


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[DiscordDesk]:
    """A desk with Discord."""
    async with open_discord(tmp_path) as made:
        yield made


async def test_the_picture_comes_into_the_answer(there: DiscordDesk) -> None:
    """One message from the first answer to the picture, and nobody is mentioned."""
    asked = await there.ask("a fox")
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]
    assert there.posts() == []
    assert not asked.message.pings


async def test_four_pictures_come_in_one_message(there: DiscordDesk) -> None:
    """In their order."""
    asked = await there.ask("a fox", count=4)
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-{n}.png" for n in (1, 2, 3, 4)]


async def test_the_courier_waits_for_the_first_answer(there: DiscordDesk) -> None:
    """A picture that is ready sooner than its first answer does not become a second message."""
    asked = await there.ask(answered=False)
    await there.painted(asked)
    await there.desk.until(lambda: there.door.tries)
    await there.answer(asked)
    await there.delivered(asked)
    assert names(asked.message) == [f"{asked.job.public}-1.png"]
    assert there.posts() == []


async def test_an_answer_that_never_came_is_replaced(there: DiscordDesk) -> None:
    """The result is a message of its own, once it is known that there is no other."""
    asked = await there.ask(answered=False)
    await there.bot.status.follow(asked.job, asked.where)
    await there.delivered(asked)
    (post,) = there.posts()
    assert names(post) == [f"{asked.job.public}-1.png"]


async def ask_late(there: DiscordDesk, **ask: Any) -> Asked:
    """A job whose asker waited for minutes; it is painted, and on its way."""
    there.desk.painter.hold()
    asked = await there.ask(**ask)
    there.server.clock.forward(LATE_S)
    there.desk.painter.release()
    await there.painted(asked)
    return asked


def file_of(asked: Asked, form: str = "png") -> list[str]:
    """What its one picture is called."""
    return [f"{asked.job.public}-1.{form}"]


async def test_who_waited_long_is_called(there: DiscordDesk) -> None:
    """A new message replies to the old one and mentions the asker; the old one links to it."""
    asked = await ask_late(there)
    await there.delivered(asked)
    (post,) = there.posts()
    assert names(post) == file_of(asked)
    assert post.pings == {there.ann.id}
    assert post.reply_to == asked.message.id
    assert str(post.id) in asked.message.text
    assert asked.message.buttons() == []
    assert post.nonce == f"{asked.job.public}:r"


async def test_a_reset_after_the_post_does_not_double_it(there: DiscordDesk) -> None:
    """The connection breaks when Discord has posted: it is found, not posted again."""
    fault = there.server.fault(Fault(route="create_message", reset=True, committed=True))
    asked = await ask_late(there)
    await there.delivered(asked)
    assert fault.hits == 1
    (post,) = there.posts()
    assert names(post) == file_of(asked)
    assert str(post.id) in asked.message.text


async def test_a_death_between_posted_and_marked_does_not_double_it(there: DiscordDesk) -> None:
    """Killed when the post stands and nobody wrote it down; Discord has forgotten the nonce."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold, committed=True))
    asked = await ask_late(there)
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    await there.die()
    hold.release()
    await there.delivered(asked)
    (post,) = there.posts()
    assert str(post.id) in asked.message.text


async def test_what_was_marked_but_never_posted_is_posted(there: DiscordDesk) -> None:
    """Killed before Discord had it: looking finds nothing, so that it is posted then."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold))
    asked = await ask_late(there)
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    await there.die()
    await there.delivered(asked)
    (post,) = there.posts()
    assert names(post) == file_of(asked)
    hold.release()


async def test_where_history_cannot_be_read_a_link_is_left(there: DiscordDesk) -> None:
    """Whether it was posted cannot be known, so that it is not posted twice."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold, committed=True))
    await there.server.deny(there.channel, HISTORY)
    asked = await ask_late(there)
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    await there.die()
    hold.release()
    await there.delivered(asked)
    assert len(there.posts()) == 1
    assert asked.job.public in asked.message.text


async def test_without_history_it_is_posted_without_a_reply(there: DiscordDesk) -> None:
    """The permission is missing that a reply needs: the picture comes all the same."""
    await there.server.deny(there.channel, HISTORY)
    asked = await ask_late(there)
    await there.delivered(asked)
    (post,) = there.posts()
    assert (names(post), post.reply_to) == (file_of(asked), None)


async def test_a_deleted_answer_is_replaced_by_a_new_message(there: DiscordDesk) -> None:
    """Somebody deleted the message while the job was being painted."""
    there.desk.painter.hold()
    asked = await there.ask()
    asked.message.deleted = True
    there.desk.painter.release()
    await there.delivered(asked)
    (post,) = there.posts()
    assert names(post) == file_of(asked)


async def test_a_deleted_channel_ends_in_a_direct_message(there: DiscordDesk) -> None:
    """The asker can still be reached."""
    there.desk.painter.hold()
    asked = await there.ask()
    await there.server.delete_channel(there.channel)
    there.desk.painter.release()
    await there.delivered(asked)
    (mail,) = there.ann.inbox()
    assert names(mail) == file_of(asked)
    assert not mail.pings


@pytest.mark.parametrize("bits", [VIEW, SEND])
async def test_a_lost_permission_ends_in_a_direct_message(there: DiscordDesk, bits: int) -> None:
    """Who waited long in a channel that is closed to the bot now gets it by mail."""
    there.desk.painter.hold()
    asked = await there.ask()
    await there.server.deny(there.channel, bits)
    there.server.clock.forward(LATE_S)
    there.desk.painter.release()
    await there.delivered(asked)
    (mail,) = there.ann.inbox()
    assert names(mail) == file_of(asked)
    assert there.posts() == []


@pytest.mark.parametrize("gone", [True, False])
async def test_a_channel_lost_after_the_post_is_no_second_picture(
    there: DiscordDesk, gone: bool
) -> None:
    """Posted or not, nobody wrote it down. If the channel is deleted, so is the post, and the
    picture comes by mail; if it is only closed to the bot, the mail has a link."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold, committed=True))
    asked = await ask_late(there)
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    if gone:
        await there.server.delete_channel(there.channel)
    else:
        await there.server.deny(there.channel, VIEW)
    await there.die()
    hold.release()
    await there.delivered(asked)
    (mail,) = there.ann.inbox()
    assert names(mail) == (file_of(asked) if gone else [])
    assert asked.job.public in str(mail.custom_ids())


async def test_a_link_that_was_lost_on_its_way_stays_a_link(there: DiscordDesk) -> None:
    """The second try of a mail sends what the first one meant to."""
    hold = Hold()
    there.server.fault(Fault(route="edit_original", hold=hold, committed=True))
    asked = await there.ask(private=True)
    await hold.reached.wait()
    there.server.fault(Fault(route="create_message", reset=True))
    there.server.clock.forward(1000)
    await there.die()
    hold.release()
    await there.delivered(asked)
    (mail,) = there.ann.dm_messages()
    assert names(mail) == []


async def test_a_proxys_own_word_decides_nothing(there: DiscordDesk) -> None:
    """A 403 or 404 without a code of Discord's is trouble on the way: tried again."""
    for status in (403, 404):
        error = say.ApiError(status, 0, "nginx")
        there.server.fault(Fault(route="edit_message", error=error))
    asked = await there.ask()
    await there.delivered(asked)
    assert names(asked.message) == file_of(asked)
    assert there.posts() == []
    assert there.ann.dm_messages() == []


async def test_nobody_home_ends_in_the_history(there: DiscordDesk) -> None:
    """Channel gone, direct messages closed: given up, and the picture is still there."""
    there.desk.painter.hold()
    asked = await there.ask()
    there.ann.user.open_dm = False
    await there.server.delete_channel(there.channel)
    there.desk.painter.release()
    job = await there.delivered(asked)
    assert there.ann.dm_messages() == []
    assert await there.desk.pictures.of_job(job.id)


async def test_private_comes_into_the_answer_that_one_person_sees(there: DiscordDesk) -> None:
    """By the interaction's token; the channel gets nothing."""
    asked = await there.ask(private=True)
    await there.delivered(asked)
    assert asked.message.ephemeral
    assert names(asked.message) == file_of(asked)
    assert there.posts() == []
    assert there.ann.dm_messages() == []


async def test_private_is_never_put_where_all_see_it(there: DiscordDesk) -> None:
    """Even if its first answer were in the channel: by mail, and nothing of it there."""
    asked = await there.ask(private=True, hidden=False)
    await there.delivered(asked)
    (mail,) = there.ann.inbox()
    assert names(mail) == file_of(asked)
    assert there.posts() == []
    assert names(asked.message) == []


async def test_private_and_late_comes_by_mail(there: DiscordDesk) -> None:
    """After the token's fifteen minutes; never in the channel."""
    there.desk.painter.hold()
    asked = await there.ask(private=True)
    there.server.clock.forward(1000)
    there.desk.painter.release()
    await there.delivered(asked)
    (mail,) = there.ann.inbox()
    assert names(mail) == file_of(asked)
    assert there.posts() == []
    assert names(asked.message) == []


async def test_private_and_nobody_home_waits_in_the_history(there: DiscordDesk) -> None:
    """Late, and direct messages closed: it is posted nowhere."""
    there.ann.user.open_dm = False
    there.desk.painter.hold()
    asked = await there.ask(private=True)
    there.server.clock.forward(1000)
    there.desk.painter.release()
    await there.delivered(asked)
    assert there.ann.dm_messages() == []
    assert there.posts() == []


async def test_private_mail_is_not_doubled_by_a_death(there: DiscordDesk) -> None:
    """Killed when the direct message stands and nobody wrote it down."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold, committed=True))
    there.desk.painter.hold()
    asked = await there.ask(private=True)
    there.server.clock.forward(1000)
    there.desk.painter.release()
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    await there.die()
    hold.release()
    await there.delivered(asked)
    assert len(there.ann.dm_messages()) == 1


async def test_private_mail_that_never_arrived_is_sent_again(there: DiscordDesk) -> None:
    """Killed before Discord had it; the conversation is empty, which is no sign of blindness."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold))
    there.desk.painter.hold()
    asked = await there.ask(private=True)
    there.server.clock.forward(1000)
    there.desk.painter.release()
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    await there.die()
    await there.delivered(asked)
    (mail,) = there.ann.dm_messages()
    assert names(mail) == file_of(asked)
    hold.release()


async def test_a_private_edit_without_an_answer_is_followed_by_a_link(there: DiscordDesk) -> None:
    """Shown perhaps, then the token ran out: the picture is not sent a second time."""
    hold = Hold()
    there.server.fault(Fault(route="edit_original", hold=hold, committed=True))
    asked = await there.ask(private=True)
    await hold.reached.wait()
    there.server.clock.forward(1000)
    await there.die()
    hold.release()
    await there.delivered(asked)
    (mail,) = there.ann.dm_messages()
    assert names(mail) == []
    assert asked.job.public in mail.text


async def test_a_revoked_token_is_followed_by_mail(there: DiscordDesk) -> None:
    """Discord says that the token is over sooner than we thought."""
    there.desk.painter.hold()
    asked = await there.ask(private=True)
    fault = Fault(route="edit_original", error=say.expired_token(), times=9)
    there.server.fault(fault)
    there.desk.painter.release()
    await there.delivered(asked)
    (mail,) = there.ann.inbox()
    assert names(mail) == file_of(asked)


async def test_a_private_failure_apologises_privately(there: DiscordDesk) -> None:
    """The apology is as private as the job."""

    def fail(paint: object) -> None:
        raise RuntimeError("out of paint")

    there.desk.painter.fail = fail
    asked = await there.ask(private=True)
    await there.delivered(asked)
    assert asked.job.public in asked.message.text
    assert there.posts() == []


async def test_asked_by_mail_it_is_answered_by_mail(there: DiscordDesk) -> None:
    """In the conversation with the bot, a late result is a new message there, without a call."""
    asked = await ask_late(there, channel=there.ann.dm, private=True)
    await there.delivered(asked)
    *_, mail = there.ann.dm_messages()
    assert names(mail) == file_of(asked)
    assert not mail.pings
    assert len(there.ann.dm_messages()) == 2


async def test_in_a_foreign_server_the_token_brings_it(there: DiscordDesk) -> None:
    """The bot is not there; the answer is edited while the token lives."""
    foreign = there.server.add_guild("elsewhere", invited=False)
    channel = there.server.add_channel(foreign)
    ben = there.server.add_person("ben", channel, installed=True)
    asked = await there.ask(person=ben, channel=channel)
    await there.delivered(asked)
    assert names(asked.message) == file_of(asked)
    there.desk.painter.hold()
    late = await there.ask(person=ben, channel=channel)
    there.server.clock.forward(1000)
    there.desk.painter.release()
    await there.delivered(late)
    (mail,) = ben.inbox()
    assert names(mail) == file_of(late)


async def test_a_failure_is_told_once(there: DiscordDesk) -> None:
    """In the answer, under the job's number."""

    def fail(paint: object) -> None:
        raise RuntimeError("out of paint")

    there.desk.painter.fail = fail
    asked = await there.ask()
    await there.delivered(asked)
    assert asked.job.public in asked.message.text
    assert there.posts() == []


async def test_a_late_failure_is_a_new_message(there: DiscordDesk) -> None:
    """With a nonce of its own."""
    gate = threading.Event()

    def fail(paint: object) -> None:
        assert gate.wait(20)
        raise RuntimeError("out of paint")

    there.desk.painter.fail = fail
    asked = await there.ask()
    there.server.clock.forward(LATE_S)
    gate.set()
    await there.delivered(asked)
    (post,) = there.posts()
    assert post.nonce == f"{asked.job.public}:f"
    assert asked.job.public in post.text


async def test_a_cancelled_job_says_so_and_calls_nobody(there: DiscordDesk) -> None:
    """However long they waited: they did it themselves."""
    there.desk.painter.hold()
    asked = await there.ask()
    await there.desk.until(lambda: there.desk.painter.painted)
    there.server.clock.forward(LATE_S)
    await there.desk.worker.cancel(await there.desk.jobs.by_id(asked.job.id), wait_s=0.0)
    there.desk.painter.release()
    await there.delivered(asked)
    assert there.posts() == []
    assert asked.message.custom_ids() == [f"a:again:{asked.job.public}"]


async def test_a_cancelled_job_whose_message_is_gone_is_over(there: DiscordDesk) -> None:
    """Nothing is posted to say that nothing will come."""
    there.desk.painter.hold()
    first, asked = await there.ask(), await there.ask()
    asked.message.deleted = True
    await there.desk.worker.cancel(await there.desk.jobs.by_id(asked.job.id))
    await there.delivered(asked)
    assert there.posts() == []
    there.desk.painter.release()
    await there.delivered(first)


@pytest.mark.parametrize("status", [500, 503])
async def test_trouble_at_discord_is_waited_out(there: DiscordDesk, status: int) -> None:
    """Also where the library gives up; in the end there is one picture."""
    error = say.ApiError(status, 0, "trouble")
    fault = there.server.fault(Fault(route="edit_message", error=error, times=1))
    asked = await there.ask()
    await there.delivered(asked)
    assert fault.hits == 1
    assert names(asked.message) == file_of(asked)
    assert there.posts() == []


async def test_a_5xx_after_the_post_does_not_double_it(there: DiscordDesk) -> None:
    """The library tries again by itself: the nonce finds the message."""
    error = say.ApiError(502, 0, "bad gateway")
    there.server.fault(Fault(route="create_message", error=error, committed=True))
    asked = await ask_late(there)
    await there.delivered(asked)
    assert len(there.posts()) == 1


async def test_a_long_rate_limit_is_not_waited_for(there: DiscordDesk) -> None:
    """It is asked again later; meanwhile others get their pictures, and it comes once."""
    error = say.ApiError(429, 0, "slow down", extra={"retry_after": 60.0, "global": False})
    error.headers |= {"Via": "1.1 google", "Retry-After": "60"}
    slow = there.server.add_channel(there.guild, "slow")
    fault = Fault(
        route="edit_message", error=error, when=lambda body: "turtle" in str(body), times=99
    )
    there.server.fault(fault)
    turtle = await there.ask("a turtle", channel=slow)
    await there.desk.until(lambda: fault.hits)
    fox = await there.ask("a fox")
    await there.delivered(fox)
    assert (await there.desk.jobs.by_id(turtle.job.id)).delivered_at is None


async def test_what_discord_will_never_take_is_left_as_a_link(there: DiscordDesk) -> None:
    """A refusal of the form itself is not repeated for ever."""
    error = say.ApiError(400, 50035, "Invalid Form Body")
    fault = Fault(
        route="edit_message", error=error, when=lambda body: bool(body.get("attachments"))
    )
    there.server.fault(fault)
    asked = await there.ask()
    await there.delivered(asked)
    assert names(asked.message) == []
    assert asked.job.public in asked.message.text
    there.server.refusals.clear()


async def test_an_archived_thread_gets_a_new_message(there: DiscordDesk) -> None:
    """Edits are refused there, a post opens it again."""
    thread = there.server.add_thread(there.channel)
    error = say.ApiError(400, 50083, "Thread is archived")
    there.server.fault(Fault(route="edit_message", error=error, times=1))
    asked = await there.ask(channel=thread)
    await there.delivered(asked)
    (post,) = there.posts(thread)
    assert names(post) == file_of(asked)
    there.server.refusals.clear()


async def test_pictures_deleted_meanwhile_are_not_posted(there: DiscordDesk) -> None:
    """Gone before they were delivered: the answer says that, and shows none."""
    hold = Hold()
    there.server.fault(Fault(route="edit_message", hold=hold))
    asked = await there.ask()
    await hold.reached.wait()
    (row,) = await there.desk.pictures.of_job(asked.job.id)
    await there.desk.pictures.delete(row.id)
    await there.die()
    await there.delivered(asked)
    assert names(asked.message) == []
    hold.release()


class NoisePainter(SquarePainter):
    """Paints noise, which no form of file makes small."""

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """One after the other."""
        for picture in super().paint(paint, source, on_step):
            noise = random.Random(paint.seed).randbytes(512 * 512 * 3)
            yield replace(picture, image=Image.frombytes("RGB", (512, 512), noise))


async def test_a_picture_is_made_to_fit_the_server(tmp_path: Path) -> None:
    """Larger than files may be there: it comes in another form, and says so."""
    async with open_discord(tmp_path, painter=NoisePainter()) as there:
        there.guild.limit = 200_000
        asked = await there.ask()
        await there.delivered(asked)
        (file,) = asked.message.shown()
    assert file.name == f"{asked.job.public}-1.webp"
    assert 100_000 < len(file.data) <= 200_000
    assert "the picture itself has" in asked.message.text


@pytest.mark.parametrize("code", [(413, 40005), (400, 50045), (413, 0)])
async def test_too_large_by_discords_own_word(tmp_path: Path, code: tuple[int, int]) -> None:
    """What we know of the limit is wrong: it is made smaller until it is taken."""
    async with open_discord(tmp_path, painter=NoisePainter()) as there:
        there.server.fault(Fault(route="edit_message", error=say.ApiError(*code, "Too large")))
        asked = await there.ask()
        await there.delivered(asked)
        assert names(asked.message) == file_of(asked, "webp")
        there.server.refusals.clear()


async def test_four_large_pictures_fit_into_one_request(tmp_path: Path) -> None:
    """Each may be as large as it likes, not all of them together."""
    async with open_discord(tmp_path, painter=NoisePainter(), request_limit=1_500_000) as there:
        asked = await there.ask(count=4)
        await there.delivered(asked)
        shown = asked.message.shown()
    assert [file.name.partition(".")[0] for file in shown] == [
        f"{asked.job.public}-{n}" for n in (1, 2, 3, 4)
    ]
    assert sum(len(file.data) for file in shown) <= 1_500_000


async def test_a_moved_notice_that_fails_is_no_reason_to_post_again(there: DiscordDesk) -> None:
    """The new message stands; that the old one cannot be tidied up is not worth a try."""
    error = say.ApiError(403, 50013, "Missing Permissions")
    there.server.fault(Fault(route="edit_message", error=error, times=9))
    asked = await ask_late(there)
    await there.delivered(asked)
    assert len(there.posts()) == 1


async def test_a_death_after_the_mark_does_not_post_again(there: DiscordDesk) -> None:
    """Killed while the old message was tidied up: the new one is known."""
    hold = Hold()
    there.server.fault(Fault(route="edit_message", hold=hold))
    asked = await ask_late(there)
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    await there.die()
    await there.delivered(asked)
    hold.release()
    (post,) = there.posts()
    assert str(post.id) in asked.message.text


async def test_a_busy_channel_is_searched_beyond_the_first_page(there: DiscordDesk) -> None:
    """Hundreds wrote since the post that nobody wrote down."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold, committed=True))
    there.server.say(there.ann, "before")
    asked = await ask_late(there)
    for number in range(150):
        there.server.say(there.ann, f"chat {number}")
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    for number in range(250):
        there.server.say(there.ann, f"later {number}")
    await there.die()
    hold.release()
    await there.delivered(asked)
    assert len(there.posts()) == 1


async def test_too_busy_to_know_leaves_a_link(there: DiscordDesk) -> None:
    """Thousands wrote since then: a link, rather than the same picture twice."""
    hold = Hold()
    there.server.fault(Fault(route="create_message", hold=hold))
    asked = await ask_late(there)
    await hold.reached.wait()
    there.server.clock.forward(FORGOTTEN_S)
    for number in range(600):
        there.server.say(there.ann, f"chat {number}")
    await there.die()
    await there.delivered(asked)
    hold.release()
    assert there.posts() == []
    assert asked.job.public in asked.message.text


async def test_nothing_of_a_prompt_works_in_the_message(there: DiscordDesk) -> None:
    """No mention, no markdown, no code: in the answer and in the new message."""
    evil = "@everyone <@1> **bold** `code` [x](https://evil.example) ||hidden||"
    asked = await ask_late(there, prompt=evil)
    await there.delivered(asked)
    (post,) = there.posts()
    assert post.pings == {there.ann.id}
    assert not post.pings_everyone
    assert "**bold**" not in post.text
    assert "](https://evil" not in post.text


async def test_a_channel_that_hangs_leaves_room_for_others(there: DiscordDesk) -> None:
    """Five deliveries wait in one channel; the picture in another arrives all the same."""
    hold, slow = Hold(), there.server.add_channel(there.guild, "slow")
    there.server.fault(
        Fault(route="edit_message", hold=hold, when=lambda body: "turtle" in str(body), times=99)
    )
    turtles = [await there.ask("a turtle", channel=slow) for _ in range(5)]
    for turtle in turtles:
        await there.painted(turtle)
    await there.desk.until(lambda: there.door.tries >= 5)
    ben = there.server.add_person("ben", there.channel)
    fox = await there.ask("a fox", person=ben)
    await there.delivered(fox)
    assert names(fox.message) == file_of(fox)
    hold.release()
    for turtle in turtles:
        await there.delivered(turtle)
        assert names(turtle.message) == file_of(turtle)
