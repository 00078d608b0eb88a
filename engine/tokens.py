"""Words to numbers: a model folder's tokenizer, and prompts cut into pieces its encoder can read.

The tokenizer is read as it lies there, without the libraries that models are trained with: their
import takes longer than all the reading of a prompt ever will.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from engine.prompts import Prompt

PATIENCE = 20
"""A piece ends at its last comma, if that is no further from its end than so many tokens."""
_CLIP_MARKS = ("<|startoftext|>", "<|endoftext|>")
_PIECES = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One run of the text encoder: a fixed number of token ids, and what each counts."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    real: int
    """So many tokens are words or marks; the rest fills the piece up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A prompt in pieces, and where in what was typed the last one ends (None: nothing was cut)."""

    pieces: tuple[Piece, ...]
    end: int | None = None


class Words:
    """The tokenizer in one folder. Raises `ValueError` or `OSError` for one that is none."""

    def __init__(self, folder: Path) -> None:
        config = _settings(folder)
        self._tokenizer = _read(folder, config)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.length = min(int(config.get("model_max_length", 77)), 4096)
        self.begin = self._mark(config, "bos_token", "<|startoftext|>", "<bos>")
        self.end = self._mark(config, "eos_token", "<|endoftext|>", "</s>", "<eos>")
        filler = self._mark(config, "pad_token", "<pad>", "<|endoftext|>")
        self.filler = 0 if filler is None else filler
        self._comma = {
            number
            for letter in (",", ",</w>")
            if (number := self._tokenizer.token_to_id(letter)) is not None
        }

    def cut(
        self,
        prompt: Prompt,
        *,
        length: int,
        most: int = 1,
        before: str = "",
        begins: bool = True,
        ends: bool = True,
    ) -> Pieces:
        """`prompt` in at most `most` pieces of `length` tokens each, at least one.

        Each piece `begins` and `ends` with the tokenizer's marks for that, where it has any.
        `before` are words put before the prompt.
        """
        first = (self.begin,) if begins and self.begin is not None else ()
        last = (self.end,) if ends and self.end is not None else ()
        room = length - len(first) - len(last)
        found = self._tokenizer.encode(before + prompt.text, add_special_tokens=False)
        shift = len(before)
        spans = [(a - shift, b - shift) for a, b in found.offsets]
        made: list[Piece] = []
        at = 0
        while at < len(found.ids) or not made:
            if len(made) == most:
                return Pieces(pieces=tuple(made), end=_where(prompt, spans[at - 1][1]))
            stop = min(len(found.ids), at + room)
            if len(made) < most - 1:
                stop = self._stop(found.ids, spans, prompt, at, stop)
            weights = [_weight(prompt, *span) for span in spans[at:stop]]
            ids = (*first, *found.ids[at:stop], *last)
            fill = length - len(ids)
            made.append(
                Piece(
                    ids=ids + (self.filler,) * fill,
                    weights=(1.0,) * len(first) + tuple(weights) + (1.0,) * (len(last) + fill),
                    real=len(ids),
                )
            )
            at = stop
        return Pieces(pieces=tuple(made))

    def count(self, text: str) -> int:
        """How many tokens `text` has, its marks not counted."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _stop(
        self, ids: list[int], spans: list[tuple[int, int]], prompt: Prompt, at: int, full: int
    ) -> int:
        """Where the piece from `at`, with room up to `full`, ends if another one may follow."""
        for place in prompt.breaks:
            ahead = next((n for n in range(at, full) if spans[n][0] >= place), full)
            if at < ahead < full and spans[at][0] < place:
                return ahead
        if full == len(ids):
            return full
        for number in range(full, max(at + 1, full - PATIENCE), -1):
            if ids[number - 1] in self._comma:
                return number
        return full

    def _mark(self, config: dict[str, Any], name: str, *usual: str) -> int | None:
        said = config.get(name)
        if isinstance(said, dict):  # as older versions of the library write it
            said = said.get("content")
        if name in config and said is None:
            return None
        for mark in (said, *usual) if said else usual:
            number = self._tokenizer.token_to_id(str(mark))
            if number is not None:
                return int(number)
        return None


def _weight(prompt: Prompt, start: int, stop: int) -> float:
    """What a token counts: as much as its last letter, since a space may belong to it."""
    if not 0 <= stop - 1 < len(prompt.weights):
        return 1.0
    return prompt.weights[stop - 1]


def _where(prompt: Prompt, stop: int) -> int:
    """The end, in what was typed, of what ends at `stop` without the marks."""
    return prompt.places[stop - 1] + 1 if 0 < stop <= len(prompt.places) else 0


def _settings(folder: Path) -> dict[str, Any]:
    """What the folder says of its tokenizer, with the special tokens named apart by older ones."""
    found: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        if file.is_file():
            said = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(said, dict):
                found |= said
    return found


def _read(folder: Path, config: dict[str, Any]) -> Tokenizer:
    file = folder / "tokenizer.json"
    if file.is_file():
        try:
            return Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{folder.name}/tokenizer.json cannot be read: {error}") from None
    if not (folder / "vocab.json").is_file() or not (folder / "merges.txt").is_file():
        raise FileNotFoundError(f"{folder.name}/tokenizer.json is missing")
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    merges = [
        (a, b) for a, _, b in (line.partition(" ") for line in lines) if b and a != "#version:"
    ]
    merges = [pair for pair in merges if all(each in vocabulary for each in (*pair, "".join(pair)))]
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=merges,
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            unk_token="<|endoftext|>",  # noqa: S106 # not that kind of token
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([mark for mark in _CLIP_MARKS if mark in vocabulary])
    return tokenizer
