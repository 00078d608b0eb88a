"""The grammar of buttons: what is written is read again, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.actions import MAX_BYTES, Action, Verb, packed, parse, possible, unpacked
from bot.desk.texts import LANGUAGES, chat
from storage.ids import random_id

TARGETS = st.from_regex(r"[a-z0-9][a-z0-9.]{0,39}", fullmatch=True)


@given(st.sampled_from(Verb), TARGETS)
def test_what_is_written_is_read_again(verb: Verb, target: str) -> None:
    """Every action that can be written, within the bytes that every platform keeps."""
    text = Action(verb, target).format()
    assert len(text.encode()) <= MAX_BYTES
    assert parse(text) == Action(verb, target)


@given(st.text())
def test_nothing_else_is_read(text: str) -> None:
    """Whatever comes in is an action in its one form, or nothing."""
    for each in (text, f"a:{text}", f"a:again:{text}"):
        action = parse(each)
        assert action is None or action.format() == each


@pytest.mark.parametrize(
    "text",
    [
        "",
        "again:abc",
        "a:again",
        "a:again:",
        "a:nothing:abc",
        "a:again:ABC",
        "a:again:abc ",
        "a:again:abc\n",
        "a:again:äbc",
        "a:again:٣",
        "a:again:" + "x" * 57,
        "A:again:abc",
        "a:again:abc:def",
    ],
)
def test_nearly_right_is_wrong(text: str) -> None:
    """No case, no spaces, no other alphabets, no second colon."""
    assert parse(text) is None


@pytest.mark.parametrize("target", ["", "UPPER", "x" * 57, "a b", "ä"])
def test_an_impossible_target_is_never_written(target: str) -> None:
    """It would make a button that does nothing."""
    with pytest.raises(ValueError, match="button"):
        Action(Verb.AGAIN, target).format()


def test_ids_fit() -> None:
    """Those of jobs and pictures, as they are made."""
    for _ in range(50):
        assert parse(Action(Verb.SHOW, random_id()).format()) is not None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_verb_has_a_label(lang: str) -> None:
    """Short enough for a button, in every language."""
    for verb in Verb:
        assert 0 < len(chat.label(verb, lang)) <= 80


@pytest.mark.parametrize("words", [None, "fox", "Füchse im Schnee", "日本 の 城", "a" * 26])
def test_what_was_searched_for_goes_on_with_the_buttons(words: str | None) -> None:
    """It comes back out of a target as it was, whatever it is written in."""
    target = f"1234567890.12.{packed(words)}" if words else "1234567890.12"
    assert possible(Verb.PAGE, target)
    assert parse(Action(Verb.PAGE, target).format()) == Action(Verb.PAGE, target)
    assert unpacked(target.partition(".")[2].partition(".")[2]) == words


def test_a_search_that_is_too_long_has_no_buttons() -> None:
    """Nor does anything come out of what was never packed."""
    assert not possible(Verb.PAGE, f"1234567890.12.{packed('a' * 30)}")
    assert unpacked("189") is None
    assert unpacked("o") is None
