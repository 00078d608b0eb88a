"""The sentences people read."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import bot.desk.errors
import storage.errors
from bot.desk import texts
from bot.desk.errors import (
    BadPattern,
    BlockedWord,
    ChannelNotAllowed,
    MissingPermissions,
    MissingValue,
    ModelNotAllowed,
    NoBudgetHere,
    NoPicture,
    NotAllowed,
    NotServed,
    RepeatedFlag,
    RoleNotAllowed,
    SeveralPictures,
    SourceGone,
    TooManyReports,
    UnknownFlag,
    UnknownStyle,
    Unreachable,
    UnreadableValue,
)
from bot.desk.texts.language import LOCALE
from bot.desk.texts.refusals import has_sentence
from engine.errors import (
    BadSource,
    BrokenModel,
    InvalidRequest,
    NothingMasked,
    Refusal,
    UnknownModel,
    Unusable,
)
from engine.painter import Progress, Stage
from engine.request import Ask, Note
from engine.resolving import resolve
from storage.jobs import Usage
from tests.fakes import SQUARES

NOON = 1_767_268_800.0  # 2026-01-01 12:00 UTC
BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLES = [
    InvalidRequest("steps", "99", "1–50"),
    InvalidRequest("prompt", "", "1–2000 characters"),
    InvalidRequest("negative", "2500 characters", "0–2000 characters"),
    InvalidRequest("aspect", "wide", "two numbers"),
    InvalidRequest("upscale", "5", "2, 3, 4, 8, 16"),
    InvalidRequest("upscale", "×4 of 4096×4096", "8192×8192"),
    TooManyReports(10, NOON + 1800),
    InvalidRequest("aspect", "3:2", "either an aspect or a width and height"),
    UnknownFlag("flag", "--stpes", "--steps"),
    UnknownFlag("flag", "--quux", "--ar, --no"),
    RepeatedFlag("seed", "2", "1"),
    MissingValue("seed", "--seed", "7"),
    UnreadableValue("steps", "four", "6"),
    Unusable("negative", "sd-turbo"),
    UnknownModel("nope", ("starter",)),
    UnknownModel("nope", ()),
    BrokenModel("torn", "it is torn"),
    NothingMasked(),
    BadSource("bytes", "PNG, JPEG; 20 MB", "31.2 MB"),
    SourceGone("picture:1"),
    MissingPermissions(("attach_files",)),
    MissingPermissions(("view_channel", "send_messages")),
    Unreachable(2000.0),
    NotServed(),
    NoPicture(),
    SeveralPictures(4),
    storage.errors.OverBudget("person", 20, 20, 1, NOON + 7500),
    storage.errors.OverBudget("person_in_place", 20, 20, 1, NOON + 7500),
    storage.errors.OverBudget("place", 20, 20, 1, NOON + 7500),
    storage.errors.OverBudget("address", 20, 20, 1, NOON + 7500),
    storage.errors.OverBudget("person", 0, 20, 21, None),
    storage.errors.OverBudget("person_in_place", 0, 20, 21, None),
    storage.errors.OverBudget("place", 0, 20, 21, None),
    storage.errors.QueueFull(200),
    storage.errors.TooManyWaiting(5, 5),
    storage.errors.TooManyWaiting(1, 1),
    storage.errors.Paused(),
    storage.errors.DiskFull(1000, 5000),
    storage.errors.TooManyUploads(500, 314_000_000, NOON + 1800),
    storage.errors.TooManyPins(1),
    storage.errors.TooManyPins(200),
    storage.errors.Banned(None),
    storage.errors.Banned(NOON + 1_000_000),
    storage.errors.KeyReused(),
    storage.errors.NotFound("job"),
    storage.errors.NotFound("picture"),
    storage.errors.NotFound("source"),
    storage.errors.NotFound("spoon"),
    storage.errors.NotYours(),
    storage.errors.AlreadyRunning(Path("data"), 12),
    storage.errors.AlreadyRunning(Path("data"), None),
    storage.errors.NewerDatabase(Path("atelier.sqlite"), 9, 1),
    storage.errors.OldSQLite("3.30", "3.37"),
    *(NotAllowed(who) for who in ("moderator", "admin", "operator")),
    *(ChannelNotAllowed(("17", "18"), where) for where in ("discord", "telegram")),
    *(RoleNotAllowed(("17", "18"), where) for where in ("discord", "telegram")),
    ModelNotAllowed("sd-turbo", ("starter", "plain")),
    ModelNotAllowed("sd-turbo", ()),
    BlockedWord("prompt", "gore"),
    BlockedWord("negative", "gore"),
    UnknownStyle("psoter", ("poster",)),
    BadPattern("/(/", "missing ): ("),
    BadPattern("//", "everything"),
    BadPattern("x" * 60, "length", 200),
    BadPattern("x", "count", 500),
    NoBudgetHere(20),
    ValueError("a fault of ours"),
]


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        if each.__module__.split(".")[0] in ("engine", "storage", "bot"):
            yield each
        yield from _kinds(each)


def test_every_refusal_has_a_sentence_of_its_own() -> None:
    """A new kind of "no" cannot be forgotten: somebody has to word it, and to try it here."""
    assert bot.desk.errors
    kinds = set(_kinds(Refusal))
    assert len(kinds) > 15
    assert [kind.__name__ for kind in kinds if not has_sentence(kind)] == []
    assert [kind.__name__ for kind in kinds if kind not in {type(e) for e in EXAMPLES}] == []


@pytest.mark.parametrize("lang", texts.LANGUAGES)
@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_sentences_are_whole_in_every_language(error: Exception, lang: str) -> None:
    """Each ends as a sentence does, has no gap left, and is no longer than two lines."""
    for tz in (None, BERLIN):
        sentence = texts.explain(error, lang, now=NOON, tz=tz)
        assert sentence[-1] in ".?"
        assert "{" not in sentence
        assert len(sentence) < 200
    if lang != "en":
        assert sentence != texts.explain(error, "en", now=NOON, tz=tz)


def test_refusals_say_the_number_people_need() -> None:
    """The budget and the time when it frees, on the reader's clock if that is known."""
    over = storage.errors.OverBudget("person", 19.5, 20, 1, NOON + 7500)
    told = texts.explain(over, "en", now=NOON, tz=BERLIN)
    assert told == "19.5 of your 20 credits a day are used. This fits again at 15:05."
    told = texts.explain(over, "de", now=NOON)
    assert told == "19,5 deiner 20 Credits am Tag sind verbraucht. Das passt in 2 Stunden wieder."
    tomorrow = storage.errors.OverBudget("person", 20, 20, 1, NOON + 80_000)
    assert "tomorrow at 11:14" in texts.explain(tomorrow, "en", now=NOON, tz=BERLIN)
    banned = storage.errors.Banned(NOON + 10 * 86_400)
    assert "in 10 Tagen" in texts.explain(banned, "de", now=NOON)
    assert "on Jan 11 at 13:00" in texts.explain(banned, "en", now=NOON, tz=BERLIN)
    assert "1–50" in texts.explain(InvalidRequest("steps", "99", "1–50"))
    with pytest.raises(InvalidRequest) as caught:
        resolve(Ask(prompt="x" * 2001), SQUARES, draw_seed=lambda: 0)
    assert "2001" in texts.explain(caught.value)
    assert "2000" in texts.explain(caught.value)


def test_what_people_wrote_is_never_a_template() -> None:
    """Braces in a value are shown as they are."""
    told = texts.explain(InvalidRequest("aspect", "{0} {allowed}", "two numbers"))
    assert "{0} {allowed}" in told


@pytest.mark.parametrize(
    ("seconds", "en", "de"),
    [
        (0, "1 s", "1 s"),
        (8, "8 s", "8 s"),
        (23, "25 s", "25 s"),
        (58, "1 minute", "1 Minute"),
        (130, "2 minutes", "2 Minuten"),
        (1500, "25 minutes", "25 Minuten"),
        (3500, "1 hour", "1 Stunde"),
        (5400, "1.5 hours", "1,5 Stunden"),
        (200_000, "3 days", "3 Tage"),
    ],
)
def test_spans_are_said_as_people_say_them(seconds: float, en: str, de: str) -> None:
    """Coarser the longer they are, in the plural of the language."""
    assert (texts.duration(seconds), texts.duration(seconds, "de")) == (en, de)


def test_ordinals() -> None:
    """English has its exceptions, German a full stop."""
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)
    expected = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th"
    assert " ".join(texts.ordinal(n) for n in numbers) == expected
    assert texts.ordinal(3, "de") == "3."


def test_a_job_says_how_it_stands() -> None:
    """Position and time while it waits, time while it is painted."""
    assert texts.waiting(3, 130) == "3rd in line, about 2 minutes"
    assert texts.waiting(1, 8) == "First in line, about 8 s"
    assert texts.waiting(1, 40, warming=True) == "Warming up, you are first in line"
    assert texts.waiting(2, 40, warming=True) == "Warming up, you are 2nd in line"
    assert "interrupted" in texts.waiting(1, None)
    assert texts.waiting(3, 130, "de") == "Als 3. dran, etwa 2 Minuten"
    assert texts.painting(8) == "Painting, about 8 s"
    assert texts.painting(None) == "Painting"
    progress = Progress(index=1, count=4, step=1, steps=4)
    assert texts.painting(20, progress=progress) == "Painting picture 2 of 4, about 20 s"
    assert texts.painting(None, progress=progress) == "Painting picture 2 of 4"
    assert texts.painting(8, paints=False) == "Enlarging, about 8 s"
    tile = replace(progress, count=1, index=0, step=3, steps=16, stage=Stage.upscaling)
    assert texts.painting(8, progress=tile) == "Enlarging, tile 3 of 16, about 8 s"
    assert texts.painting(None, "de", progress=tile) == "Wird vergrößert, Kachel 3 von 16"
    several = replace(tile, count=4, index=1, stage=Stage.refining)
    assert texts.painting(None, progress=several) == "Refining picture 2 of 4, tile 3 of 16"


def test_a_job_says_how_it_ended() -> None:
    """The apology carries the number; what a cancel has cost is said."""
    told = texts.failed("k3v9x2ma0000", "engine_failed")
    assert told == "Sorry, painting this one failed. It has cost you nothing (job k3v9x2ma0000)."
    assert texts.failed("k3", "disk_full") != texts.failed("k3", "gave_up")
    assert texts.cancelled(0) == "Cancelled. It has cost you nothing."
    assert "0.4 credits" in texts.cancelled(0.4)
    usage = Usage(scope="person", used=3, budget=50, frees_at=NOON + 60, waiting=0, waiting_limit=5)
    assert texts.used(usage, now=NOON, tz=BERLIN) == (
        "3 of 50 credits a day are used; more are free at 13:01."
    )


@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_every_note_has_a_sentence(lang: str) -> None:
    """All codes that the engine gives."""
    for code in ("unused", "default_dropped", "nearest_size", "prompt_cut", "outside_world"):
        note = Note(code=code, field="negative", model="starter", given="3:2", used="a " * 50)
        told = texts.about_note(note, lang)
        assert told.endswith(".")
        assert "starter" in told
        assert len(told) < 280


def test_the_reader_s_language_is_found() -> None:
    """Locale codes and browsers' headers; English where we speak none of them."""
    asked = ("de-AT,en;q=0.5", "fr, de;q=0.3, en;q=0.8", "pt_BR", None, "de_DE", "en;q=0,de;q=.1")
    assert [texts.pick_language(each) for each in asked] == ["de", "en", "en", "en", "de", "de"]


def _fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("lang", [lang for lang in texts.LANGUAGES if lang != "en"])
def test_every_sentence_is_translated(lang: str) -> None:
    """All that stands in the sources, with the same facts in it, and nothing that is not there."""
    keywords = {"gettext": None, "ngettext": (1, 2), "count": (1, 2)}
    root = Path(texts.__file__).parent
    needed = {
        found[2] for found in extract_from_dir(root, [("**.py", "python")], keywords=keywords)
    }
    assert len(needed) > 50
    with (LOCALE / lang / "LC_MESSAGES" / "atelier.po").open("rb") as file:
        catalogue = read_po(file, locale=lang)
    translated = {message.id: message for message in catalogue if message.id}
    assert needed ^ set(translated) == set()
    for message in translated.values():
        assert not message.fuzzy
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings)
        assert all(_fields(str(s)) == _fields(str(ids[0])) for s in strings), message.id
