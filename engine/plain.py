"""The plain way to paint: optimum-intel as it loads a model, nothing of ours around it.

It is here so that anybody can repeat the comparison (`atelier paint --plain`): dynamic shapes,
whatever precision OpenVINO chooses, no cache. Importing takes many seconds; so do first pictures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.images import fit
from engine.painter import OnStep, Picture, Progress
from engine.quiet import silence

if TYPE_CHECKING:
    from PIL import Image

    from engine.catalogue import Catalogue
    from engine.request import Paint


class PlainPainter:
    """A `Painter` without previews, masks, named schedulers and second looks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._pipelines: dict[tuple[str, bool], Any] = {}

    def warm(self, model: str) -> None:
        """Load it."""
        self._pipeline(model, from_picture=False)

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """Yield the pictures of `paint` one by one, each from its own seed."""
        import torch

        model = self._catalogue.get(paint.model)
        pipeline = self._pipeline(model.name, from_picture=source is not None)
        for index in range(paint.count):
            alone = paint.alone(index)
            arguments: dict[str, Any] = {
                "prompt": alone.prompt,
                "num_inference_steps": alone.steps,
                "guidance_scale": alone.guidance if model.guidance else 0.0,
                "generator": torch.Generator("cpu").manual_seed(alone.seed),
            }
            if model.negative and model.guidance:
                arguments["negative_prompt"] = alone.negative
            if source is None:
                arguments |= {"width": alone.width, "height": alone.height}
            else:
                arguments["image"] = fit(source, alone.width, alone.height)
                arguments["strength"] = alone.strength
            started = time.perf_counter()
            image = pipeline(**arguments).images[0]
            seconds = time.perf_counter() - started
            steps = alone.working_steps
            on_step(Progress(index=index, count=paint.count, step=steps, steps=steps))
            yield Picture(
                image=image,
                paint=alone,
                index=index,
                step_seconds=seconds / max(1, steps),
                other_seconds=0.0,
            )

    def develop(self, paint: Paint, latents: bytes, on_step: OnStep) -> Picture:
        """Latents are nothing that it keeps."""
        raise ValueError("no latents were kept")

    def _pipeline(self, name: str, *, from_picture: bool) -> Any:
        """Loaded once; each kind has networks of its own, since that is how it is."""
        key = (name, from_picture)
        if key not in self._pipelines:
            silence()
            from optimum.intel import OVPipelineForImage2Image, OVPipelineForText2Image

            kind = OVPipelineForImage2Image if from_picture else OVPipelineForText2Image
            made = kind.from_pretrained(self._catalogue.get(name).folder)
            made.set_progress_bar_config(disable=True)
            self._pipelines[key] = made
        return self._pipelines[key]
