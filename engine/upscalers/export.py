"""Owns the way out: OpenVINO networks of any size with half-precision weights; and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import openvino
import torch
from safetensors.torch import load_file, save_file

from engine.starter import pace
from engine.upscalers import train
from engine.upscalers.degrade import NAMES
from engine.upscalers.network import SCALES, Enlarger, Finished

HERE = Path(__file__).parent
CARD = "atelier.toml"
WEIGHTS = "weights.safetensors"


def from_checkpoints(scratch: Path, names: Iterable[str] = NAMES, folder: Path = HERE) -> None:
    """Write what ships of every network whose checkpoints are there."""
    for name in names:
        weights: dict[str, torch.Tensor] = {}
        for scale in SCALES:
            checkpoint = train.checkpoint_of(scratch, name, scale)
            if checkpoint.exists():
                model = train.read(checkpoint, scale)
                write_network(model, folder / name / f"x{scale}.xml")
                weights |= {f"x{scale}.{n}": w.half() for n, w in model.state_dict().items()}
        if weights:
            save_file(weights, folder / name / WEIGHTS)


def write_network(model: Enlarger, file: Path) -> None:
    """One network as IR: NCHW RGB from 0 to 1 in and out, height and width free."""
    shape = openvino.PartialShape([1, 3, -1, -1])
    found = openvino.convert_model(
        Finished(model.eval()), example_input=torch.rand(1, 3, 32, 40), input=[shape]
    )
    found.inputs[0].set_names({"image"})
    found.outputs[0].set_names({"enlarged"})
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"fresh-{file.name}")
    openvino.save_model(found, fresh, compress_to_fp16=True)
    for ending in (".bin", ".xml"):
        fresh.with_suffix(ending).replace(file.with_suffix(ending))


def thaw(scratch: Path, names: Iterable[str] = NAMES, folder: Path = HERE) -> None:
    """Checkpoints from the half-precision weights, to train on where scratch was lost."""
    for name in names:
        weights = load_file(folder / name / WEIGHTS)
        for scale in SCALES:
            path = train.checkpoint_of(scratch, name, scale)
            if path.exists():
                raise FileExistsError(f"{path} is there already: train on from that")
            own = {n[3:]: w.float() for n, w in weights.items() if n.startswith(f"x{scale}.")}
            pace.save(path, model=own, mean=own)
