"""Judges finished pictures with an image classifier: how likely one is that not everybody wants.

Which classes are harmless is told by their names, as classifiers of this kind have them. What
becomes of a picture is decided elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from PIL import Image

from engine.errors import BrokenModel

NETWORK = "openvino_model.xml"
HARMLESS = frozenset(
    ["normal", "sfw", "safe", "neutral", "clean", "drawing", "drawings", "benign", "general"]
)
HARMFUL = frozenset(
    ["nsfw", "unsafe", "porn", "hentai", "sexy", "sexual", "explicit", "nude", "violence", "gore"]
)
USUAL_SIDE = 224


class Classifier:
    """One classifier, compiled for one picture at a time; belongs to one thread."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """Load what lies in `folder`. Raises `BrokenModel`."""
        self._name = folder.name
        self._size, self._crop, self._mean, self._deviation, self._scale = _preparation(
            _read(folder, "preprocessor_config.json", self._name)
        )
        self._harmless, self._harmful = self._classes(_read(folder, "config.json", self._name))
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            network = core.read_model(folder / NETWORK)
            (pixels,) = network.inputs
            network.reshape({pixels: [1, 3, self._crop[1], self._crop[0]]})
            self._network = core.compile_model(network, "CPU", options)
        except Exception as error:
            raise BrokenModel(self._name, f"it cannot be loaded: {str(error)[:200]}") from error

    def __call__(self, image: Image.Image) -> float:
        """How likely the picture is harmful, 0–1."""
        logits = self._network([self._prepared(image)])[0][0].astype(np.float64)
        odds = np.exp(logits - logits.max())
        shares = odds / odds.sum()
        if self._harmless:
            return float(1.0 - shares[self._harmless].sum())
        return float(shares[self._harmful].sum())

    def _prepared(self, image: Image.Image) -> Any:
        rgb = image.convert("RGB")
        size = self._size or _covering(rgb.size, self._crop)
        small = rgb.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
        left, top = ((have - want) // 2 for have, want in zip(size, self._crop, strict=True))
        cut = small.crop((left, top, left + self._crop[0], top + self._crop[1]))
        pixels = np.asarray(cut, dtype=np.float32) * self._scale
        pixels = (pixels - self._mean) / self._deviation
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)

    def _classes(self, config: dict[str, Any]) -> tuple[list[int], list[int]]:
        """The numbers of the harmless classes and of the harmful ones."""
        named = {int(number): _plain(name) for number, name in config.get("id2label", {}).items()}
        harmless = [number for number, name in named.items() if name in HARMLESS]
        harmful = [number for number, name in named.items() if name in HARMFUL]
        if not harmless and not harmful:
            told = ", ".join(named.values()) or "none"
            raise BrokenModel(self._name, f"none of its classes is known to be harmful ({told})")
        return harmless, harmful


def _preparation(
    said: dict[str, Any],
) -> tuple[tuple[int, int] | None, tuple[int, int], Any, Any, float]:
    """How a picture is made ready: its size before it is cut (None: it covers), and after; then
    mean, deviation and scale of the pixels."""
    size = said.get("size", USUAL_SIDE)
    whole: tuple[int, int] | None = None
    if isinstance(size, dict) and "width" in size:
        whole = crop = (int(size["width"]), int(size["height"]))
    else:
        side = int(size.get("shortest_edge", USUAL_SIDE) if isinstance(size, dict) else size)
        crop = (side, side)
        if not isinstance(size, dict):
            whole = crop
    if said.get("do_center_crop") and "crop_size" in said:
        cut = said["crop_size"]
        crop = (int(cut["width"]), int(cut["height"])) if isinstance(cut, dict) else (int(cut),) * 2
        if whole is not None and (whole[0] < crop[0] or whole[1] < crop[1]):
            crop = whole
    normal = said.get("do_normalize", True)
    mean = np.array(said.get("image_mean", [0.5] * 3) if normal else [0.0] * 3, dtype=np.float32)
    deviation = np.array(said.get("image_std", [0.5] * 3) if normal else [1.0] * 3, np.float32)
    scale = float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
    return whole, crop, mean, deviation, scale


def _covering(size: tuple[int, int], crop: tuple[int, int]) -> tuple[int, int]:
    """The size that covers `crop` with as little as possible sticking out."""
    scale = max(crop[0] / size[0], crop[1] / size[1])
    return max(crop[0], round(size[0] * scale)), max(crop[1], round(size[1] * scale))


def _plain(name: object) -> str:
    return str(name).strip().lower().replace("-", "_")


def _read(folder: Path, file: str, name: str) -> dict[str, Any]:
    try:
        said = json.loads((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BrokenModel(name, f"{file} is missing") from None
    except (OSError, ValueError) as error:
        raise BrokenModel(name, f"{file} cannot be read: {error}") from None
    if not isinstance(said, dict):
        raise BrokenModel(name, f"{file} is not a JSON object")
    return said
