"""Making a model folder out of others' weights: read, fused, exported, in 8 bits, compared."""

from __future__ import annotations

from pathlib import Path

from engine.building.recipe import Built, OnStage, Recipe


def build(
    recipe: Recipe,
    models: Path,
    *,
    on_stage: OnStage = lambda what, done, total: None,
    replacing: bool = False,
) -> Built:
    """Make the model of `recipe` in the folder `models`; loads the model libraries.

    Raises `BrokenModel`. From here on the libraries are off the network: fetch before.
    """
    from engine.quiet import silence

    silence()
    from engine.building.builder import build_model  # seconds

    return build_model(recipe, models, on_stage=on_stage, replacing=replacing)
