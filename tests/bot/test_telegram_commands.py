"""What people say to the bot on Telegram, and what comes of it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from bot.on_telegram.door import Door
from bot.on_telegram.menus import menus
from engine.request import Ask
from storage.jobs import JobState
from tests.bot.telegram_parts import labels, open_counter, png, verbs


async def test_plain_words_in_a_private_chat_are_a_prompt(tmp_path: Path) -> None:
    """A reaction, one status message that becomes the picture, several lines as one prompt."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox\nin the snow --ar 3:2 --seed 7")
        assert shown.content.text.startswith("a fox in the snow\n")
        assert "48×32 · seed 7" in shown.content.text
        assert [e["type"] for e in shown.content.entities] == ["bold", "code"]
        assert labels(shown) == [
            ["🔍 ×2", "🔍 ×4", "✨ HD"],
            ["🪄 Vary (subtle)", "🪄 Vary (strong)"],
            ["🔁 Again", "⚙️ Change"],
            ["📄 Original", "✖ Delete"],
        ]
        assert shown.reply_to is not None
        assert shown.reply_to.reactions


async def test_groups_are_painted_for_on_command_alone(tmp_path: Path) -> None:
    """Chatter is left alone, even in reply to the bot; a command for another bot, too."""
    async with open_counter(tmp_path) as counter:
        group = counter.telegram.group("Foxes", counter.ann)
        shown = await counter.telegram.picture(await counter.ann.says(group, "/imagine a fox"))
        await counter.ann.says(group, "how lovely", reply_to=shown)
        await counter.ann.says(group, "/imagine@other_bot a dog")
        last = await counter.ann.says(group, "/imagine@atelier_bot a hare")
        await counter.telegram.picture(last)
        prompts = [job.paint.prompt for job in await counter.jobs(counter.ann)]
        assert prompts == ["a hare", "a fox"]


async def test_a_topic_gets_its_answers_where_it_asked(tmp_path: Path) -> None:
    """Also its pictures."""
    async with open_counter(tmp_path) as counter:
        forum = counter.telegram.group("Forum", counter.ann, forum=True)
        topic = counter.telegram.topic(forum, "Pictures", counter.ann)
        asked = await counter.ann.says(forum, "/imagine a fox", topic=topic)
        assert (await counter.telegram.picture(asked)).thread == topic


async def test_a_bare_imagine_asks_and_its_answer_is_painted(tmp_path: Path) -> None:
    """What was given before is not forgotten: flags and the picture, even after a restart."""
    async with open_counter(tmp_path) as counter:
        asked = await counter.ann.says(None, "/imagine --ar 3:2", photo=png())
        question = await counter.telegram.answer(asked)
        assert question.content.text.endswith("What shall I make of your picture?")
        assert question.markup is not None
        assert question.markup["force_reply"]
        await counter.post.die()
        await counter.post.start()
        await counter.post.connected()
        answer = await counter.ann.says(None, "a fox", reply_to=question)
        await counter.telegram.picture(answer)
        (job,) = await counter.jobs(counter.ann)
        assert (job.paint.width, job.paint.height) == (48, 32)
        assert str(job.paint.source).startswith("upload:")


async def test_pictures_are_sources(tmp_path: Path) -> None:
    """With words under it, as a file, replied to; of our own the file itself is taken."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        own = await counter.painted(ann, "a fox", photo=png())
        await counter.painted(ann, "/imagine a hare", document=("x.png", png(), "image/png"))
        await counter.painted(ann, "a dog", reply_to=own)
        group = telegram.group("Foxes", ann)
        photo = await ann.says(group, "look", photo=png("green"))
        await telegram.picture(await ann.says(group, "/imagine a hill", reply_to=photo))
        hill, dog, hare, fox = await counter.jobs(ann)
        assert str(dog.paint.source).startswith("picture:")
        assert all(str(job.paint.source).startswith("upload:") for job in (hill, hare, fox))


async def test_what_cannot_be_a_source_is_told(tmp_path: Path) -> None:
    """No picture, a broken one, one of several; what is too large is not even fetched."""
    async with open_counter(tmp_path) as counter:
        ann = counter.ann
        text = await counter.told(ann, "", document=("x.pdf", b"%PDF", "application/pdf"))
        assert text == "I see no picture there that I could use."
        broken = ("x.png", b"no picture", "image/png")
        assert "not a picture" in await counter.told(ann, "a fox", document=broken)
        grid = await counter.painted(ann, "a fox --count 4")
        told = await counter.told(ann, "a hare", reply_to=grid)
        assert told.startswith("These are 4 pictures.")
        before = len(counter.telegram.called("getFile"))
        large = ("x.png", b"\0" * 20_000_001, "image/png")
        assert "20.0 MB" in await counter.told(ann, "a fox", document=large)
        assert len(counter.telegram.called("getFile")) == before


async def test_refusals_are_short_replies(tmp_path: Path) -> None:
    """In one's own language, as a reply to what was asked, and nothing is queued."""
    async with open_counter(tmp_path) as counter:
        ben = counter.telegram.person("Ben", language="de")
        group = counter.telegram.group("Foxes", counter.ann, ben)
        told = await counter.in_group(ben, group, "/imagine a fox --stpes 3")
        assert told == "--stpes kenne ich nicht. Meintest du --steps?"
        told = await counter.in_group(counter.ann, group, "/imagine a fox --steps 99")
        assert told == "Number of steps: 99 is not possible; 1–50 is."
        assert not await counter.jobs(ben)


async def test_unknown_commands_are_told_where_they_are_meant_for_us(tmp_path: Path) -> None:
    """In private, and in groups if the bot is named."""
    async with open_counter(tmp_path) as counter:
        group = counter.telegram.group("Foxes", counter.ann)
        await counter.ann.says(group, "/dance")
        assert "/help" in await counter.in_group(counter.ann, group, "/dance@atelier_bot")
        assert "/help" in await counter.told(counter.ann, "/dance")
        assert len(counter.telegram.by_bot(group)) == 1


async def test_veiled_pictures(tmp_path: Path) -> None:
    """By the flag: the picture and its words are veiled; painting it again keeps the veil."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox --spoiler")
        assert shown.content.spoiler
        assert "spoiler" in [e["type"] for e in shown.content.entities]
        await counter.ann.presses(shown, "a:again:")
        await counter.telegram.until(
            lambda: len(counter.telegram.pictures(chat=counter.ann.private)) == 2, "another one"
        )
        assert all(m.content.spoiler for m in counter.telegram.pictures(chat=counter.ann.private))


async def test_queue_and_usage(tmp_path: Path) -> None:
    """Who waits, one's own apart; what was used of how much."""
    async with open_counter(tmp_path) as counter:
        counter.post.desk.painter.hold()
        ben = counter.telegram.person("Ben")
        group = counter.telegram.group("Foxes", counter.ann, ben)
        await counter.telegram.answer(await counter.ann.says(group, "/imagine a fox"))
        await counter.telegram.answer(await ben.says(group, "/imagine a hare"))
        told = await counter.in_group(ben, group, "/queue")
        assert "a fox · Ann" in told
        assert "a hare · yours" in told
        told = await counter.in_group(ben, group, "/usage")
        assert told.startswith("1 of 50 credits a day are used")


async def test_history_is_turned_by_its_owner_alone(tmp_path: Path) -> None:
    """Five to a page, a button for each, pages to both sides."""
    async with open_counter(tmp_path, waiting_per_person=20) as counter:
        ann, ben = counter.ann, counter.telegram.person("Ben")
        assert "nothing here yet" in await counter.told(ann, "/history")
        for n in range(7):
            await counter.painted(ann, f"a fox {n}")
        group = counter.telegram.group("Foxes", ann, ben)
        page = await counter.telegram.answer(await ann.says(group, "/history"))
        assert "1. 🖼 a fox 6" in page.content.text
        assert labels(page) == [["1", "2", "3", "4", "5"], ["Older ›"]]
        assert "somebody else" in await counter.alert(ben, page, "Older")
        assert not await counter.alert(ann, page, "Older")
        await counter.telegram.until(lambda: "page 2" in page.content.text, "page 2")
        assert labels(page) == [["1", "2"], ["‹ Newer"]]
        found = await counter.telegram.answer(await ann.says(group, "/history Fox"))
        assert not await counter.alert(ann, found, "Older")
        await counter.telegram.until(lambda: "page 2" in found.content.text, "page 2 of those")
        none = await counter.telegram.answer(await ann.says(group, "/history zebra"))
        assert labels(none) == []
        await ann.presses(page, "2")
        await counter.telegram.until(
            lambda: any("a fox 0" in m.content.text for m in counter.telegram.pictures(chat=group)),
            "the picture",
        )


async def test_show(tmp_path: Path) -> None:
    """By id, by a link, the latest; what is not there is told, and strangers see nothing."""
    async with open_counter(tmp_path) as counter:
        ann, ben = counter.ann, counter.telegram.person("Ben")
        assert "no such picture" in await counter.told(ann, "/show")
        await counter.painted(ann, "a fox")
        (job,) = await counter.jobs(ann)
        uploads = len(counter.telegram.called("sendPhoto"))
        for said in (
            "/show",
            f"/show {job.public}",
            f"/show_{job.public}",
            f"/start show_{job.public}",
        ):
            again = await counter.answer(await ann.says(None, said))
            assert again.content.text.startswith("a fox\n")
            assert "again" in verbs(again)
        for call in counter.telegram.called("sendPhoto")[uploads:]:
            assert isinstance(call.values["photo"], str), "it was uploaded anew"
        assert "no such job" in await counter.told(ben, f"/show {job.public}")


async def test_models_styles_and_help(tmp_path: Path) -> None:
    """What there is, with what is to be typed; help knows where it is asked for."""
    async with open_counter(tmp_path) as counter:
        told = await counter.told(counter.ann, "/models")
        assert "Coloured squares" in told
        assert "CC0-1.0" in told
        assert "--style poster" in await counter.told(counter.ann, "/styles")
        assert (await counter.told(counter.ann, "/start")).startswith("Hello Ann!")
        assert "Just write a few words" in await counter.told(counter.ann, "/help")
        ben = counter.telegram.person("Ben")
        group = counter.telegram.group("Foxes", counter.ann, ben)
        assert "For admins" in await counter.in_group(counter.ann, group, "/help")
        assert "For admins" not in await counter.in_group(ben, group, "/help")


async def test_settings_by_keyboard_and_by_flags(tmp_path: Path) -> None:
    """A press chooses, a second one lets go; flags reach what the keyboard has not."""
    async with open_counter(tmp_path) as counter:
        ann = counter.ann
        panel = await counter.answer(await ann.says(None, "/settings"))
        await counter.alert(ann, panel, "48×32")
        await counter.telegram.until(lambda: "✓ 48×32" in str(panel.markup), "a tick")
        await counter.alert(ann, panel, "2 pictures")
        await counter.telegram.until(lambda: "number of pictures: 2" in panel.content.text, "two")
        await counter.painted(ann, "a fox")
        (job,) = await counter.jobs(ann)
        assert (job.paint.width, job.paint.count) == (48, 2)
        await counter.alert(ann, panel, "✓ 48×32")
        await counter.telegram.until(lambda: "✓ 48×32" not in str(panel.markup), "no tick")
        told = await counter.told(ann, "/settings --no clouds")
        assert "negative prompt: clouds" in told
        await counter.alert(ann, panel, "Forget")
        await counter.telegram.until(lambda: "Choose what fills" in panel.content.text, "nothing")
        known = await counter.post.desk.people.known("telegram", str(ann.id))
        assert known.defaults is None


async def test_cancel(tmp_path: Path) -> None:
    """The only one at once, one of several by a button, all together by a word."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        assert "Nothing of yours" in await counter.told(ann, "/cancel")
        counter.post.desk.painter.hold()
        first = await counter.answer(await ann.says(None, "a fox"))
        assert await counter.told(ann, "/cancel") == "Cancelled."
        counter.post.desk.painter.step(1)
        await telegram.until(lambda: "Cancelled" in first.content.text, "the status message")
        await counter.answer(await ann.says(None, "a hare"))
        await counter.answer(await ann.says(None, "a dog"))
        which = await counter.answer(await ann.says(None, "/cancel"))
        assert sorted(chain(*labels(which))) == ["✖ a dog", "✖ a hare"]
        assert await counter.alert(ann, which, "a dog") == "Cancelled."
        assert await counter.told(ann, "/cancel all") == "1 job is cancelled."


async def test_the_operator_s_list_keeps_strangers_out(tmp_path: Path) -> None:
    """They are told kindly, once; whoever is on the list is served, wherever they are."""
    async with open_counter(tmp_path, telegram_chats=frozenset({100_001})) as counter:
        ann, eve = counter.ann, counter.telegram.person("Eve")
        assert ann.id == 100_001
        assert await counter.told(eve, "a fox") == "I do not paint in this place."
        for _ in range(3):
            await eve.says(None, "a fox")
        inline = await (await eve.asks_inline("fox")).answered()
        assert inline["results"] == []
        await counter.painted(ann, "a fox")
        assert len(counter.telegram.by_bot(eve.private)) == 1
        assert not await counter.jobs(eve)


def test_strangers_cannot_make_the_bot_flood() -> None:
    """Once an hour in one chat, ten a minute in all."""
    now = [0.0]
    door = Door(lambda: now[0])
    assert [door.tells(1), door.tells(1)] == [True, False]
    assert sum(door.tells(chat) for chat in range(2, 100)) == 9
    now[0] = 61
    assert door.tells(50)
    assert not door.tells(1)
    now[0] = 3700
    assert door.tells(1)


async def test_inline_finds_one_s_own_finished_pictures(tmp_path: Path) -> None:
    """By their words, newest first; nobody else's, nothing deleted, nothing veiled."""
    async with open_counter(tmp_path) as counter:
        ann, ben = counter.ann, counter.telegram.person("Ben")
        await counter.painted(ann, "a red fox")
        gone = await counter.painted(ann, "a blue fox")
        await counter.painted(ann, "a fox --spoiler")
        await counter.painted(ann, "a hare")
        await counter.painted(ben, "a fox of Ben's")
        await counter.alert(ann, gone, "a:delete:")
        await counter.telegram.until(lambda: "delete-sure" in verbs(gone), "whether it is sure")
        await counter.alert(ann, gone, "a:delete-sure:")
        found = await (await ann.asks_inline("FOX")).answered()
        assert [each["caption"] for each in found["results"]] == ["a red fox"]
        assert found["is_personal"]
        found = await (await ann.asks_inline("")).answered()
        assert [each["caption"] for each in found["results"]] == ["a hare", "a red fox"]
        none = await (await ann.asks_inline("walrus")).answered()
        assert none["results"] == []
        assert none["button"]["text"] == "No picture of yours has these words"


def test_menus() -> None:
    """Private chats, groups and admins see their own, in English for all and in German."""
    shown = {(menu.scope.type, menu.lang): menu.commands for menu in menus()}
    assert len(shown) == 6
    for (scope, lang), commands in shown.items():
        names = [command.command for command in commands]
        assert names == [c.command for c in shown[scope, None]]
        assert ("ban" in names) == (scope == "all_chat_administrators")
        assert all(1 <= len(command.description) <= 256 for command in commands)
        assert lang in (None, "de")


@pytest.mark.parametrize("code", ["de-AT", "de"])
async def test_the_phone_s_language_is_spoken(tmp_path: Path, code: str) -> None:
    """From the first word on."""
    async with open_counter(tmp_path) as counter:
        ben = counter.telegram.person("Ben", language=code)
        assert (await counter.told(ben, "/start")).startswith("Hallo Ben!")
        shown = await counter.painted(ben, "a fox")
        assert "🔁 Nochmal" in chain(*labels(shown))


async def test_edited_messages_paint_nothing_more(tmp_path: Path) -> None:
    """A corrected word does not cost twice."""
    async with open_counter(tmp_path) as counter:
        asked = await counter.ann.says(None, "a fxo")
        await counter.telegram.picture(asked)
        await counter.ann.edits(asked, "a fox")
        await counter.told(counter.ann, "/usage")
        (job,) = await counter.jobs(counter.ann)
        assert job.state is JobState.DONE
        assert Ask.from_json(job.ask_json).prompt == "a fxo"
