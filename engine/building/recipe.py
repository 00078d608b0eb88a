"""What is to be built, and what came of it; imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

OnStage = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0: unknown)."""

NOTE = "build.json"
PROMPTS = Path(__file__).with_name("prompts.txt")
SHEET = "sheet.png"
SAMPLES = 4
"""Pictures that are painted by the original and by what was built of it."""

INPUTS = 64
"""Inputs that 8-bit ranges are found on; more change nothing that could be seen."""


class Precision(StrEnum):
    """How exact the numbers of what is built are."""

    int8 = "int8"
    """Weights and activations in 8 bits, their ranges measured; quickest on most processors."""
    weights = "weights"
    """Weights in 8 bits, everything else as it was."""
    fp16 = "fp16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the weights are: a diffusers folder, or one file with what it lacks beside it."""

    path: Path
    rest: Path | None = None
    """A diffusers folder with the parts that a single file does not bring, such as a tokenizer."""
    origin: str = ""
    """What the person named: a hub id, a folder, a file."""
    revision: str = ""
    prediction: str | None = None
    """What a single file was trained to predict, where its family has both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """Low-rank changes to be fused into the weights, and how strongly."""

    file: Path
    scale: float = 1.0
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One build. `card` has what the model's card shall say instead of what is found out."""

    name: str
    source: Source
    loras: tuple[Lora, ...] = ()
    precision: Precision = Precision.int8
    decoder: Path | None = None
    """A tiny decoder: a folder of an AutoencoderTiny, or of OpenVINO networks."""
    prompts: tuple[str, ...] = ()
    samples: int = SAMPLES
    inputs: int = INPUTS
    memory: int | None = None
    """Bytes that the machine has; None builds whether they are enough or not."""
    card: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The numbers of a finished build, as they also stand in its `build.json`.

    `psnr` is of each sample against the original in fp32 from the same seed; the seconds are of
    one picture: the original's in fp32 by its own library, and the built model's.
    """

    name: str
    folder: Path
    family: str
    source: str
    revision: str
    loras: tuple[tuple[str, float], ...]
    precision: str
    size: tuple[int, int]
    steps: int
    guidance: float
    scheduler: str
    psnr: tuple[float, ...]
    decoder: str
    """"full", "tiny" or "tiny, 8 bits"."""
    bytes_before: int
    bytes_after: int
    seconds_before: float
    seconds_after: float
    peak_bytes: int
    """The most memory the build held at once."""
    took: float
    notes: tuple[str, ...] = ()

    @property
    def sheet(self) -> Path:
        return self.folder / SHEET

    @property
    def mean_psnr(self) -> float:
        return sum(self.psnr) / len(self.psnr) if self.psnr else float("nan")


def read_prompts(file: Path = PROMPTS) -> tuple[str, ...]:
    """One prompt a line; what begins with # is not one."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def read_note(folder: Path) -> dict[str, Any] | None:
    """What a build stored about the model in `folder`, if it was built."""
    try:
        found = json.loads((folder / NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
