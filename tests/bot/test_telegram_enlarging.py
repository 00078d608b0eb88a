"""Larger pictures on Telegram: by buttons, by /upscale, at once; and being forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from bot.on_telegram import captions
from bot.on_telegram.where import Where
from engine.painter import Progress, Stage
from tests.bot.telegram_parts import Counter, labels, open_counter, png, verbs
from tests.loopback_telegram import Message


async def _newest(counter: Counter) -> tuple[int, int]:
    """The pixels on the disk of the newest job's picture."""
    job = (await counter.jobs(counter.ann))[0]
    (row,) = await counter.post.desk.pictures.of_job(job.id)
    with Image.open(counter.post.desk.pictures.path(row)) as opened:
        assert opened.size == (row.width, row.height)
        return opened.size


async def _done(counter: Counter, count: int) -> None:
    """So many jobs of ann's have been delivered."""

    async def all_told() -> bool:
        jobs = await counter.jobs(counter.ann)
        return len(jobs) == count and all(job.delivered_at is not None for job in jobs)

    await counter.post.desk.until(all_told)


async def test_a_picture_is_enlarged_by_a_button(tmp_path: Path) -> None:
    """A new message that answers the picture, with its words and its seed; and once more."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox --seed 3")
        await counter.alert(counter.ann, shown, "×4")
        large = await counter.telegram.picture(shown)
        await _done(counter, 2)
        assert await _newest(counter) == (128, 128)
        new, old = await counter.jobs(counter.ann)
        assert new.parent == old.public
        assert "a fox" in large.content.text
        assert "128×128 · ×4 crisp · seed 3" in large.content.text
        assert labels(large)[0][:2] == ["🔍 ×2", "🔍 ×4"]
        await counter.alert(counter.ann, large, "×2")
        await counter.telegram.picture(large)
        await _done(counter, 3)
        assert await _newest(counter) == (256, 256)


async def test_one_of_four_is_enlarged_by_its_number(tmp_path: Path) -> None:
    """U1–U4, each its own picture."""
    async with open_counter(tmp_path) as counter:
        grid = await counter.painted(counter.ann, "a fox --count 4 --seed 20")
        await counter.alert(counter.ann, grid, "U2")
        await counter.telegram.picture(grid)
        await _done(counter, 2)
        new, old = await counter.jobs(counter.ann)
        second = (await counter.post.desk.pictures.of_job(old.id))[1]
        assert new.paint.upscale is not None
        assert new.paint.upscale.of == f"picture:{second.id}"
        assert new.paint.seed == 21


async def test_a_photo_is_enlarged(tmp_path: Path) -> None:
    """By its caption, in reply to it, or in reply to one of ours; without any, it is said how."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        assert "as its caption" in await counter.told(ann, "/upscale")
        sent = await ann.says(None, "/upscale 4 --upscaler mend", document=_file(64, 48))
        large = await telegram.picture(sent)
        await _done(counter, 1)
        assert await _newest(counter) == (256, 192)
        assert large.content.text.startswith("A picture, enlarged ×4")
        assert "seed" not in large.content.text
        assert verbs(large).isdisjoint({"again", "tune", "vary-subtle", "prompt"})
        assert {"up2", "up4", "original", "delete"} <= verbs(large)
        await telegram.picture(await ann.says(None, "/upscale x2", reply_to=large))
        await _done(counter, 2)
        assert await _newest(counter) == (512, 384)
        grid = await counter.painted(ann, "a fox --count 2")
        assert "2 pictures" in await counter.told(ann, "/upscale", reply_to=grid)
        assert "not possible" in await counter.told(ann, "/upscale a fox", reply_to=large)


async def test_painted_and_enlarged_at_once(tmp_path: Path) -> None:
    """By the flag; the picture that comes is the large one."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox --upscale 2")
        assert "64×64 · ×2 crisp" in shown.content.text
        assert await _newest(counter) == (64, 64)


def test_what_is_done_is_said_tile_by_tile() -> None:
    """Nobody reads of painting while something is only enlarged."""
    where = Where(chat=1, asker=1)
    begun = captions.painting(where, eta_s=8.0, progress=None, paints=False)
    assert begun.text == "🔍 Enlarging, about 8 s"
    progress = Progress(
        index=0, count=1, step=3, steps=16, stage=Stage.upscaling, stage_index=1, stages=2
    )
    tile = captions.painting(where, eta_s=None, progress=progress)
    assert tile.text.startswith("🔍 Enlarging, tile 3 of 16\n")
    assert tile.text.endswith("59%")
    painted = captions.painting(where, eta_s=None, progress=replace(progress, stage=Stage.painting))
    assert painted.text.startswith("🎨 Painting")


async def test_more_than_telegram_shows(tmp_path: Path) -> None:
    """A large photo says that the file has more; a very long one comes as the file itself."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        large = await telegram.picture(await ann.says(None, "/upscale 4", document=_file(800, 40)))
        await _done(counter, 1)
        assert "Telegram shows it smaller than it is" in large.content.text
        long = await counter.answer(await ann.says(None, "/upscale 4", document=_file(900, 40)))
        await _done(counter, 2)
        assert _kind(long) == "document"
        assert "smaller than it is" not in long.content.text


async def test_a_picture_is_pinned_from_its_details(tmp_path: Path) -> None:
    """Pressed again, it is let go."""
    async with open_counter(tmp_path) as counter:
        shown = await counter.painted(counter.ann, "a fox")
        await counter.alert(counter.ann, shown, "Change")
        await counter.telegram.until(lambda: "details" in verbs(shown), "the settings")
        await counter.alert(counter.ann, shown, "Details")
        await counter.telegram.until(lambda: _with_pin(counter, shown) is not None, "the details")
        details = _with_pin(counter, shown)
        assert details is not None
        assert "Pinned" in await counter.alert(counter.ann, details, "Pin")
        job = (await counter.jobs(counter.ann))[0]
        assert (await counter.post.desk.pictures.of_job(job.id))[0].pinned
        assert "No longer" in await counter.alert(counter.ann, details, "Pin")
        assert not (await counter.post.desk.pictures.of_job(job.id))[0].pinned


async def test_being_forgotten_is_asked_once(tmp_path: Path) -> None:
    """Then pictures, words and posts are gone, of this person alone; who stays, keeps all."""
    async with open_counter(tmp_path) as counter:
        ann, telegram = counter.ann, counter.telegram
        shown = await counter.painted(ann, "a secret fox")
        (job,) = await counter.jobs(ann)
        asked = await counter.answer(await ann.says(None, "/forget"))
        await counter.alert(ann, asked, "Keep")
        await telegram.until(lambda: asked.deleted, "the question is gone")
        asked = await counter.answer(await ann.says(None, "/forget me"))
        bob = telegram.person("Bob")
        await counter.alert(bob, asked, "Forget me")
        assert len(await counter.post.desk.pictures.of_job(job.id)) == 1
        await counter.alert(ann, asked, "Forget me")
        await telegram.until(lambda: "You are forgotten" in asked.content.text, "it is done")
        assert "1 picture is deleted, 1 request is blanked" in asked.content.text
        await telegram.until(lambda: shown.deleted, "the post is gone")
        assert await counter.post.desk.pictures.of_job(job.id) == []
        assert "secret" not in (await counter.post.desk.jobs.get(job.public)).paint.prompt


async def test_one_s_own_pictures_are_found_by_their_words(tmp_path: Path) -> None:
    """Behind /history; where there is none, that is said."""
    async with open_counter(tmp_path) as counter:
        for prompt in ("a fox in the snow", "a cat"):
            await counter.painted(counter.ann, prompt)
        found = await counter.told(counter.ann, "/history snow")
        assert "a fox in the snow" in found
        assert "a cat" not in found
        assert "No picture of yours has these words." in await counter.told(
            counter.ann, "/history zebra"
        )


def _file(width: int, height: int) -> tuple[str, bytes, str]:
    return "me.png", png(size=(width, height)), "image/png"


def _kind(message: Message) -> str:
    assert message.content.media is not None
    return message.content.media.kind


def _with_pin(counter: Counter, after: Message) -> Message | None:
    posted = counter.telegram.by_bot(after.chat)
    return next((each for each in posted if "pin" in verbs(each)), None)
