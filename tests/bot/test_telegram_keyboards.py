"""The buttons under Telegram messages, and the words beside them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from itertools import chain
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from telegram import InlineKeyboardButton, MessageEntity

from bot.on_telegram import tuning
from bot.on_telegram.keyboards import in_rows
from bot.on_telegram.tuning import Choice
from bot.on_telegram.where import Where
from bot.on_telegram.wording import CAPTION, Piece, cut, lines, plain, say, units
from tests.bot.telegram_parts import Counter, labels, open_counter, verbs
from tests.fakes import PLAIN, SQUARES
from tests.loopback_telegram import Message

WILD = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("a 🦊👨‍👩‍👧🇩🇪\u0301\u200d\ufe0f👍🏽@*_<>&[]()~`"),
    ),
    max_size=80,
)
KINDS = st.lists(st.sampled_from(["bold", "code", "spoiler"]), max_size=2, unique=True)


def _cut16(text: str, offset: int, length: int) -> str:
    data = text.encode("utf-16-le", "surrogatepass")
    return data[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@given(st.lists(st.tuples(WILD, KINDS, st.booleans()), max_size=8), st.integers(8, 120))
def test_every_text_fits_and_its_marks_lie_on_their_words(
    parts: list[tuple[str, list[str], bool]], limit: int
) -> None:
    """Never too long, no half character, every mark on a beginning of what it was put on."""
    pieces = [Piece(text, tuple(kinds), give=give) for text, kinds, give in parts]
    said = say(pieces, limit)
    assert units(said.text) <= limit
    said.text.encode("utf-8")
    texts = {text for text, _, _ in parts}
    for entity in said.entities:
        marked = _cut16(said.text, entity.offset, entity.length)
        assert marked
        assert units(marked) == entity.length
        begun = marked.removesuffix("…").strip()
        assert any(text.strip().startswith(begun) for text in texts)


@given(WILD, st.integers(1, 60))
def test_a_cut_text_is_a_beginning(text: str, limit: int) -> None:
    """With an ellipsis, and without a mark torn off its letter."""
    short = cut(text, limit)
    assert units(short) <= limit
    if short == text:
        return
    assert units(text) > limit
    assert short.endswith("…")
    begun = short[:-1]
    assert text.startswith(begun)
    rest = text[len(begun) :]
    if begun and not rest[0].isspace():
        assert not re.match("[\u0300-\u036f\ufe0f\u200d\U0001f3fb-\U0001f3ff]", rest[0])
        assert not begun.endswith("\u200d")


def test_emoji_are_cut_between_them() -> None:
    """Families, flags and skin tones stay whole, in the units that Telegram counts."""
    assert units("🦊") == 2
    assert cut("🦊🦊🦊", 5) == "🦊🦊…"
    assert cut("ab👨‍👩‍👧", 8) == "ab…"
    assert cut("ab👍🏽c", 6) == "ab…"
    assert cut("🇩🇪🇫🇷x", 8) == "🇩🇪…"


def test_what_gives_is_cut_first() -> None:
    """The facts under a picture stay whole, however long the prompt is."""
    said = lines([Piece("🦊" * 2000, ("bold",), give=True)], "squares · seed 7", limit=CAPTION)
    assert units(said.text) <= CAPTION
    assert said.text.endswith("…\nsquares · seed 7")
    (bold,) = said.entities
    assert _cut16(said.text, bold.offset, bold.length).strip("🦊") == "…"


@given(WILD)
def test_what_people_wrote_is_one_line_and_mentions_nobody(text: str) -> None:
    """No break, no hidden sign, no @name that Telegram would call."""
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"@\w", shown)
    assert not any(
        unicodedata.bidirectional(sign) in ("RLO", "LRO", "RLE", "LRE") for sign in shown
    )


def test_buttons_stand_in_rows_of_about_equal_length() -> None:
    """Five in rows of four are three and two."""
    given_ = [InlineKeyboardButton(str(n), callback_data="x") for n in range(5)]
    assert [len(row) for row in in_rows(given_, 4)] == [3, 2]
    assert in_rows([], 4) == []


def test_a_choice_is_read_back_and_kept_possible() -> None:
    """It fits on a button; what a model cannot paint becomes its own usual."""
    picked = Choice(public="k3v9x2ma0000", width=48, height=32, steps=9, model="abcdef")
    assert Choice.read(picked.target()) == picked
    assert Choice.read("k3v9x2ma0000") is None
    assert Choice.read("k3v9x2ma0000.axb.9.abcdef") is None
    fitted = picked.fitting(PLAIN)
    assert (fitted.width, fitted.height, fitted.steps) == (32, 32, 2)
    assert tuning.find((SQUARES, PLAIN), tuning.short("plain")) is PLAIN


async def test_one_picture_varied(tmp_path: Path) -> None:
    """A variation says from which job it comes, and its message answers the picture."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox --seed 3")
        await counter.alert(counter.ann, shown, "Vary (strong)")
        varied = await counter.telegram.picture(shown)
        new, old = await counter.jobs(counter.ann)
        assert f"from {old.public}" in varied.content.text
        assert new.parent == old.public
        assert str(new.paint.source).startswith("picture:")


async def test_four_pictures(tmp_path: Path) -> None:
    """V1–V4, an album on request that is uploaded once, the files without loss."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        grid = await counter.painted(ann, "a fox --count 4")
        of_each = [[f"{letter}{nth}" for nth in range(1, 5)] for letter in ("U", "HD ", "V")]
        assert labels(grid)[:3] == of_each
        assert labels(grid)[4] == ["🖼 Each one", "📄 Original", "✖ Delete"]
        await counter.alert(ann, grid, "Each one")
        await counter.post.desk.until(lambda: _kept_singles(counter))
        await counter.alert(ann, grid, "Each one")
        await telegram.until(lambda: len(_album(counter)) == 8, "two albums")
        assert [m.content.text for m in _album(counter)][:2] == ["1/4 · seed 100", "2/4 · seed 101"]
        again = telegram.called("sendMediaGroup")[1].values["media"]
        assert all(not str(item["media"]).startswith("attach:") for item in again)
        await counter.alert(ann, grid, "Original")
        await telegram.until(lambda: len(_files(counter)) == 4, "four files")


async def test_settings_of_a_job(tmp_path: Path) -> None:
    """⚙️ shows them in place of the buttons; choices tick; painting puts the buttons back."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        shown = await counter.painted(ann, "a fox --seed 3 --steps 4")
        await counter.alert(ann, shown, "Change")
        await telegram.until(lambda: "tuned" in verbs(shown), "the settings")
        assert {"✓ 32×32", "48×32", "✓ 4 steps", "8 steps"} <= set(chain(*labels(shown)))
        await counter.alert(ann, shown, "48×32")
        await telegram.until(lambda: "✓ 48×32" in chain(*labels(shown)), "a tick")
        await counter.alert(ann, shown, "8 steps")
        await telegram.until(lambda: "✓ 8 steps" in chain(*labels(shown)), "another tick")
        assert "🎨 Paint for 3 credits" in chain(*labels(shown))
        await counter.alert(ann, shown, "Paint for")
        await telegram.until(lambda: "again" in verbs(shown), "the buttons")
        await telegram.picture(shown)
        new, _ = await counter.jobs(ann)
        assert (new.paint.width, new.paint.height, new.paint.steps) == (48, 32, 8)
        assert new.paint.seed == 3
        await counter.alert(ann, shown, "Change")
        await telegram.until(lambda: "keep" in verbs(shown), "the settings")
        await counter.alert(ann, shown, "Back")
        await telegram.until(lambda: "again" in verbs(shown), "the buttons")


async def test_other_words_for_a_job(tmp_path: Path) -> None:
    """✏️ asks, and the answer is painted with all the rest as it was."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        shown = await counter.painted(ann, "a fox --ar 3:2 --steps 6")
        await counter.alert(ann, shown, "Change")
        await telegram.until(lambda: "prompt" in verbs(shown), "the settings")
        await counter.alert(ann, shown, "Words")
        question = await telegram.answer(shown)
        answer = await ann.says(None, "a hare", reply_to=question)
        await telegram.picture(answer)
        new, old = await counter.jobs(ann)
        assert (new.paint.prompt, new.paint.width, new.paint.steps) == ("a hare", 48, 6)
        assert new.parent == old.public


async def test_details_paint_it_again(tmp_path: Path) -> None:
    """Everything that made it, and a text to be copied that makes the same."""
    async with open_counter(tmp_path) as counter:
        ann = counter.ann
        shown = await counter.painted(ann, "a fox --no dogs --seed 9 --guidance 2")
        await counter.alert(ann, shown, "Change")
        await counter.telegram.until(lambda: "details" in verbs(shown), "the settings")
        await counter.alert(ann, shown, "Details")
        told = await counter.telegram.answer(shown)
        (pre,) = [e for e in told.content.entities if e["type"] == MessageEntity.PRE]
        again = _cut16(told.content.text, pre["offset"], pre["length"])
        await counter.painted(ann, again)
        new, old = await counter.jobs(ann)
        assert new.paint == old.paint


async def test_deleting_asks_first_and_is_for_owners(tmp_path: Path) -> None:
    """Others hear that it is not theirs; after two days a grey picture stays instead."""
    async with open_counter(tmp_path) as counter:
        ann, ben, telegram = counter.ann, counter.telegram.person("Ben"), counter.telegram
        group = telegram.group("Foxes", ann, ben)
        shown = await telegram.picture(await ben.says(group, "/imagine a fox"))
        eve = telegram.person("Eve")
        group.members[eve.id] = "member"
        assert await counter.alert(eve, shown, "Delete") == "This belongs to somebody else."
        assert "for good?" in await counter.alert(ben, shown, "Delete")
        await telegram.until(lambda: "keep" in verbs(shown), "whether it is sure")
        await counter.alert(ben, shown, "Keep")
        await telegram.until(lambda: "again" in verbs(shown), "the buttons")
        await counter.alert(ben, shown, "Delete")
        await telegram.until(lambda: "delete-sure" in verbs(shown), "whether it is sure")
        telegram.later(3 * 86_400)
        assert await counter.alert(ben, shown, "for good") == "The picture was deleted."
        await telegram.until(lambda: shown.content.text == "The picture was deleted.", "no picture")
        assert not verbs(shown)
        (job,) = await counter.jobs(ben)
        assert await counter.post.desk.pictures.of_job(job.id) == []


async def test_presses_of_others(tmp_path: Path) -> None:
    """Anybody may paint it again on their own budget; cancelling is the asker's and the admins'."""
    async with open_counter(tmp_path) as counter:
        ann, ben, telegram = counter.ann, counter.telegram.person("Ben"), counter.telegram
        eve = telegram.person("Eve")
        group = telegram.group("Foxes", ann, ben, eve)
        shown = await telegram.picture(await ben.says(group, "/imagine a fox"))
        await counter.alert(eve, shown, "Again")
        again = await telegram.picture(shown)
        assert again.content.text.startswith("Eve: a fox")
        assert len(await counter.jobs(eve)) == 1
        counter.post.desk.painter.hold()
        status = await telegram.answer(await ben.says(group, "/imagine a hare"))
        assert await counter.alert(eve, status, "Cancel") == "This belongs to somebody else."
        assert await counter.alert(ann, status, "Cancel") == "Cancelled."


async def test_a_refused_press_is_an_alert(tmp_path: Path) -> None:
    """Seen by the presser alone; nothing is posted."""
    async with open_counter(tmp_path, waiting_per_person=1) as counter:
        ann = counter.ann
        shown = await counter.painted(ann, "a fox")
        counter.post.desk.painter.hold()
        await counter.answer(await ann.says(None, "a hare"))
        await counter.answer(await ann.says(None, "a dog"))
        posts = len(counter.telegram.by_bot())
        assert "waiting" in await counter.alert(ann, shown, "Again")
        assert len(counter.telegram.by_bot()) == posts


async def test_buttons_work_after_a_restart_and_strange_ones_are_answered(tmp_path: Path) -> None:
    """What a button keeps is all it needs; one that nobody made leads nowhere, and says so."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        shown = await counter.painted(ann, "a fox")
        await counter.post.die()
        await counter.post.start()
        await counter.post.connected()
        await counter.alert(ann, shown, "Again")
        await telegram.picture(shown)
        keyboard = {"inline_keyboard": [[{"text": "Old", "callback_data": "u2|17|x"}]]}
        shown.versions.append(replace(shown.content, keyboard=keyboard))
        assert "nowhere" in await counter.alert(ann, shown, "Old")


async def test_an_old_press_is_passed_over(tmp_path: Path) -> None:
    """Telegram takes no answer to it any more; what was pressed is done all the same."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox")
        await counter.post.die()
        await counter.ann.presses(shown, "Again")
        counter.telegram.later(3600)
        await counter.post.start()
        await counter.telegram.picture(shown)
        assert len(await counter.jobs(counter.ann)) == 2


async def test_no_button_hangs(tmp_path: Path) -> None:
    """Where Telegram is slow to say who administers a group, the press is answered before."""
    async with open_counter(tmp_path) as counter:
        ben, eve = counter.telegram.person("Ben"), counter.telegram.person("Eve")
        group = counter.telegram.group("Foxes", ben, eve)
        shown = await counter.telegram.picture(await ben.says(group, "/imagine a fox"))
        counter.telegram.faults.slow("getChatMember", 3.0)
        assert await counter.alert(eve, shown, "Delete") == ""
        told = await counter.telegram.answer(shown)
        assert told.content.text == "This belongs to somebody else."


async def _kept_singles(counter: Counter) -> bool:
    (job,) = await counter.jobs(counter.ann)
    return len(Where.from_json(job.message or "").singles) == 4


def _album(counter: Counter) -> list[Message]:
    return [
        m
        for m in counter.telegram.by_bot(counter.ann.private)
        if m.album and m.content.media and m.content.media.kind == "photo"
    ]


def _files(counter: Counter) -> list[Message]:
    found = [m for m in counter.telegram.by_bot(counter.ann.private) if m.content.media]
    return [m for m in found if m.content.media and m.content.media.kind == "document"]
