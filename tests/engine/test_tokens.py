"""The tokenizer of a model folder without the libraries that models are trained with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from engine.catalogue import STARTER
from engine.prompts import read
from engine.tokens import Words

TEXTS = ("a red fox", "Ünïcode — 42 foxes' ☃ \tRed   FOX", "<|endoftext|> hi", "", "it's 1:30")


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(STARTER / "tokenizer")


@pytest.mark.parametrize("text", TEXTS)
def test_words_become_the_numbers_that_the_model_learned(words: Words, text: str) -> None:
    """As the tokenizer itself puts them, with its marks, filled up to one length."""
    own = Tokenizer.from_file(str(STARTER / "tokenizer" / "tokenizer.json"))
    (piece,) = words.cut(read(text), length=77).pieces
    expected = own.encode(text).ids
    assert list(piece.ids[: piece.real]) == expected
    assert set(piece.ids[piece.real :]) <= {words.filler}
    assert len(piece.ids) == len(piece.weights) == 77


@pytest.mark.parametrize("text", TEXTS)
def test_older_folders_have_two_files_for_it(words: Words, tmp_path: Path, text: str) -> None:
    """vocab.json and merges.txt say the same as tokenizer.json."""
    said = json.loads((STARTER / "tokenizer" / "tokenizer.json").read_text("utf-8"))["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(said["vocab"]), "utf-8")
    merges = [each if isinstance(each, str) else " ".join(each) for each in said["merges"]]
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    mark = {"content": "<|endoftext|>"}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"pad_token": mark}), "utf-8")
    older = Words(tmp_path)
    assert older.cut(read(text), length=77) == words.cut(read(text), length=77)


def test_each_token_counts_as_its_letters_do(words: Words) -> None:
    """A weight is that of the word's token, marks and filling count once."""
    (piece,) = words.cut(read("a (lighthouse:1.5) [sea]"), length=8).pieces
    assert piece.real == 5
    assert piece.weights == pytest.approx((1, 1, 1.5, 1 / 1.1, 1, 1, 1, 1))


def test_long_prompts_come_in_pieces_that_end_at_commas(words: Words) -> None:
    """No more than allowed; where the last one ended is known in what was typed."""
    typed = "a (lighthouse:1.2) by the sea, " * 40
    found = words.cut(read(typed), length=77, most=3)
    assert len(found.pieces) == 3
    assert [each.real for each in found.pieces[:2]] == [72 + 2, 72 + 2]
    assert found.pieces[2].real == 77
    assert found.end is not None
    assert typed[: found.end].count("lighthouse") in (37, 38)
    whole = words.cut(read("by the sea, " * 30), length=77, most=3)
    assert whole.end is None
    assert len(whole.pieces) == 2
    assert words.cut(read(typed), length=77).end is not None


def test_break_ends_a_piece_where_another_may_follow(words: Words) -> None:
    """Where only one piece is read, it is passed over."""
    prompt = read("a lighthouse BREAK the sea")
    first, second = words.cut(prompt, length=77, most=3).pieces
    assert (first.real, second.real) == (4, 4)
    (alone,) = words.cut(prompt, length=77).pieces
    assert alone.real == 6


def test_what_is_no_tokenizer_is_said(tmp_path: Path) -> None:
    """A missing or damaged file is one clear error."""
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json is missing"):
        Words(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be read"):
        Words(tmp_path)
