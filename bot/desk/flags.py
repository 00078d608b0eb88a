"""One grammar for what people type on every surface: `a fox --ar 3:2 --seed 7 --no clouds`.

A flag is a word that begins with `--` (or with the dash that phones make of it) and a letter; it
may stand anywhere. `\\--word` is that word itself, not a flag. Which values are possible is the
engine's business; here only their form is read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.desk.errors import MissingValue, RepeatedFlag, UnknownFlag, UnreadableValue
from bot.desk.styles import NO_STYLE
from engine.errors import InvalidRequest
from engine.request import Ask

if TYPE_CHECKING:
    from engine.catalogue import Model
    from engine.request import Paint
    from storage.jobs import Job

MAX_TEXT = 10_000
"""More characters than this are not even read; the longest prompt and negative fit well."""

_FLAG = re.compile(r"(--|[—–]{1,2})([A-Za-z][^\s=]*)(?:=(.*))?", re.DOTALL)
_ESCAPED = re.compile(r"\\+(?=(?:--|[—–]{1,2})[A-Za-z])")
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,20}(?:[.,][0-9]{0,30})?|[.,][0-9]{1,30})(?:e[+-]?[0-9]{1,3})?"
)
_SCALE = re.compile(r"[x×]?([0-9]{1,4})[x×]?", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,6})\s*[x×X*]\s*([0-9]{1,6})")
_QUOTES = {'"': '"', "“": "”", "„": "“”"}


@dataclass(frozen=True, slots=True)
class Flag:
    """What a flag fills in: fields of `Ask`, how its value is read, and an example of one.

    `runs` means that its value goes on until the next flag; one that stands `alone` takes none and
    fills in nothing: it says how to show the picture, where a platform can (`switches`).
    """

    name: str
    read: Callable[[str], dict[str, Any]]
    example: str
    runs: bool = False
    alone: bool = False


def parse(text: str, given: Ask | None = None) -> Ask:
    """The request in `text`; flags in it win over what `given` has (its prompt is not read).

    Raises `UnknownFlag`, `RepeatedFlag`, `MissingValue` or `UnreadableValue`.
    """
    if len(text) > MAX_TEXT:
        raise InvalidRequest("prompt", f"{len(text)} characters", f"1–{MAX_TEXT} characters")
    words = text.split()
    prompt: list[str] = []
    negative: list[str] = []
    typed: dict[str, str] = {}
    found: dict[str, Any] = {}
    at = 0
    while at < len(words):
        match = _FLAG.fullmatch(words[at])
        flag = None if match is None else _flag(match, words[at])
        at += 1
        if match is None or flag is None:
            prompt.append(_unescaped(words[at - 1]))
            continue
        if flag.alone:
            if match[3] is not None:
                raise UnreadableValue(flag.name, match[3][:60], flag.example)
            continue
        if match[3] is not None:
            words.insert(at, match[3])
        value, at = _value(words, at, flag, attached=match[3] is not None)
        if not value:
            raise MissingValue(flag.name, f"--{flag.name}", flag.example)
        if flag.name == "no":
            negative.append(value)
        elif typed.setdefault(flag.name, value) != value:
            raise RepeatedFlag(flag.name, value[:60], typed[flag.name][:60])
        else:
            found |= flag.read(value)
    if negative:
        found["negative"] = ", ".join(negative)
    return replace(given or Ask(prompt=""), prompt=" ".join(prompt), **found)


def switches(text: str) -> frozenset[str]:
    """The flags in `text` that stand alone, such as "spoiler"."""
    typed = (_FLAG.fullmatch(word) for word in text[:MAX_TEXT].split())
    names = {match[2].lower() for match in typed if match is not None}
    return frozenset(FLAGS[name].name for name in names if name in FLAGS and FLAGS[name].alone)


def format_job(job: Job, model: Model | None = None, *, seed: bool = True) -> str:
    """The text that asks for a job again, with its style named instead of spelled out.

    Of a picture that was enlarged later: the text that paints and enlarges it at once. There is
    none ("") for a picture that was brought along.
    """
    ask = Ask.from_json(job.filled_json)
    if not ask.prompt:
        return ""
    paint = replace(job.paint, prompt=ask.prompt, negative=ask.negative or "")
    upscale = paint.upscale
    if upscale is not None and not paint.paints:
        paint = replace(
            paint,
            width=ask.width or paint.width,
            height=ask.height or paint.height,
            upscale=replace(upscale, of=None, scale=ask.upscale or upscale.scale),
        )
    style = None if ask.style == NO_STYLE else ask.style
    return format_flags(paint, model, seed=seed, style=style)


def format_flags(
    paint: Paint, model: Model | None = None, *, seed: bool = True, style: str | None = None
) -> str:
    """The text that `parse` reads as `paint` again (its source apart).

    With `model`, what that model does not take is left out; without `seed`, a new one is drawn.
    `style` is one that the prompt of `paint` does not hold yet.
    """
    parts = [" ".join(_escaped(word) for word in paint.prompt.split())]
    model_name = _one_word(paint.model)
    parts.append(f"--model {model_name} --size {paint.width}x{paint.height} --steps {paint.steps}")
    if model is None or model.guidance:
        parts.append(f"--guidance {paint.guidance!r}")
    if seed:
        parts.append(f"--seed {paint.seed}")
    if paint.count > 1:
        parts.append(f"--count {paint.count}")
    if paint.scheduler:
        parts.append(f"--scheduler {paint.scheduler}")
    if paint.source is not None:
        parts.append(f"--strength {paint.strength!r}")
    if style is not None:
        parts.append(f"--style {style}")
    if paint.upscale is not None:
        parts.append(
            f"--upscale {paint.upscale.scale} --upscaler {_one_word(paint.upscale.network)}"
        )
        if paint.upscale.creative is not None:
            parts.append(f"--creative {paint.upscale.creative!r}")
    if paint.negative:
        first, *rest = (_escaped(word) for word in paint.negative.split())
        if re.match(r"\\*[\"“„]", first):
            first = "\\" + first
        parts.append(" ".join(["--no", first, *rest]))
    return " ".join(part for part in parts if part)


def _flag(match: re.Match[str], word: str) -> Flag | None:
    """The flag that was typed; None if it is a word after a dash that phones make."""
    typed = match[2].lower()
    if typed in FLAGS:
        return FLAGS[typed]
    close = _closest(typed[:40])
    if match[1] != "--" and close is None:
        return None
    known = [f"--{name}" for name in dict.fromkeys(flag.name for flag in FLAGS.values())]
    raise UnknownFlag("flag", f"--{match[2]}"[:60], f"--{close}" if close else ", ".join(known))


@lru_cache(maxsize=1024)
def _closest(typed: str) -> str | None:
    close = difflib.get_close_matches(typed, FLAGS, n=1, cutoff=0.55)
    return FLAGS[close[0]].name if close else None


def _value(words: list[str], at: int, flag: Flag, *, attached: bool) -> tuple[str, int]:
    """The value that begins at `words[at]`, and where the text goes on after it."""
    if at >= len(words) or (not attached and _is_flag(words[at])):
        return "", at
    closing = _QUOTES.get(words[at][:1])
    if closing is not None:
        for end in range(at, len(words)):
            if end > at and _is_flag(words[end]):
                break
            if words[end][-1] in closing and (end > at or len(words[at]) > 1):
                whole = " ".join(words[at : end + 1])
                return " ".join(whole[1:-1].split()), end + 1
    end = at + 1
    while flag.runs and end < len(words) and not _is_flag(words[end]):
        end += 1
    value = [_unescaped(word) for word in words[at:end]]
    if flag.runs:
        value[0] = re.sub(r"^\\(?=\\*[\"“„])", "", value[0])
    return " ".join(value), end


def _is_flag(word: str) -> bool:
    match = _FLAG.fullmatch(word)
    if match is None:
        return False
    try:
        return _flag(match, word) is not None
    except UnknownFlag:
        return True


def _unescaped(word: str) -> str:
    return word[1:] if _ESCAPED.match(word) else word


def _escaped(word: str) -> str:
    return "\\" + word if _ESCAPED.match(word) or _is_flag(word) else word


def _one_word(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _text(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda value: {field: value}


def _lower(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda value: {field: value.lower()}


def _whole(field: str) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        if not _WHOLE.fullmatch(value):
            raise UnreadableValue(field, value[:60], EXAMPLES[field])
        return {field: int(value)}

    return read


def _number(field: str) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        if not _NUMBER.fullmatch(value.lower()):
            raise UnreadableValue(field, value[:60], EXAMPLES[field])
        return {field: float(value.replace(",", "."))}

    return read


def _size(value: str) -> dict[str, Any]:
    match = _SIZE.fullmatch(value)
    if match is None:
        raise UnreadableValue("size", value[:60], EXAMPLES["size"])
    return {"width": int(match[1]), "height": int(match[2])}


def _scale(value: str) -> dict[str, Any]:
    match = _SCALE.fullmatch(value)
    if match is None:
        raise UnreadableValue("upscale", value[:60], EXAMPLES["upscale"])
    return {"upscale": int(match[1])}


EXAMPLES = {
    "size": "256x256",
    "steps": "6",
    "seed": "7",
    "count": "2",
    "guidance": "3.5",
    "strength": "0.5",
    "upscale": "2",
    "creative": "0.3",
}
FLAGS = {
    "ar": Flag("ar", _text("aspect"), "3:2"),
    "size": Flag("size", _size, "256x256"),
    "steps": Flag("steps", _whole("steps"), "6"),
    "seed": Flag("seed", _whole("seed"), "7"),
    "no": Flag("no", _text("negative"), "clouds", runs=True),
    "guidance": Flag("guidance", _number("guidance"), "3.5"),
    "count": Flag("count", _whole("count"), "2"),
    "model": Flag("model", _text("model"), "starter"),
    "strength": Flag("strength", _number("strength"), "0.5"),
    "style": Flag("style", _text("style"), "poster"),
    "upscale": Flag("upscale", _scale, "2"),
    "upscaler": Flag("upscaler", _text("upscaler"), "crisp"),
    "creative": Flag("creative", _number("creative"), "0.3"),
    "scheduler": Flag("scheduler", _lower("scheduler"), "euler"),
    "mask": Flag("mask", _lower("mask"), "alpha"),
    "spoiler": Flag("spoiler", lambda value: {}, "--spoiler", alone=True),
}
"""What there is, by what may be typed; aliases lead to the same flag."""
FLAGS |= {
    "aspect": FLAGS["ar"],
    "negative": FLAGS["no"],
    "cfg": FLAGS["guidance"],
    "n": FLAGS["count"],
    "up": FLAGS["upscale"],
    "sampler": FLAGS["scheduler"],
}
