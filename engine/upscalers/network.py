"""Owns the shape of the networks that enlarge: convolutions that mend what bicubic leaves soft."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 32  # channels: two of the processor's widest registers
BLOCKS = 6
SCALES = (2, 4)


class Block(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Two convolutions on top of what came in; the second looks further than the first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.far = nn.Conv2d(width, width, 3, padding=2, dilation=2)
        with torch.no_grad():
            self.far.weight.mul_(0.1)  # every block begins nearly as the identity

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.far(F.relu(self.near(F.relu(x)))))


class Enlarger(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """(n, 3, h, w) from 0 to 1 becomes (n, 3, scale * h, scale * w): bicubic, and a correction.

    All work is done at the small size. The bicubic enlargement is a fixed convolution too, one
    small kernel for each of the scale * scale pixels that a pixel becomes, so that the whole
    network is convolutions and one rearrangement, which processors do fast at any size.
    """

    def __init__(self, scale: int, width: int = WIDTH, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.last = nn.Conv2d(width, 3 * scale * scale, 3, padding=1)
        with torch.no_grad():
            self.last.weight.mul_(0.05)  # the beginning is bicubic
            self.last.bias.zero_()
        self.register_buffer("bicubic", _bicubic(scale), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x - 0.5  # around 0 half precision is finest
        spread = F.pad(x, (2, 2, 2, 2), mode="replicate")
        with torch.autocast(x.device.type, enabled=False):
            plain = F.conv2d(spread, self.bicubic, groups=3)
        found = self.last(F.relu(self.blocks(self.first(x))))
        return cast(Tensor, F.pixel_shuffle(plain + found.to(plain.dtype), self.scale)) + 0.5


class Finished(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """An enlarger as it ships: its colours never leave 0 to 1."""

    def __init__(self, inner: Enlarger) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.inner(image).clamp(0.0, 1.0))


def _bicubic(scale: int) -> Tensor:
    """(3 * scale², 1, 5, 5): the kernel of each pixel that a pixel becomes."""
    places = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    far = (torch.arange(-2, 3, dtype=torch.float64)[None, :] - places[:, None]).abs()
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    outer = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    taps = torch.where(far <= 1, near, torch.where(far < 2, outer, 0.0))
    kernels = torch.einsum("ai,bj->abij", taps, taps).reshape(scale * scale, 1, 5, 5)
    return kernels.repeat(3, 1, 1, 1).float()
