"""A second look at a finished picture: its latents, kept small, through the model's full decoder.

Models that paint with a tiny decoder may bring the full one along in `vae_decoder_hd/`. It is
compiled when somebody asks for it, and let go when another shape is asked for.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
from PIL import Image

from engine.catalogue import FULL_DECODER
from engine.errors import BrokenModel

if TYPE_CHECKING:
    from engine.catalogue import Model

Latents = np.ndarray[Any, np.dtype[np.floating[Any]]]


def pack(latents: Latents) -> bytes:
    """Latents (1, channels, height, width) as a file: in half precision, which no eye can tell."""
    out = io.BytesIO()
    np.save(out, np.asarray(latents, np.float16), allow_pickle=False)
    return out.getvalue()


def unpack(data: bytes) -> Latents:
    """The latents in such a file; raises `ValueError` for anything else."""
    try:
        latents = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, EOFError) as error:
        raise ValueError(f"no latents: {error}") from None
    if not isinstance(latents, np.ndarray) or latents.ndim != 4 or latents.shape[0] != 1:
        raise ValueError("no latents of one picture")
    return latents.astype(np.float32)


class FullDecoder:
    """The full decoder of one model, compiled for latents of one shape."""

    def __init__(
        self, core: openvino.Core, options: dict[str, Any], model: Model, shape: tuple[int, ...]
    ) -> None:
        folder = model.folder / FULL_DECODER
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._factor = float(config["scaling_factor"])
            self._shift = float(config.get("shift_factor") or 0.0)
            network = core.read_model(folder / "openvino_model.xml")
            network.reshape({each: list(shape) for each in network.inputs})
            self._network = core.compile_model(network, "CPU", options)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = f"{FULL_DECODER} cannot be used: {type(error).__name__}"
            raise BrokenModel(model.name, reason) from error
        self.made_for = (model.name, shape)

    def decode(self, latents: Latents) -> Image.Image:
        """Latents as the sampler left them -> an RGB picture."""
        (sample,) = self._network(latents / self._factor + self._shift).values()
        pixels = (sample[0].transpose(1, 2, 0) * 127.5 + 127.5).round()
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
