"""Super-resolution weights as others publish them, made into what the upscaler runs.

Nearly all networks of this kind have one of two architectures, RRDBNet or SRVGGNetCompact. Which
one it is, how large and for which scale, is found from the names and shapes of the weights. Both
architectures are written down here once more, in the common naming, so that the weights fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import openvino
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import BrokenModel
from engine.tiles import Pixels

NESTS = ("params_ema", "params", "state_dict", "model", "netG", "generator")
"""Where a training script may have put the weights in its file, the best first."""
OLD_NAMES = (
    (r"^model\.0\.", "conv_first."),
    (r"^model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.", r"body.\1.rdb\2.conv\3."),
    (r"^model\.1\.sub\.\d+\.(?=weight|bias)", "conv_body."),
    (r"^model\.3\.", "conv_up1."),
    (r"^model\.6\.", "conv_up2."),
    (r"^model\.8\.", "conv_hr."),
    (r"^model\.10\.", "conv_last."),
    (r"^trunk_conv\.", "conv_body."),
    (r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
    (r"^upconv(\d)\.", r"conv_up\1."),
    (r"^HRconv\.", "conv_hr."),
)
"""RRDBNet's layers as ESRGAN's first two versions called them, and as everybody does now."""


class Dense(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Five convolutions, each of which sees all that came before."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for number in range(1, 6):
            inputs, outputs = width + (number - 1) * growth, growth if number < 5 else width
            setattr(self, f"conv{number}", nn.Conv2d(inputs, outputs, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for number in range(1, 5):
            layer = getattr(self, f"conv{number}")
            seen.append(F.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
        return cast(Tensor, self.conv5(torch.cat(seen, 1)) * 0.2 + x)


class DenseInDense(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Three of them, and past them."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(width, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x)


class RRDBNet(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """ESRGAN's network: four times as large; smaller scales fold the picture up first."""

    def __init__(self, *, scale: int, width: int, growth: int, blocks: int, doublings: int) -> None:
        super().__init__()
        self.scale = scale
        self.fold = 2**doublings // scale
        self.doublings = doublings
        self.conv_first = nn.Conv2d(3 * self.fold**2, width, 3, 1, 1)
        self.body = nn.Sequential(*(DenseInDense(width, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, 1, 1)
        for number in range(1, doublings + 1):
            setattr(self, f"conv_up{number}", nn.Conv2d(width, width, 3, 1, 1))
        self.conv_hr = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.fold > 1:
            x = F.pixel_unshuffle(x, self.fold)
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for number in range(1, self.doublings + 1):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.leaky_relu(getattr(self, f"conv_up{number}")(x), 0.2)
        return cast(Tensor, self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2)))


class SRVGGNetCompact(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Real-ESRGAN's small network: all work at the small size, on top of the nearest pixels."""

    def __init__(self, *, scale: int, width: int, layers: int) -> None:
        super().__init__()
        self.scale = scale
        parts: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1), nn.PReLU(width)]
        for _ in range(layers):
            parts += [nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(width)]
        parts.append(nn.Conv2d(width, 3 * scale**2, 3, 1, 1))
        self.body = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        found = x
        for part in self.body:
            found = part(found)
        plain = F.interpolate(x, scale_factor=self.scale, mode="nearest")
        return cast(Tensor, F.pixel_shuffle(found, self.scale) + plain)


def read_weights(file: Path) -> dict[str, Tensor]:
    """The weights in a `.pth` or `.safetensors` file, by their names.

    No code in the file is ever run (`weights_only`). Raises `BrokenModel`.
    """
    try:
        if file.suffix == ".safetensors":
            found: Any = load_file(file)
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BrokenModel(file.name, f"it cannot be read: {error.strerror or error}") from None
    except Exception as error:  # pickle, zip, safetensors: each has its own
        reason = str(error).strip().split("\n")[0][:200]
        raise BrokenModel(file.name, f"it is no file of weights: {reason}") from None
    for nest in NESTS:
        if isinstance(found, Mapping) and isinstance(found.get(nest), Mapping):
            found = found[nest]
    if not isinstance(found, Mapping):
        raise BrokenModel(file.name, "it holds no weights by name")
    weights = {str(k): v.float() for k, v in found.items() if isinstance(v, Tensor)}
    if not weights:
        raise BrokenModel(file.name, "it holds no weights by name")
    return {_renamed(name): weight for name, weight in weights.items()}


def build(weights: Mapping[str, Tensor], name: str) -> nn.Module:
    """The network that these weights belong to, with them in it; `.scale` is what it enlarges by.

    Raises `BrokenModel` if they belong to another architecture.
    """
    try:
        if "conv_first.weight" in weights and "body.0.rdb1.conv1.weight" in weights:
            network = _rrdb(weights)
        elif "body.0.weight" in weights and "body.1.weight" in weights:
            network = _compact(weights)
        else:
            raise BrokenModel(name, "its architecture is neither RRDBNet nor SRVGGNetCompact")
        network.load_state_dict(dict(weights))
    except (RuntimeError, KeyError, ValueError, ZeroDivisionError) as error:
        reason = str(error).strip().split("\n")[-1].strip()[:200]
        raise BrokenModel(name, f"its weights do not fit together: {reason}") from None
    return network.eval()


def to_openvino(network: nn.Module) -> openvino.Model:
    """The network for pictures of any size, as OpenVINO takes it."""
    example = torch.rand(1, 3, 32, 48)
    shape = openvino.PartialShape([-1, 3, -1, -1])
    with torch.no_grad():
        return openvino.convert_model(network, example_input=example, input=[shape])


def read(file: Path, name: str) -> openvino.Model:
    """A network that is ONNX or OpenVINO's already. Raises `BrokenModel`."""
    try:
        return openvino.Core().read_model(file)
    except Exception as error:
        raise BrokenModel(name, f"{file.name} cannot be read: {str(error)[-200:]}") from None


def in_8_bits(network: openvino.Model, pictures: list[Pixels]) -> openvino.Model:
    """The same with weights and activations of 8 bits, by what it does on some pictures."""
    import nncf
    import numpy as np

    tiles = [np.moveaxis(each, 2, 0)[None].astype(np.float32) / 255 for each in pictures]
    return nncf.quantize(network, nncf.Dataset(tiles), subset_size=len(tiles))


def save(network: openvino.Model, file: Path) -> None:
    """Write `file` (`.xml`) and its `.bin` beside it, weights in half precision."""
    openvino.save_model(network, file, compress_to_fp16=True)


def _rrdb(weights: Mapping[str, Tensor]) -> RRDBNet:
    first = weights["conv_first.weight"]
    blocks = 1 + max(int(m[1]) for n in weights if (m := re.match(r"body\.(\d+)\.", n)))
    doublings = max(int(m[1]) for n in weights if (m := re.match(r"conv_up(\d)\.", n)))
    fold = round((first.shape[1] / 3) ** 0.5)
    if first.shape[1] != 3 * fold**2 or 2**doublings % fold:
        raise ValueError(f"{first.shape[1]} channels go in")
    return RRDBNet(
        scale=2**doublings // fold,
        width=first.shape[0],
        growth=weights["body.0.rdb1.conv1.weight"].shape[0],
        blocks=blocks,
        doublings=doublings,
    )


def _compact(weights: Mapping[str, Tensor]) -> SRVGGNetCompact:
    last = max(int(m[1]) for n in weights if (m := re.match(r"body\.(\d+)\.weight$", n)))
    channels = weights[f"body.{last}.weight"].shape[0]
    scale = round((channels / 3) ** 0.5)
    if channels != 3 * scale**2:
        raise ValueError(f"{channels} channels come out")
    return SRVGGNetCompact(
        scale=scale, width=weights["body.0.weight"].shape[0], layers=(last - 2) // 2
    )


def _renamed(name: str) -> str:
    name = name.removeprefix("module.")
    for pattern, now in OLD_NAMES:
        changed = re.sub(pattern, now, name)
        if changed != name:
            return changed
    return name
