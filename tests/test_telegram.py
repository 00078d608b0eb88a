"""Telegram as people have it: real process, real model, and a server that forgives nothing."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from tests.loopback_telegram import Message, Person, Telegram, open_telegram
from tests.loopback_telegram.atelier import Running, open_atelier
from tests.loopback_telegram.limits import OVERALL

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

QUICK = "--steps 4"
LONG = "--steps 30 --count 4"
FORGIVEN = (
    "upgraded to a supergroup",
    "message is not modified",  # after a kill it does not know what it said last
)
names = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One Atelier for all of these tests, on a Telegram that enforces its limits throughout."""
    settings = {"ATELIER_BUDGET": "1000", "ATELIER_WAITING_PER_PERSON": "20"}
    data = tmp_path_factory.mktemp("telegram") / "data"
    async with (
        open_telegram() as telegram,
        open_atelier(telegram, data, settings=settings) as opened,
    ):
        telegram.limits.enforced = True
        await opened.warm()
        yield opened
        assert telegram.limits.busiest(OVERALL) <= OVERALL.most
        assert telegram.limits.disobeyed == []
        assert all(query.answer for query in telegram.server.queries.known.values())
        assert [r for r in telegram.refusals if not any(each in r for each in FORGIVEN)] == []
        assert await asyncio.to_thread(opened.server.stop) == 0


@pytest.fixture
def telegram(running: Running) -> Telegram:
    return running.telegram


def seen(message: Message) -> Image.Image:
    assert message.content.media is not None
    return message.content.media.seen


def png(colour: str = "navy") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(data, "PNG")
    return data.getvalue()


async def test_the_status_message_becomes_the_picture(telegram: Telegram) -> None:
    """Seen at once, told in one's own language, and then that one message is the picture."""
    ada = telegram.person(f"Ada{next(names)}", language="de")
    asked = await ada.says(None, "/imagine a fox in the forest --seed 7 --steps 30")
    status = await telegram.answer(asked)
    assert "a:cancel:" in str(status.versions[0].keyboard)
    shown = await telegram.picture(asked)
    assert shown is status
    assert seen(shown).size == (256, 256)
    assert "a fox in the forest" in shown.content.text
    assert "7" in shown.content.text
    assert "none" not in shown.content.text, "a style that nobody chose is not named"
    assert len(telegram.replies(asked)) == 1
    assert asked.reactions[telegram.world.bot.id]
    assert telegram.called("sendChatAction")


async def test_commands_are_offered_everywhere_in_two_languages(telegram: Telegram) -> None:
    """Private chats, groups and administrators see theirs; German ones for German phones."""
    commands = telegram.server.commands
    for scope in ("all_private_chats", "all_group_chats", "all_chat_administrators"):
        plain, german = commands.of(scope), commands.of(scope, "de")
        assert "imagine" in plain
        assert plain.keys() == german.keys()
        assert plain != german


async def test_several_lines_are_one_prompt(running: Running, telegram: Telegram) -> None:
    """In a private chat plain text is a prompt; line breaks do not cut it."""
    ada = telegram.person(f"Ada{next(names)}")
    before = len(running.jobs())
    asked = await ada.says(None, f"a lighthouse\nat sunset <b>&amp; *stars*_\n🌊 {QUICK}")
    shown = await telegram.picture(asked)
    assert "at sunset" in shown.content.text
    assert "*stars*_" in shown.content.text
    assert len(running.jobs()) == before + 1


async def test_imagine_alone_asks_for_the_prompt(telegram: Telegram) -> None:
    """The answer to that question is the prompt, also in a group."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    group = telegram.group("Quiet", ada, bob)
    asked = await ada.says(group, "/imagine@atelier_bot")
    question = await telegram.answer(asked)
    assert question.content.keyboard
    assert question.content.keyboard["force_reply"]
    answered = await ada.says(group, f"the sea at night {QUICK}", reply_to=question)
    await telegram.picture(answered)


async def test_a_photo_is_a_source(running: Running, telegram: Telegram) -> None:
    """With a caption, or replied to with a command: painted from it."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    asked = await ada.says(None, f"/imagine a boat {QUICK}", photo=png())
    await telegram.picture(asked)
    group = telegram.group("Sources", ada, bob)
    photo = await bob.says(group, "look", photo=png("green"))
    replied = await ada.says(group, f"/imagine a hill {QUICK}", reply_to=photo)
    await telegram.picture(replied)
    last = running.jobs()[-2:]
    assert all('"source"' in job.ask for job in last), last


async def test_four_pictures_are_one_grid_and_an_album_on_request(telegram: Telegram) -> None:
    """One photo with all four and the keyboard; singles and lossless files when asked for."""
    ada = telegram.person(f"Ada{next(names)}")
    asked = await ada.says(None, f"a castle at night --count 4 {QUICK}")
    grid = await telegram.picture(asked)
    width, height = seen(grid).size
    assert 512 <= width <= 600
    assert 512 <= height <= 600
    await (await ada.presses(grid, "a:album:")).answered()
    await telegram.until(lambda: len(_albums(telegram, ada.id)) == 4, "an album of four")
    album = _albums(telegram, ada.id)
    assert len({m.album for m in album}) == 1
    assert all(seen(m).size == (256, 256) for m in album)
    await (await ada.presses(grid, "a:original:")).answered()
    await telegram.until(lambda: len(_documents(telegram, ada.id)) == 4, "four files")
    for message in _documents(telegram, ada.id):
        assert message.content.media
        with Image.open(io.BytesIO(message.content.media.upload)) as image:
            assert image.format == "PNG"
            assert "a castle at night" in str(image.info["parameters"])


def _albums(telegram: Telegram, chat: int) -> list[Message]:
    shown = telegram.pictures(chat=telegram.world.chats[chat])
    return [m for m in shown if m.album]


def _documents(telegram: Telegram, chat: int) -> list[Message]:
    sent = telegram.by_bot(telegram.world.chats[chat])
    return [m for m in sent if m.content.media and m.content.media.kind == "document"]


async def _until_pictures(telegram: Telegram, person: Person, count: int) -> None:
    def there() -> bool:
        return len(telegram.pictures(chat=person.private)) == count

    await telegram.until(there, f"{count} pictures", 90)


async def test_again_and_vary_paint_new_ones(running: Running, telegram: Telegram) -> None:
    """Each press is one more picture, and the first stays."""
    ada = telegram.person(f"Ada{next(names)}")
    first = await telegram.picture(await ada.says(None, f"a windmill {QUICK}"))
    before = len(running.jobs())
    for number, button in enumerate(("a:again:", "a:vary-strong:"), 2):
        await (await ada.presses(first, button)).answered()
        await _until_pictures(telegram, ada, number)
    assert len(running.jobs()) == before + 2
    assert len(first.versions) >= 2
    assert len({seen(m).tobytes() for m in telegram.pictures(chat=ada.private)}) == 3


async def test_enlarged_though_killed_in_the_middle(running: Running, telegram: Telegram) -> None:
    """×2 under a picture, ×4 under that one, kill -9 meanwhile: each larger picture comes once."""
    ada = telegram.person(f"Ada{next(names)}")
    shown = await telegram.picture(await ada.says(None, f"a harbour {QUICK}"))
    await (await ada.presses(shown, "a:up2:")).answered()
    large = await telegram.picture(shown)
    assert seen(large).size == (512, 512)
    assert "a harbour" in large.content.text
    assert "512×512" in large.content.text
    await (await ada.presses(large, "a:up4:")).answered()
    status = await telegram.answer(large)
    written = f'"message":{status.id}'
    await running.until_jobs(lambda jobs: written in (jobs[-1].message or "") and running.calm())
    await asyncio.to_thread(running.server.kill)
    assert running.jobs()[-1].state == "running", "it was killed too late"
    await running.start()
    huge = await telegram.picture(large, 180)
    assert max(seen(huge).size) > 1024
    await running.until_jobs(lambda jobs: jobs[-1].delivered)
    assert status.deleted == (huge is not status)
    assert len(telegram.ever_pictured(large)) == len(telegram.ever_pictured(shown)) == 1
    await (await ada.presses(huge, "a:original:")).answered()
    await telegram.until(lambda: _documents(telegram, ada.id), "the file")
    (file,) = _documents(telegram, ada.id)
    assert file.content.media
    with Image.open(io.BytesIO(file.content.media.upload)) as image:
        assert image.size == (2048, 2048)
        assert "a harbour" in image.info["parameters"]


async def test_a_photo_is_enlarged(telegram: Telegram) -> None:
    """A photo with the command as its caption; no words stand under the result."""
    ada = telegram.person(f"Ada{next(names)}")
    large = await telegram.picture(await ada.says(None, "/upscale", photo=png()))
    assert seen(large).size == (640, 480)
    assert large.content.text.startswith("A picture, enlarged ×2")


async def test_only_the_asker_cancels(running: Running, telegram: Telegram) -> None:
    """Somebody else is told so kindly; the asker's press ends it, and no picture comes."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    group = telegram.group("Two", ada, bob)
    asked = await ada.says(group, f"/imagine the desert {LONG}")
    status = await telegram.answer(asked)
    refused = await (await bob.presses(status, "a:cancel:")).answered()
    assert refused["text"]
    assert "a:cancel:" in str(status.markup)
    await (await ada.presses(status, "a:cancel:")).answered()
    await telegram.until(lambda: "a:cancel:" not in str(status.markup), "the end")
    assert telegram.pictures(asked) == []
    assert running.jobs()[-1].state == "cancelled"


async def test_what_is_impossible_is_refused_in_words(running: Running, telegram: Telegram) -> None:
    """A short reply to whoever asked, and no job."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    group = telegram.group("Refusals", ada, bob)
    before = len(running.jobs())
    asked = await ada.says(group, "/imagine a fox --steps 100000")
    refusal = await telegram.answer(asked)
    assert "100000" in refusal.content.text or "60" in refusal.content.text
    assert refusal.content.media is None
    assert len(running.jobs()) == before


async def test_topics_keep_their_pictures(telegram: Telegram) -> None:
    """Everything stays in the topic it was asked for in; an anonymous admin is served, too."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    forum = telegram.group("Forum", ada, bob, forum=True)
    topic = telegram.topic(forum, "Art", by=ada)
    in_topic = await bob.says(forum, f"/imagine hills {QUICK}", topic=topic)
    in_general = await ada.says(forum, f"/imagine snow {QUICK}", anonymous=True)
    assert (await telegram.picture(in_topic)).thread == topic
    assert (await telegram.picture(in_general)).thread is None


async def test_an_update_that_comes_twice_is_one_job(running: Running, telegram: Telegram) -> None:
    """The same message under the same number again paints nothing more."""
    ada = telegram.person(f"Ada{next(names)}")
    before = len(running.jobs())
    asked = await ada.says(None, f"a bridge {QUICK}")
    telegram.updates.repeat(telegram.updates.given[-1])
    await telegram.picture(asked)
    telegram.updates.repeat(telegram.updates.given[-1])
    other = await ada.says(None, "/help")
    await telegram.until(lambda: telegram.by_bot(ada.private)[-1].at >= other.at, "help")
    await telegram.until(lambda: not telegram.updates.pending, "quiet")
    assert len(running.jobs()) == before + 1
    assert len(telegram.ever_pictured(asked)) == 1


async def test_finished_pictures_are_found_inline(running: Running, telegram: Telegram) -> None:
    """`@bot words` finds one's own pictures, and nobody else's."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    await telegram.picture(await ada.says(None, f"a purple windmill in a meadow {QUICK}"))
    await running.until_jobs(lambda jobs: jobs[-1].delivered)
    found = await (await ada.asks_inline("purple windmill")).answered()
    assert [result["type"] for result in found["results"]] == ["photo"]
    assert found["is_personal"]
    assert (await (await bob.asks_inline("purple windmill")).answered())["results"] == []


async def test_long_prompts_are_cut_where_telegram_counts(telegram: Telegram) -> None:
    """Emoji count two; the caption still fits, or the server would have refused it."""
    ada = telegram.person(f"Ada{next(names)}")
    asked = await ada.says(None, f"a fox {'🦊' * 400} {'<&>' * 100} {QUICK}")
    shown = await telegram.picture(asked)
    assert shown.content.text


async def test_a_flooded_group_slows_nobody_else(telegram: Telegram) -> None:
    """While Telegram wants quiet in one group, others are answered, and the group later."""
    painters = [telegram.person(f"Painter{n}") for n in range(6)]
    group = telegram.group("Flood", *painters)
    ada = telegram.person(f"Ada{next(names)}")
    refused = len(telegram.limits.refused)
    telegram.limits.flood(group.id, 8)
    asked = [await each.says(group, f"/imagine hills {QUICK}") for each in painters]
    await telegram.until(lambda: len(telegram.limits.refused) > refused, "a refusal")
    mine = await ada.says(None, f"/imagine the sea {QUICK}")
    answered = await telegram.answer(mine)
    assert telegram.by_bot(group) == [], "the group was still flooded"
    for each in asked:
        await telegram.picture(each)
        assert len(telegram.ever_pictured(each)) == 1
    assert answered.content.media
    assert telegram.limits.disobeyed == []
    assert len(telegram.limits.refused) <= refused + 3


@pytest.mark.parametrize("committed", [False, True], ids=["undone", "done"])
@pytest.mark.parametrize("code", [502, None], ids=["502", "dropped"])
async def test_a_failed_call_neither_loses_nor_doubles(
    telegram: Telegram, code: int | None, committed: bool
) -> None:
    """The picture comes once, whether the call that brings it was carried out or not."""
    ada = telegram.person(f"Ada{next(names)}")
    await ada.starts()
    faults = telegram.faults
    for method in ("editMessageMedia", "sendMessage"):
        if code is None:
            faults.drop(method, committed=committed, chat=ada.id)
        else:
            faults.answer(method, code, committed=committed, chat=ada.id)
        asked = await ada.says(None, f"a castle {QUICK}")
        shown = await telegram.picture(asked)
        assert seen(shown).size == (256, 256)
        assert len(telegram.ever_pictured(asked)) == 1
    faults.clear()


async def test_who_blocks_the_bot_finds_the_picture_later(
    running: Running, telegram: Telegram
) -> None:
    """The job ends; nothing is posted; the picture stays in the history."""
    ada = telegram.person(f"Ada{next(names)}")
    asked = await ada.says(None, "/imagine a harbour --steps 30 --count 4")
    await telegram.answer(asked)
    await ada.blocks()
    await running.until_jobs(lambda jobs: jobs[-1].delivered)
    assert running.jobs()[-1].state == "done"
    assert telegram.pictures(asked) == []
    public = running.jobs()[-1].public
    back = await ada.says(None, f"/show {public}")
    await telegram.until(lambda: len(telegram.pictures(chat=ada.private)) == 1, "the picture")
    assert back.at <= telegram.pictures(chat=ada.private)[0].at


async def test_a_group_that_moves_takes_its_jobs_along(telegram: Telegram) -> None:
    """The supergroup gets the picture under its new id, once."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    group = telegram.group("Moving", ada, bob, kind="group")
    asked = await ada.says(group, f"/imagine a canyon {LONG}")
    await telegram.answer(asked)
    new = telegram.migrate(group)
    await telegram.until(lambda: telegram.pictures(chat=new), "the picture", 90)
    assert len(telegram.pictures(chat=new)) == 1
    assert telegram.pictures(asked) == []
    again = await bob.says(new, f"/imagine a meadow {QUICK}")
    await telegram.picture(again)


async def test_a_bot_that_was_thrown_out_goes_on_elsewhere(
    running: Running, telegram: Telegram
) -> None:
    """The job of that group ends undelivered, and everybody else is served."""
    ada, bob = telegram.person(f"Ada{next(names)}"), telegram.person("Bob")
    group = telegram.group("Kicking", ada, bob)
    asked = await bob.says(group, "/imagine a canyon --steps 30 --count 4")
    await telegram.answer(asked)
    telegram.kick(group, ada)
    other = await ada.says(None, f"a river {QUICK}")
    await telegram.picture(other)
    await running.until_jobs(lambda jobs: all(job.delivered for job in jobs[-2:]))
    assert telegram.pictures(asked) == []


async def test_the_network_goes_and_comes_back(running: Running, telegram: Telegram) -> None:
    """While nothing can be reached it paints on; afterwards everything arrives by itself."""
    ada = telegram.person(f"Ada{next(names)}")
    asked = await ada.says(None, "a lighthouse --steps 30")
    await telegram.answer(asked)
    await telegram.go_away()
    await running.until_jobs(lambda jobs: jobs[-1].state == "done")
    assert await running.page() == 200
    await asyncio.sleep(3)
    await telegram.come_back()
    await telegram.picture(asked, 120)
    assert len(telegram.ever_pictured(asked)) == 1
    await telegram.picture(await ada.says(None, f"the sea {QUICK}"), 120)
