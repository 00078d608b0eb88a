"""Owns the sharing of a training step among processor cores, each with a batch of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import nn

Given = TypeVar("Given")


class Hands:
    """Threads that work on the same weights and meet once a step.

    Cores that share every single operation wait for each other thousands of times a step, and
    for whatever else runs on the machine; these wait once.
    """

    def __init__(self, model: nn.Module, count: int) -> None:
        self.models = [model, *(copy.deepcopy(model) for _ in range(count - 1))]
        for other in self.models[1:]:
            for own, shared in zip(other.parameters(), model.parameters(), strict=True):
                own.data = shared.data
        self.pool = ThreadPoolExecutor(
            count, "hand", initializer=lambda: torch.set_num_threads(1 if count > 1 else 8)
        )

    def work(
        self, learn: Callable[[nn.Module, Given], list[float]], batches: Sequence[Given]
    ) -> list[float]:
        """Let every hand run `learn` (which calls backward) on a batch; gradients are averaged
        into the model, what `learn` returns is averaged too."""
        done = list(self.pool.map(learn, self.models, batches))
        kept, *others = (
            [weight.grad for weight in model.parameters() if weight.grad is not None]
            for model in self.models
        )
        for grads in others:
            torch._foreach_add_(kept, grads)
            torch._foreach_zero_(grads)
        torch._foreach_div_(kept, len(done))
        return [sum(part) / len(done) for part in zip(*done, strict=True)]
