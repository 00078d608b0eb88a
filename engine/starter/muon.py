"""Owns the optimizer of the trainings here: orthogonal steps for matrices, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

Spread = Callable[[Callable[[nn.Parameter], None], list[nn.Parameter]], Iterable[None]]


class Muon(torch.optim.Optimizer):  # type: ignore[misc]  # torch is untyped here
    """Momentum whose every step on a matrix or convolution has all its singular values near 1.

    So every direction is learned equally fast, not the strongest first: with few steps to spend
    that is worth several times its cost.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        *,
        spread: Spread = map,
        decay: float = 0.0,
    ) -> None:
        """`spread` applies a function to many weights; a thread pool's `map` uses all cores."""
        super().__init__(list(weights), {"lr": lr, "momentum": 0.95, "decay": decay})
        self.spread = spread

    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            moved = [weight for weight in group["params"] if weight.grad is not None]
            moved.sort(key=lambda weight: -weight.numel())
            for _ in self.spread(partial(self._turn, group), moved):
                pass

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
    def _turn(self, group: dict[str, Any], weight: nn.Parameter) -> None:
        state, slope = self.state[weight], weight.grad
        assert slope is not None
        if not state:
            state["pace"] = torch.zeros_like(weight)
        state["pace"].lerp_(slope, 1 - group["momentum"])
        flat = slope.lerp(state["pace"], group["momentum"]).flatten(1)
        move = orthogonal(flat) * max(1.0, flat.shape[0] / flat.shape[1]) ** 0.5
        weight.mul_(1 - group["lr"] * group["decay"])
        weight.add_(move.view_as(weight), alpha=-group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix with singular values of about 1 (five Newton-Schulz rounds)."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x.bfloat16() / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)


def split(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """A model's learnt weights: those for orthogonal steps, and the rest."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            fits = weight.ndim >= 2 and min(weight.flatten(1).shape) > 3 and "embed" not in name
            (matrices if fits else rest).append(weight)
    return matrices, rest
