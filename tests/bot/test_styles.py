"""Styles: which there are, how they are found, and what they make of somebody's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.desk.errors import UnknownStyle
from bot.desk.flags import format_job, parse
from bot.desk.styles import HERE, NO_STYLE, Style, find, shipped
from engine.errors import InvalidRequest
from engine.request import Ask, Limits
from tests.bot.desk import open_desk

MOST = Limits().max_prompt


def test_the_styles_that_are_shipped_can_be_used() -> None:
    """Each has a title, words of its own, a name that can be typed, and leaves room to write."""
    names = [style.name for style in shipped()]
    assert names[:3] == ["poster", "watercolor", "neon"]
    assert len(names) == len(set(names)) >= 8
    for style in shipped():
        assert style.title
        assert style.name.isidentifier()
        assert style.name == style.name.casefold() != NO_STYLE
        assert style.around("a fox") != "a fox"
        assert style.around("a fox").count("a fox") == 1
        assert HERE not in style.around("a fox")
        assert len(style.around("")) < MOST / 4
        assert find(shipped(), style.name) is style
        asked = parse(f"a fox --style {style.name}")
        assert (asked.style, asked.prompt) == (style.name, "a fox")


def test_words_go_where_the_style_has_a_place_for_them() -> None:
    """In front of it where it has none; what looks like that place in them stays as it is."""
    framed = Style(name="a", title="A", prompt="ink of {prompt}, black", negative="colour")
    behind = Style(name="b", title="B", prompt="bold")
    assert framed.around("a fox") == "ink of a fox, black"
    assert framed.around("{prompt} {0} %s") == "ink of {prompt} {0} %s, black"
    assert behind.around("a fox") == "a fox, bold"
    assert (framed.beside("fog"), framed.beside("")) == ("fog, colour", "colour")
    assert (behind.beside("fog"), behind.beside("")) == ("fog", "")


def test_a_style_is_found_by_its_name() -> None:
    """In whatever case; a slip is answered with what is close, nonsense with all there is."""
    assert find(shipped(), " NEON ") == next(s for s in shipped() if s.name == "neon")
    assert find(shipped(), "None") is None
    with pytest.raises(UnknownStyle) as slip:
        find(shipped(), "watercolour")
    assert slip.value.known[0] == "watercolor"
    with pytest.raises(UnknownStyle) as nonsense:
        find(shipped(), "q" * 5_000)
    assert nonsense.value.known == tuple(style.name for style in shipped())
    assert len(nonsense.value.name) == 60


async def test_an_unknown_style_leaves_no_trace(tmp_path: Path) -> None:
    """It is refused before anything is queued."""
    async with open_desk(tmp_path, running=False) as desk:
        for name in ("oill", "", "Neon{prompt}"):
            with pytest.raises(UnknownStyle):
                await desk.order(style=name)
        assert await desk.studio.history(await desk.asker()) == []


async def test_a_style_is_put_on_once_however_often_it_is_painted_again(tmp_path: Path) -> None:
    """Again of again has the same words and another seed, and says the style, not its words."""
    async with open_desk(tmp_path, running=False, waiting_per_person=9) as desk:
        ann = await desk.asker()
        first = await desk.order(style="OIL", negative="fog")
        assert first.paint.prompt == "an oil painting of a fox, visible brush strokes"
        assert first.paint.negative == "fog, photograph"
        job, seeds = first, {first.paint.seed}
        for _ in range(3):
            job = (await desk.studio.again(ann, job.public)).job
            assert (job.paint.prompt, job.paint.negative) == (
                first.paint.prompt,
                first.paint.negative,
            )
            seeds.add(job.paint.seed)
        assert len(seeds) == 4
        asked = parse(format_job(job))
        assert (asked.prompt, asked.style, asked.negative) == ("a fox", "oil", "fog")
        painted = (await desk.studio.paint(ann, asked)).job.paint
        assert painted == job.paint
        other = (await desk.studio.again(ann, job.public, changes={"style": "neon"})).job
        assert (other.paint.prompt, other.paint.negative) == ("a fox, neon", "fog")


async def test_what_gets_too_long_with_its_style_is_refused(tmp_path: Path) -> None:
    """Nothing is cut off silently; the same words fit without the style."""
    async with open_desk(tmp_path, running=False, waiting_per_person=9) as desk:
        longest = "x" * (MOST - len(", neon"))
        assert len((await desk.order(longest, style="neon")).paint.prompt) == MOST
        with pytest.raises(InvalidRequest) as caught:
            await desk.order(longest + "x", style="neon")
        assert (caught.value.field, caught.value.value) == ("prompt", f"{MOST + 1} characters")
        await desk.order(longest + "x")
        with pytest.raises(InvalidRequest) as caught:
            await desk.order(negative="x" * (MOST - 1), style="oil")
        assert caught.value.field == "negative"
        plain = await desk.order(negative="x" * (MOST - 1), style="oil", model="plain")
        assert plain.paint.negative == ""


async def test_nothing_becomes_a_flag_by_a_style(tmp_path: Path) -> None:
    """Words that look like flags are words once they were read, and stay so when repeated."""
    async with open_desk(tmp_path, running=False) as desk:
        words = "a fox --steps 9 --style neon {prompt} --no fog"
        job = await desk.order(words, style="poster")
        assert job.paint.prompt == f"{words}, poster"
        assert (job.paint.steps, job.paint.negative) == (4, "")
        asked = parse(format_job(job))
        assert (asked.prompt, asked.style, asked.steps) == (words, "poster", 4)
        repeated = (await desk.studio.paint(await desk.asker(), asked)).job
        assert repeated.paint == job.paint


async def test_no_style_is_a_choice(tmp_path: Path) -> None:
    """`--style none` wins over defaults, and is kept when the job is painted again."""
    async with open_desk(tmp_path, running=False) as desk:
        await desk.office.change(await desk.asker("boss", admin=True), style="neon")
        assert (await desk.order()).paint.prompt == "a fox, neon"
        await desk.studio.save_defaults(await desk.asker(), Ask(prompt="", style="poster"))
        assert (await desk.order()).paint.prompt == "a fox, poster"
        asked = parse("a fox --style none")
        plain = (await desk.studio.paint(await desk.asker(), asked)).job
        assert plain.paint.prompt == "a fox"
        again = (await desk.studio.again(await desk.asker(), plain.public)).job
        assert again.paint.prompt == "a fox"
        assert "--style" not in format_job(again)
