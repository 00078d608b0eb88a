"""Putting networks that enlarge into a folder of models, and taking them out again.

Weights are converted; whatever it is, it is run once to find its scale. A network is there whole
or not at all.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.cards import NAME
from engine.errors import BrokenModel
from engine.lens import Lens, motley
from engine.networks import CARD, KIND, Network, read_network
from engine.tiles import Pixels

WEIGHTS = (".pth", ".pt", ".ckpt", ".safetensors")
BYTES_A_QUARTER = 2_000_000
"""Weights for which a quarter of a credit a megapixel is asked: work grows with their number."""
CALIBRATION = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is written into the network's `atelier.toml`; no price: by the size of the weights."""

    name: str
    title: str = ""
    licence: str = ""
    source: str = ""
    description: str = ""
    price: float | None = None


def install(
    files: Sequence[Path],
    card: Card,
    models: Path,
    *,
    int8: bool = False,
    pictures: Sequence[Pixels] = (),
    replacing: bool = False,
) -> Network:
    """Make a network of `files` (one for each scale) in the folder `models`.

    They are weights (`.pth`, `.safetensors`), ONNX or OpenVINO. `int8` brings weights and
    activations to 8 bits, measured on `pictures` or on a pattern. Raises `BrokenModel`.
    """
    if not NAME.fullmatch(card.name):
        allowed = "small letters, digits, dots, dashes; at most 40"
        raise BrokenModel(card.name, f"that is no name for a model ({allowed})")
    target = models / card.name
    if target.exists() and not replacing:
        raise BrokenModel(card.name, "there is a model of that name already")
    models.mkdir(parents=True, exist_ok=True)
    fresh = models / f".new-{card.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        for file in files:
            _put(file, fresh, card.name, int8=int8, pictures=list(pictures) or _patterns())
        _write_card(card, fresh)
        read_network(fresh)
        old = models / f".old-{card.name}"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return read_network(target)


def remove(name: str, models: Path) -> None:
    """Delete the model `name` that was fetched or added. Raises `BrokenModel` if there is none."""
    folder = models / name
    if not NAME.fullmatch(name) or not (folder / CARD).is_file():
        raise BrokenModel(name, f"it is not in {models}, so it cannot be removed from there")
    gone = models / f".old-{name}"
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _put(file: Path, folder: Path, name: str, *, int8: bool, pictures: list[Pixels]) -> None:
    if not file.is_file():
        raise BrokenModel(name, f"there is no file {file}")
    draft = folder / "draft.xml"
    if file.suffix.lower() in WEIGHTS:
        from engine import conversion  # seconds, for torch

        network = conversion.to_openvino(conversion.build(conversion.read_weights(file), file.name))
        if int8:
            network = conversion.in_8_bits(network, pictures)
        conversion.save(network, draft)
    elif file.suffix.lower() in (".onnx", ".xml"):
        if int8:
            from engine import conversion

            network = conversion.in_8_bits(conversion.read(file, name), pictures)
            conversion.save(network, draft)
        else:
            draft = folder / f"draft{file.suffix.lower()}"
            shutil.copy(file, draft)
            with suppress(FileNotFoundError):
                shutil.copy(file.with_suffix(".bin"), draft.with_suffix(".bin"))
    else:
        known = ", ".join((*WEIGHTS, ".onnx", ".xml"))
        raise BrokenModel(name, f"{file.name} is none of {known}")
    scale = Lens(draft, name=name).scale
    place = folder / f"x{scale}{draft.suffix}"
    if any(folder.glob(f"x{scale}.*")):
        raise BrokenModel(name, f"two of its files enlarge by {scale}")
    draft.rename(place)
    if draft.suffix == ".xml":
        draft.with_suffix(".bin").rename(place.with_suffix(".bin"))


def _write_card(card: Card, folder: Path) -> None:
    price = card.price
    if price is None:
        heaviest = max(file.stat().st_size for file in folder.iterdir() if file.suffix != ".xml")
        price = 0.25 * max(1, math.ceil(heaviest / BYTES_A_QUARTER))
    facts = {
        "kind": KIND,
        "name": card.name,
        "title": card.title or card.name,
        "licence": card.licence,
        "source": card.source,
        "description": card.description,
        "price": price,
    }
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items())
    (folder / CARD).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _patterns() -> list[Pixels]:
    """Something to measure 8-bit ranges on where nobody brings pictures."""
    return [motley(96, seed) for seed in range(CALIBRATION)]
