"""What a denoiser is told of the words: text encoders' answers, weighted, in pieces, remembered."""

from __future__ import annotations

import ast
import importlib.util
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import BrokenModel
from engine.prompts import Prompt, lowered, read
from engine.request import Note

if TYPE_CHECKING:
    from engine.compiled import Compiled
    from engine.parts import Array, Parts
    from engine.request import Paint
    from engine.tokens import Piece, Pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The denoiser's inputs that stay the same over all steps, and what to say of the words."""

    inputs: dict[str, Array]
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        for each in self.inputs.values():
            each.flags.writeable = False  # so that a network knows it is the same at each step


class Text(ABC):
    """The text encoders of one model; compiled when `load` is called."""

    parts_needed: tuple[str, ...]

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._encoders: dict[str, Compiled] = {}

    def load(self, part: str) -> None:
        """Compile one of the encoders; another session's is used where there is one."""
        self._encoders[part] = self.parts.network(part, lambda name, rank: [1, self.length(part)])

    @abstractmethod
    def length(self, part: str) -> int:
        """Tokens in one run of that encoder."""

    @abstractmethod
    def tell(self, paint: Paint, *, guided: bool, pieces: int) -> Told:
        """What the denoiser is told of the words of `paint`."""

    def pieces(self, paint: Paint, *, guided: bool) -> int:
        """How many pieces of its text encoder's length the words of `paint` take."""
        del paint, guided
        return 1

    def _answer(self, part: str, piece: Piece, name: str, *, mask: bool = False) -> Array:
        """The encoder's output `name` for one piece, remembered."""

        def ask() -> Array:
            given: dict[str, Any] = {"input_ids": np.array([piece.ids], np.int64)}
            if mask:
                real = np.arange(len(piece.ids)) < piece.real
                given["attention_mask"] = real[None].astype(np.int64)
            answer = self._encoders[part](given)
            found: Array = np.array(answer[name] if name else answer[0])
            return found

        return self.parts.said((part, piece.ids, name), ask)

    def _notes(self, paint: Paint, field: str, found: Pieces) -> tuple[Note, ...]:
        """A note if the encoder could read only the beginning."""
        if found.end is None:
            return ()
        text = paint.prompt if field == "prompt" else paint.negative
        used = text[: found.end].strip()
        return (Note(code="prompt_cut", field=field, model=paint.model, given=text, used=used),)

    def _last(self, part: str) -> list[str]:
        """The names of an encoder's layers, the first one first."""
        names = {name for each in self._encoders[part].outputs for name in each.names}
        layers = [name for name in names if name.startswith("hidden_states.")]
        if len(layers) < 2:
            raise BrokenModel(self.parts.model.name, f"{part} does not tell its hidden states")
        return sorted(layers, key=lambda name: int(name.rpartition(".")[2]))


class ClipText(Text):
    """CLIP's one encoder of Stable Diffusion, or the two of XL; prompts in up to three pieces."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._double = parts.model.family == "stable-diffusion-xl"
        self.parts_needed = ("text_encoder", *(("text_encoder_2",) if self._double else ()))

    def length(self, part: str) -> int:
        return min(77, self.parts.words(_tokenizer(part)).length)

    def pieces(self, paint: Paint, *, guided: bool) -> int:
        if self.parts.model.chunks < 2 or len(paint.prompt) + len(paint.negative) < 24:
            return 1  # no text of so few letters has more tokens than one piece
        texts = [paint.prompt, *([paint.negative] if guided else [])]
        return max(len(self._cut("text_encoder", read(text)).pieces) for text in texts)

    def tell(self, paint: Paint, *, guided: bool, pieces: int) -> Told:
        wanted = read(paint.prompt)
        inputs, notes = self._both(wanted, pieces), self._cut_note(paint, "prompt", wanted)
        if guided:
            negative = read(paint.negative)
            other = self._both(negative, pieces)
            notes += self._cut_note(paint, "negative", negative)
            if self._double and not paint.negative and self._zeros:
                other = {name: np.zeros_like(value) for name, value in other.items()}
            inputs = {name: np.concatenate([other[name], inputs[name]]) for name in inputs}
        if self._double:
            size = (paint.height, paint.width)
            row = np.array([[*size, 0, 0, *size]], np.float32)
            inputs["time_ids"] = np.repeat(row, len(inputs["text_embeds"]), axis=0)
        inputs["guidance"] = np.array([paint.guidance], np.float32)
        return Told(inputs=inputs, notes=notes)

    @property
    def _zeros(self) -> bool:
        """Whether no negative prompt is told as nothing at all."""
        return bool(self.parts.read("model_index.json").get("force_zeros_for_empty_prompt", True))

    def _cut_note(self, paint: Paint, field: str, prompt: Prompt) -> tuple[Note, ...]:
        return self._notes(paint, field, self._cut("text_encoder", prompt))

    def _cut(self, part: str, prompt: Prompt) -> Pieces:
        words = self.parts.words(_tokenizer(part))
        return words.cut(prompt, length=self.length(part), most=max(1, self.parts.model.chunks))

    def _both(self, prompt: Prompt, pieces: int) -> dict[str, Array]:
        told = [self._one(part, prompt, pieces) for part in self.parts_needed]
        inputs = {"encoder_hidden_states": np.concatenate(told, axis=2)}
        if self._double:
            first = self._cut("text_encoder_2", prompt).pieces[0]
            inputs["text_embeds"] = self._answer("text_encoder_2", first, "text_embeds")
        return inputs

    def _one(self, part: str, prompt: Prompt, pieces: int) -> Array:
        """(1, tokens, channels): all pieces one after another, weighted."""
        name = self._last(part)[-2] if self._double else "last_hidden_state"
        found = list(self._cut(part, prompt).pieces)
        empty = self._cut(part, read("")).pieces[0]
        found += [empty] * (pieces - len(found))
        told = [_weighted(self._answer(part, each, name), each, kept=True) for each in found]
        return np.concatenate(told[:pieces], axis=1)


class FluxText(Text):
    """CLIP for the whole of a prompt, T5 for each of its words."""

    parts_needed = ("text_encoder", "text_encoder_2")

    def length(self, part: str) -> int:
        if part == "text_encoder":
            return min(77, self.parts.words().length)
        guided = bool(self.parts.config("transformer").get("guidance_embeds"))
        return min(512 if guided else 256, self.parts.words("tokenizer_2").length)

    def tell(self, paint: Paint, *, guided: bool, pieces: int) -> Told:
        del guided, pieces
        prompt = read(paint.prompt)
        short = self.parts.words().cut(prompt, length=self.length("text_encoder")).pieces[0]
        length = self.length("text_encoder_2")
        long = self.parts.words("tokenizer_2").cut(prompt, length=length, begins=False)
        piece = long.pieces[0]
        states = self._answer("text_encoder_2", piece, "")
        inputs = {
            "pooled_projections": self._answer("text_encoder", short, "pooler_output"),
            "encoder_hidden_states": _weighted(states, piece, kept=False),
            "txt_ids": np.zeros((length, 3), np.float32),
            "guidance": np.array([paint.guidance], np.float32),
        }
        return Told(inputs=inputs, notes=self._notes(paint, "prompt", long))


class SanaText(Text):
    """A language model, which is first told what it is to do with the prompt."""

    parts_needed = ("text_encoder",)
    LONGEST = 300

    def length(self, part: str) -> int:
        del part
        return self.LONGEST + self._opening - 1

    def tell(self, paint: Paint, *, guided: bool, pieces: int) -> Told:
        del guided, pieces
        told = self.parts.words().cut(
            lowered(read(paint.prompt)),
            length=self.length("text_encoder"),
            before=instruction(),
            ends=False,
        )
        piece = told.pieces[0]
        states = _weighted(self._answer("text_encoder", piece, "", mask=True), piece, kept=False)
        chosen = [0, *range(len(piece.ids) - self.LONGEST + 1, len(piece.ids))]
        real = np.arange(len(piece.ids)) < piece.real
        scale = float(self.parts.config("transformer").get("guidance_embeds_scale") or 0.1)
        inputs = {
            "encoder_hidden_states": states[:, chosen],
            "encoder_attention_mask": real[None, chosen].astype(np.int64),
            "guidance": np.array([paint.guidance * scale], np.float32),
        }
        return Told(inputs=inputs, notes=self._notes(paint, "prompt", told))

    @property
    def _opening(self) -> int:
        words = self.parts.words()
        return words.count(instruction()) + (words.begin is not None) - 1


@cache
def instruction() -> str:
    """What Sana's text encoder is told before the prompt, as diffusers' pipeline has it.

    It is read out of the file instead of imported, which would bring all of transformers along.
    """
    found = importlib.util.find_spec("diffusers")
    if found is None or found.origin is None:
        raise ImportError("diffusers is not installed")
    file = Path(found.origin).parent / "pipelines" / "sana" / "pipeline_sana_sprint.py"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "__call__":
            named = [*node.args.args][-len(node.args.defaults) :]
            for argument, value in zip(named, node.args.defaults, strict=True):
                if argument.arg == "complex_human_instruction":
                    return "\n".join(ast.literal_eval(value))
    raise ImportError("diffusers' Sana-Sprint has no instruction")


def _tokenizer(part: str) -> str:
    return part.replace("text_encoder", "tokenizer")


def _weighted(states: Array, piece: Piece, *, kept: bool) -> Array:
    """`states` with each token times what it counts; `kept`: their mean stays what it was."""
    if all(each == 1.0 for each in piece.weights):
        return states
    counted = states * np.array(piece.weights, states.dtype)[None, :, None]
    if kept and abs(float(counted.mean())) > 1e-8:
        counted = counted * (states.mean() / counted.mean())
    found: Array = counted.astype(states.dtype)
    return found
