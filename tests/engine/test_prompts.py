"""Marks in prompts: what counts more, what less, and what is only a bracket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts import MOST, lowered, read


def _counted(typed: str) -> list[tuple[str, float]]:
    """Runs of letters that count the same."""
    found = read(typed)
    runs: list[tuple[str, float]] = []
    for letter, weight in zip(found.text, found.weights, strict=True):
        if runs and runs[-1][1] == round(weight, 3):
            runs[-1] = (runs[-1][0] + letter, round(weight, 3))
        else:
            runs.append((letter, round(weight, 3)))
    return runs


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a red fox", [("a red fox", 1.0)]),
        ("a (red:1.3) fox", [("a ", 1.0), ("red", 1.3), (" fox", 1.0)]),
        ("a (red) fox", [("a ", 1.0), ("red", 1.1), (" fox", 1.0)]),
        ("((red)) fox", [("red", 1.21), (" fox", 1.0)]),
        ("[red] fox", [("red", 0.909), (" fox", 1.0)]),
        ("(a [red] fox:2)", [("a ", 2.0), ("red", 1.818), (" fox", 2.0)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(red:0)", [("red", 0.0)]),
        (r"a fox \(red\) \[x\] \\", [("a fox (red) [x] \\", 1.0)]),
        ("at 14:30) :-) or so", [("at 14:30) :-) or so", 1.0)]),
        ("a (red fox", [("a ", 1.0), ("red fox", 1.1)]),
        ("(a [b) c]", [("a ", 1.1), ("b) c", 1.0)]),
        ("16:9 (a:b)", [("16:9 ", 1.0), ("a:b", 1.1)]),
        ("", []),
        ("()", []),
        ("(red:999999)", [("red", MOST)]),
    ],
)
def test_marks_mean_what_people_expect(typed: str, meant: list[tuple[str, float]]) -> None:
    """Round brackets count more, square ones less, escaped and stray ones are only letters."""
    assert _counted(typed) == meant


def test_a_mark_never_joins_two_words() -> None:
    """What nobody wrote as one word is not read as one, so that no list of words is got round."""
    assert read("f(o)x").text == "f o x"
    assert read("sun(flower:1.2)").text == "sun flower"
    assert read("(red), (fox)").text == "red, fox"


def test_break_begins_a_new_piece() -> None:
    """It is a word of its own, in capitals, and no longer there."""
    found = read("a fox BREAK the sea")
    assert found.text.split() == ["a", "fox", "the", "sea"]
    assert found.text[found.breaks[0] :].split() == ["the", "sea"]
    assert read("a breakfast, BREAKING news, break").breaks == ()


@given(st.text(alphabet="ab ():[]\\0.5BREAK", max_size=200))
def test_nothing_typed_is_too_odd(typed: str) -> None:
    """Whatever is typed has a weight and a place for each letter that is left."""
    found = read(typed)
    assert len(found.text) == len(found.weights) == len(found.places)
    assert list(found.places) == sorted(found.places)
    assert all(0 <= each <= MOST for each in found.weights)
    assert all(0 <= each < max(1, len(typed)) for each in found.places)


def test_small_letters_stay_in_their_places() -> None:
    """A letter that becomes two when small is left as it is."""
    assert lowered(read("A (RED:1.3) İ FOX")).text == "a red İ fox"
