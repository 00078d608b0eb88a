"""What a place does not want to see: how it is found, and what cannot be kept."""

from __future__ import annotations

import time

import pytest

from bot.desk.errors import BadPattern, BlockedWord
from bot.desk.moderation import LONGEST, MOST, MOST_PATTERNS, check, validated


def found(word: str, prompt: str) -> str | None:
    """What is named as blocked in `prompt`."""
    try:
        check(validated((word,)), prompt=prompt, negative=None)
    except BlockedWord as blocked:
        return blocked.found
    return None


@pytest.mark.parametrize(
    ("word", "prompt"),
    [
        ("gore", "a fox, gore everywhere"),
        ("gore", "GoRe"),
        ("gore", "Ｇｏｒｅ"),
        ("gore", "go\u200bre"),
        ("gore", "go\u00adre!"),
        ("GORE", "(gore)"),
        ("straße", "EINE STRASSE"),
        ("red fox", "a red   fox"),
        ("red fox", "a red (fox:1.3)"),
        ("red fox", "[red] ((fox))"),
        ("c++", "painted in c++."),
        ("🔫", "a🔫b"),
        ("naïve", "nai\u0308ve"),
        ("файл", "большой ФАЙЛ"),
    ],
)
def test_a_word_is_found_however_it_is_written(word: str, prompt: str) -> None:
    """Case, compatibility forms, invisible characters and spaces make no difference."""
    assert found(word, prompt) == word


@pytest.mark.parametrize(
    ("word", "prompt"),
    [
        ("gore", "gorey"),
        ("gore", "Al Gores house"),
        ("ass", "a classic glass, Hass"),
        ("red fox", "a red-brown fox"),
        ("c++", "letters a, b, c"),
        ("год", "годовой"),
    ],
)
def test_a_word_is_found_whole_only(word: str, prompt: str) -> None:
    """Part of another word is another word, in every script."""
    assert found(word, prompt) is None


@pytest.mark.parametrize(
    ("pattern", "prompt", "told"),
    [
        (r"/g[o0]re\w*/", "so much G0REY stuff", "G0REY"),
        (r"/stra(ss|ß)e/", "Große STRASSE", "STRASSE"),
        (r"/\bkill(er|ing)?\b/", "a killer whale", "killer"),
        (r"/^a fox$/", "a fox", "a fox"),
    ],
)
def test_a_pattern_stands_between_slashes(pattern: str, prompt: str, told: str) -> None:
    """It matches anywhere, in whatever case, and the person is told what it found."""
    assert found(pattern, prompt) == told
    assert found(pattern, "something else") is None


def test_the_negative_prompt_is_read_too() -> None:
    """And the refusal says where it was."""
    check(("gore",), prompt="a fox", negative=None)
    with pytest.raises(BlockedWord) as blocked:
        check(("gore",), prompt="a fox", negative="gore, fog")
    assert (blocked.value.field, blocked.value.found) == ("negative", "gore")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("/(/",), "missing"),
        ((r"/(a)\1/",), "escape"),
        (("/(?=x)y/",), "operator"),
        (("/(\\pL\\pN){60}/",), "too large"),
        (("//",), "everything"),
        (("/x*/",), "everything"),
        (("\u200b",), "everything"),
        (("x" * (LONGEST + 1),), "length"),
        (tuple(map(str, range(MOST + 1))), "count"),
        (tuple(f"/{n}/" for n in range(MOST_PATTERNS + 1)), "count"),
    ],
)
def test_what_cannot_be_used_is_refused_when_it_is_saved(
    words: tuple[str, ...], reason: str
) -> None:
    """With the reason, so that the admin can mend it."""
    with pytest.raises(BadPattern) as bad:
        validated(("fine", *words))
    assert reason in bad.value.reason


def test_words_are_kept_tidy() -> None:
    """Trimmed, each once, in order."""
    assert validated((" red  fox ", "", "gore", "red fox", "/a b/")) == ("red fox", "gore", "/a b/")


def test_no_pattern_holds_up_the_loop() -> None:
    """What hangs others for years takes no time here."""
    evil = ("/(x+x+)+y/", "/(.*)*$z/", "/(a|aa)+b/", "/(a?){200}a{200}b/"[:LONGEST])
    began = time.process_time()
    check(validated(evil), prompt="x" * 1000 + "a" * 1000, negative="a" * 2000)
    assert time.process_time() - began < 1
