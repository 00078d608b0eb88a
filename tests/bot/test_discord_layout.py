"""How jobs look in Discord, whatever people write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from discord import ui
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.desk.answers import JobView, QueueEntry, QueueView
from bot.desk.parcel import Packed
from bot.desk.texts import LANGUAGES
from bot.on_discord import layout, sheets
from bot.on_discord.escaping import alternative, block, plain, sentence
from bot.on_discord.where import Where
from engine.painter import Progress
from engine.request import Ask, Note, Paint
from storage.job import Job, JobState
from storage.jobs import Usage
from storage.pictures import PictureRow
from tests.fakes import SQUARES

WHERE = Where(channel=1, asker=42, guild=2, message=3)
NASTY = st.one_of(
    st.text(),
    st.text(alphabet="*_~|`\\[]()<>@#:-.1 \n\u200b\u202e\u2066a", max_size=60),
    st.sampled_from(
        [
            "@everyone",
            "@here <@1> <@&2> <#3> </imagine:4> <t:1:R> <:a:5>",
            "```py\nprint()\n```",
            "`a` **b** __c__ ~~d~~ ||e|| # f",
            "# heading",
            "> quote",
            ">>> quote",
            "- list",
            "-# small",
            "1. list",
            "[click](https://evil.example)",
            "https://evil.example/x_y_z",
            "a\u202eb\u2066c\u200bd\u2060e\ufefff",
            "مرحبا a fox שלום",
            "👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "e" + "\u0301" * 500,
            "*" * 3000,
            "\\" * 3000,
            "🦊" * 2000,
            "\ud800",
        ]
    ),
)
OURS = re.compile(r"</?\w|<@[!&]?\d|<#\d|<t:")


def _job(prompt: str = "a fox", **changes: Any) -> Job:
    paint = Paint(
        prompt=prompt,
        negative=changes.pop("negative", ""),
        model="squares",
        width=32,
        height=32,
        steps=4,
        guidance=2.5,
        seed=7,
        count=changes.pop("count", 1),
    )
    job = Job(
        id=1,
        public="k3v9x2ma0000",
        person=1,
        place=1,
        address=None,
        ask_json=Ask(prompt=prompt).to_json(),
        filled_json=Ask(prompt=prompt).to_json(),
        paint=paint,
        notes=(),
        state=JobState.DONE,
        cost=1.0,
        charge=1.0,
        turn=1,
        deaths=0,
        last_chance=False,
        share=1.0,
        error=None,
        message=None,
        private=False,
        parent=None,
        created_at=1000.0,
        started_at=1001.0,
        finished_at=1005.2,
        delivered_at=None,
    )
    return replace(job, **changes)


def _pictures(count: int) -> tuple[PictureRow, ...]:
    return tuple(
        PictureRow(
            id=f"p{index}" * 6,
            job=1,
            person=1,
            place=1,
            index=index,
            seed=7 + index,
            file="a/b.png",
            width=32,
            height=32,
            bytes=100,
            sha256="",
            created_at=1000.0,
            deleted_at=None,
        )
        for index in range(count)
    )


SMALLER = (
    Packed(
        row=replace(_pictures(1)[0], bytes=24_300_000),
        data=b"w" * 9_800_000,
        form="webp",
        width=32,
        height=32,
        lossless=False,
        whole="https://paint.example.org/whole/p/s",
    ),
)


def _result(job: Job, where: Where = WHERE, **more: Any) -> ui.LayoutView:
    pictures = _pictures(job.paint.count)
    files = tuple(f"{job.public}-{each.index + 1}.png" for each in pictures)
    given = {"model_title": "Squares", "mention": False, **more}
    return layout.result(job, where, pictures, files, **given)


def _all(job: Job, where: Where) -> Iterator[ui.LayoutView]:
    """Every layout that shows what somebody wrote."""
    view = JobView(
        job=job, position=1, eta_s=3.0, warming=False, progress=None, pictures=_pictures(4)
    )
    progress = Progress(index=0, count=1, step=2, steps=4)
    yield layout.waiting(job, where, position=3, eta_s=130.0, warming=False)
    yield layout.painting(job, where, eta_s=8.0, progress=progress, preview="preview.webp")
    yield _result(job, where, mention=True, smaller=SMALLER)
    yield _result(replace(job, paint=replace(job.paint, count=4), parent="p" * 12), where)
    yield layout.failed(job, where)
    yield layout.cancelled(job, where)
    yield layout.elsewhere(job, where)
    yield layout.moved(job, where, link="https://discord.com/channels/1/2/3")
    yield layout.sure(view, 2**63, where.lang)
    yield sheets.details(view, SQUARES, where.lang)
    five = [replace(view, job=replace(job, public=f"{number}" * 12)) for number in range(5)]
    yield sheets.history(five, ["a.webp"] * 5, page=1, more=True, lang=where.lang)
    name = job.paint.prompt
    entry = QueueEntry(
        position=1, public=job.public, mine=False, here=True, name=name, prompt=name,
        eta_s=5.0, running=False,
    )  # fmt: skip
    yield sheets.queue(QueueView(entries=(entry,) * 10, waiting=30), where.lang)
    defaults = Ask(prompt="", negative=name, model=name[:60], steps=3)
    yield sheets.defaults(defaults, "heading", where.lang)


@settings(deadline=None, max_examples=60)
@given(NASTY, NASTY, st.sampled_from(sorted(LANGUAGES)))
@example("x" * 2000, "y" * 2000, "de")
@example("*_" * 1000, "`" * 2000, "en")
def test_everything_fits_into_a_message(prompt: str, negative: str, lang: str) -> None:
    """40 components, 5 buttons a row, 4000 characters, alt texts of 1024, ids of 100."""
    notes = tuple(
        Note(code="prompt_cut", field="prompt", model="squares", used=prompt) for _ in range(6)
    )
    job = _job(prompt, negative=negative, notes=notes)
    for view in _all(job, replace(WHERE, lang=lang)):
        assert view.content_length() <= 4000
        found = list(_walk(_raw(view)))
        assert len(found) <= 40
        for each in found:
            if each["type"] == 1:
                assert 1 <= len(each["components"]) <= 5
            if each["type"] == 2:
                assert len(each["custom_id"]) <= 64
                assert 0 < len(each.get("label", "x")) <= 80
            if each["type"] == 10:
                assert 0 < len(each["content"]) <= 4000
            for item in (*each.get("items", ()), each):
                assert len(item.get("description") or "") <= 1024
        custom_ids = [each["custom_id"] for each in found if "custom_id" in each]
        assert len(custom_ids) == len(set(custom_ids))


@given(NASTY)
@example("@everyone")
@example("`" * 7)
def test_words_cannot_do_anything(prompt: str) -> None:
    """No mention, no markup, no link, no hidden or turning sign gets through."""
    shown = plain(prompt, 600)
    assert len(shown) <= 600
    bare = re.sub(r"\\[^0-9A-Za-z\s]", "", shown)
    assert not set("*_~|`[]<:\\") & set(bare)
    assert "\n" not in shown
    assert not re.search(r"@(?!\u200b)", shown)
    assert not re.match(r"(#|>|-|\+|\d+[.)])", shown.lstrip("\u2068"))
    hidden = shown.replace("@\u200b", "@").removeprefix("\u2068").removesuffix("\u2069")
    joiners = hidden.replace("\u200d", "").replace("\u200c", "")
    assert not [c for c in joiners if unicodedata.category(c) in ("Cf", "Cc", "Cs", "Zl", "Zp")]
    shown.encode("utf-8")


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs"))))
def test_words_are_read_as_they_were_written(prompt: str) -> None:
    """Without the escapes, nothing of a short prompt is lost."""
    words = " ".join(prompt.split())
    shown = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", plain(prompt, 100_000)).replace("\u200b", "")
    assert shown == words
    assert alternative(prompt, 100_000) == words


@given(NASTY)
@example("```")
@example("````")
def test_a_block_is_closed_by_us_alone(text: str) -> None:
    """What is to be copied stands in one block of code."""
    shown = block(text)
    assert shown.startswith("```\n")
    assert shown.endswith("\n```")
    assert "```" not in shown[3:-3]


@given(NASTY)
def test_sentences_carry_words_safely(text: str) -> None:
    """A refusal that repeats what was typed mentions nobody and has no markup of theirs."""
    shown = sentence(f"“{text}” is not possible.")
    assert not set("*_~|`[]\\") & set(re.sub(r"\\[^0-9A-Za-z\s]", "", shown))
    assert not re.search(r"@(everyone|here|!?\d)", shown)


def test_long_prompts_are_cut_at_a_word() -> None:
    """With a sign that there was more."""
    assert plain("one two three four", 14) == "one two three…"
    assert plain("one two three four", 16) == "one two three…"
    assert plain("x" * 50, 10) == "x" * 9 + "…"
    assert plain("مرحبا " * 50, 20).endswith("\u2069…")


def test_scripts_that_need_joiners_keep_them() -> None:
    """Families of emoji, Persian and Hindi are not torn apart."""
    for words in ("👨‍👩‍👧‍👦", "می‌خواهم", "क्‍ष", "naïve café"):
        assert alternative(words) == words


def test_the_result_shows_what_made_it() -> None:
    """Prompt, model, size, seed, time, notes, where it came from; one mention if wanted."""
    note = Note(code="unused", field="negative", model="squares")
    job = _job(notes=(note,), parent="p" * 12)
    view = _result(job, mention=True, smaller=SMALLER, origin="https://discord.com/channels/1/2/3")
    told = "\n".join(each["content"] for each in _walk(_raw(view)) if "content" in each)
    for word in (
        "<@42> **a fox**",
        "Squares",
        "32×32",
        "seed 7",
        "painted in 4 s",
        "takes no negative prompt",
        "[`pppppppppppp`](https://discord.com/channels/1/2/3)",
        "Shown as WebP with 9.8 MB; the picture itself has 24.3 MB.",
        "[the whole file](<https://paint.example.org/whole/p/s>)",
    ):
        assert word in told
    assert "<@42>" not in str(_raw(_result(job)))


def test_pictures_have_alt_texts_and_spoilers() -> None:
    """Each its own file, in order."""
    view = _result(_job(count=4), replace(WHERE, spoiler=True))
    (gallery,) = [each for each in _walk(_raw(view)) if each["type"] == 12]
    assert [item["media"]["url"] for item in gallery["items"]] == [
        f"attachment://k3v9x2ma0000-{nth}.png" for nth in range(1, 5)
    ]
    assert all(item["spoiler"] and item["description"] == "a fox" for item in gallery["items"])


def test_links_lead_to_messages_that_others_can_see() -> None:
    """The newer message if there is one; nothing that only one person sees."""
    assert layout.link(WHERE) == "https://discord.com/channels/2/1/3"
    assert layout.link(replace(WHERE, posted=9)) == "https://discord.com/channels/2/1/9"
    assert layout.link(replace(WHERE, posted=9, posting_to=77)) is None
    assert layout.link(replace(WHERE, guild=None)) == "https://discord.com/channels/@me/1/3"
    assert layout.link(replace(WHERE, ephemeral=True)) is None
    assert layout.link(replace(WHERE, message=None)) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sheets_speak_the_reader_s_language(lang: str) -> None:
    """Help, models, usage."""
    usage = Usage(scope="person", used=3, budget=50, frees_at=60.0, waiting=1, waiting_limit=5)
    for view in (
        sheets.help_sheet(lang),
        sheets.models((SQUARES,), lang),
        sheets.usage(usage, lang, now=0.0),
        sheets.defaults(None, "", lang),
        sheets.history((), (), page=0, more=False, lang=lang),
    ):
        assert 0 < view.content_length() <= 4000


def _raw(view: ui.LayoutView) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = view.to_components()  # type: ignore[no-untyped-call] # theirs
    return found


def _walk(components: Any) -> Iterator[dict[str, Any]]:
    for each in components:
        yield each
        yield from _walk(each.get("components", ()))
        if "accessory" in each:
            yield from _walk([each["accessory"]])
