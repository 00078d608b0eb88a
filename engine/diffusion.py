"""The diffusion painter: optimum-intel pipelines over OpenVINO networks of fixed shapes.

Read from top to bottom: a `DiffusionPainter` keeps a few `_Session`s, each the networks of one
model compiled for one shape; a session paints. Only this file (and the starter's own workshop)
imports the model libraries, and importing it takes seconds: do so in the painting thread.

Why the shapes are fixed: a UNet compiled for dynamic shapes takes twice as long a step, and its
first run over half a minute. Why we set them ourselves: optimum-intel gives every UNet without a
`timestep_cond` input the batch of guided painting, also when nothing is guided.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import diffusers
import numpy as np
import openvino
import structlog
import torch
from optimum.intel import (
    OVLatentConsistencyModelImg2ImgPipeline,
    OVLatentConsistencyModelPipeline,
    OVStableDiffusionImg2ImgPipeline,
    OVStableDiffusionPipeline,
)
from PIL import Image
from transformers import CLIPTokenizer

from engine.catalogue import Catalogue, Model
from engine.errors import BrokenModel
from engine.images import fit
from engine.painter import OnStep, Picture, Progress
from engine.preview import LatentPreview
from engine.request import Ask, Note, Paint, resolve

log = structlog.get_logger(__name__)

PIPELINES: dict[str, tuple[type[Any], type[Any]]] = {
    "stable-diffusion": (OVStableDiffusionPipeline, OVStableDiffusionImg2ImgPipeline),
    "latent-consistency": (
        OVLatentConsistencyModelPipeline,
        OVLatentConsistencyModelImg2ImgPipeline,
    ),
}
"""Family -> the pipeline from text, the pipeline from a picture; both share their networks."""

OVERHEAD = 2.0
"""Resident memory of a compiled network relative to its weight file, measured with headroom."""


class Shape(NamedTuple):
    """What a session is compiled for: one key of the painter's small cache."""

    model: str
    width: int
    height: int
    guided: bool


class DiffusionPainter:
    """A `Painter` over the models of a catalogue; belongs to one thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        cache: Path,
        threads: int | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        """`cache` keeps compiled networks and learned previews; `memory_bytes` bounds sessions."""
        self._catalogue = catalogue
        self._cache = cache
        self._memory_bytes = memory_bytes
        self._sessions: OrderedDict[Shape, _Session] = OrderedDict()
        self._core = openvino.Core()
        self._core.set_property({"CACHE_DIR": str(cache / "openvino")})
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads

    def warm(self, model: str) -> None:
        """Load `model`, compile its default shape and paint one picture nobody sees."""
        card = self._catalogue.get(model)
        steps = max(card.min_steps, 2)
        ask = Ask(prompt="warm-up", steps=steps)
        paint = resolve(ask, card, draw_seed=lambda: 0).paint
        for _ in self.paint(paint, None, lambda progress: None):
            pass

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """Yield the pictures of `paint` one by one, each from its own seed."""
        model = self._catalogue.get(paint.model)
        guided = paint.guided and model.guidance and model.family == "stable-diffusion"
        session = self._session(Shape(model.name, paint.width, paint.height, guided), model)
        for index in range(paint.count):
            yield session.paint(paint, index, source, on_step)

    @property
    def sessions(self) -> tuple[Shape, ...]:
        """What is compiled now, the one used longest ago first."""
        return tuple(self._sessions)

    def _session(self, shape: Shape, model: Model) -> _Session:
        if shape not in self._sessions:
            self._make_room(model)
            sibling = next((s for k, s in self._sessions.items() if k.model == shape.model), None)
            started = time.perf_counter()
            try:
                session = _Session(self._core, self._options, self._cache, model, shape, sibling)
            except BrokenModel:
                raise
            except Exception as error:  # whatever a broken folder makes the libraries raise
                log.exception("a model could not be loaded", model=model.name)
                raise BrokenModel(model.name, _reason(error)) from error
            seconds = round(time.perf_counter() - started, 2)
            log.info("session compiled", **shape._asdict(), seconds=seconds)
            self._sessions[shape] = session
        self._sessions.move_to_end(shape)
        return self._sessions[shape]

    def _make_room(self, model: Model) -> None:
        """Let the sessions used longest ago go until one more of `model` fits."""
        if self._memory_bytes is None:
            return
        needed = _session_bytes(model)
        while self._sessions:
            held = sum(session.bytes for session in self._sessions.values())
            if held + needed <= self._memory_bytes:
                return
            shape, _ = self._sessions.popitem(last=False)
            log.info("session let go", **shape._asdict())


class _Session:
    """One model's networks compiled for one shape, and the pipelines that share them."""

    def __init__(
        self,
        core: openvino.Core,
        options: dict[str, Any],
        cache: Path,
        model: Model,
        shape: Shape,
        sibling: _Session | None,
    ) -> None:
        self._core = core
        self._options = options
        self._model = model
        self._shape = shape
        self.bytes = _session_bytes(model)
        folder = model.folder
        self._tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self._scale = 2 ** (len(self._read("vae_decoder/config.json")["block_out_channels"]) - 1)
        for length in (shape.width, shape.height):
            if length % self._scale:
                raise BrokenModel(model.name, f"{length} pixels is no multiple of {self._scale}")
        self._text: openvino.CompiledModel = (
            sibling._text if sibling else self._compile("text_encoder")
        )
        self._unet = self._compile("unet")
        self._decoder = self._compile("vae_decoder")
        self._encoder: openvino.CompiledModel | None = None
        self._from_text = self._pipeline(PIPELINES[model.family][0])
        self._from_picture: Any = None
        key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        own = cache / "previews" / f"{model.name}-{key}.npz"
        self.preview: LatentPreview = sibling.preview if sibling else LatentPreview(own)

    def paint(
        self, paint: Paint, index: int, source: Image.Image | None, on_step: OnStep
    ) -> Picture:
        """One picture of `paint`; everything random comes from its own seed."""
        alone = paint.alone(index)
        steps = alone.working_steps
        pipeline = self._from_text if source is None else self._with_encoder()
        times = [time.perf_counter()]

        def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            times.append(time.perf_counter())
            preview = None
            if step + 1 < steps:
                preview = self.preview.render(_clean(pipeline.scheduler, tensors["latents"]))
            done = min(step + 1, steps)
            on_step(
                Progress(index=index, count=paint.count, step=done, steps=steps, preview=preview)
            )
            return tensors

        arguments: dict[str, Any] = {
            "prompt": alone.prompt,
            "num_inference_steps": alone.steps,
            "guidance_scale": alone.guidance if self._model.guidance else 0.0,
            "generator": torch.Generator("cpu").manual_seed(alone.seed),
            "callback_on_step_end": after_step,
            "callback_on_step_end_tensor_inputs": ["latents"],
            "output_type": "latent",
        }
        if self._model.negative and self._shape.guided:
            arguments["negative_prompt"] = alone.negative
        if source is None:
            arguments |= {"width": alone.width, "height": alone.height}
        else:
            arguments["image"] = fit(source, alone.width, alone.height)
            arguments["strength"] = _strength(alone)
        latents = pipeline(**arguments).images
        image = self._decode(latents)
        self._learn_preview(latents, image)
        total = time.perf_counter() - times[0]
        step_seconds = median(np.diff(times)) if len(times) > 2 else times[-1] - times[0]
        return Picture(
            image=image,
            paint=alone,
            index=index,
            notes=self._cut(alone),
            step_seconds=float(step_seconds),
            other_seconds=max(0.0, total - float(step_seconds) * steps),
        )

    def _decode(self, latents: torch.Tensor) -> Image.Image:
        """Latents (1, channels, h, w) as the sampler leaves them -> an RGB image."""
        vae = self._from_text.vae
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        sample = vae.decode(latents / vae.config.scaling_factor + shift, return_dict=False)[0]
        pixels = (sample[0].permute(1, 2, 0).float().numpy() * 127.5 + 127.5).round()
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))

    def _learn_preview(self, latents: torch.Tensor, image: Image.Image) -> None:
        new = not self.preview.ready
        self.preview.learn(latents[0].float().numpy(), image)
        if new:
            self.preview.save()

    def _cut(self, paint: Paint) -> tuple[Note, ...]:
        """A note for each text of which the encoder could read only the beginning."""
        notes = []
        longest = self._tokenizer.model_max_length
        for field, text in (("prompt", paint.prompt), ("negative", paint.negative)):
            ids = self._tokenizer(text)["input_ids"]
            if len(ids) > longest:
                used = self._tokenizer.decode(ids[1 : longest - 1]).strip()
                notes.append(
                    Note(code="prompt_cut", field=field, model=paint.model, given=text, used=used)
                )
        return tuple(notes)

    def _with_encoder(self) -> Any:
        """The pipeline from a picture; its encoder is compiled when it is first needed."""
        if self._from_picture is None:
            self._encoder = self._compile("vae_encoder")
            self._from_picture = self._pipeline(PIPELINES[self._model.family][1])
        return self._from_picture

    def _read(self, name: str) -> dict[str, Any]:
        """One of the model's JSON files; raises `BrokenModel`."""
        try:
            found = json.loads((self._model.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BrokenModel(self._model.name, f"{name} is missing") from None
        except ValueError:
            raise BrokenModel(self._model.name, f"{name} is not JSON") from None
        if not isinstance(found, dict):
            raise BrokenModel(self._model.name, f"{name} is not a JSON object")
        return found

    def _compile(self, part: str) -> openvino.CompiledModel:
        file = self._model.folder / part / "openvino_model.xml"
        if not file.is_file():
            raise BrokenModel(self._model.name, f"{part}/{file.name} is missing")
        network = self._core.read_model(file)
        network.reshape(self._input_shapes(part, network))
        return self._core.compile_model(network, "CPU", self._options)

    def _input_shapes(self, part: str, network: openvino.Model) -> dict[Any, list[int]]:
        """The fixed shape of every input of `part`; a batch of 2 only where painting is guided."""
        width, height = self._shape.width, self._shape.height
        tokens = self._tokenizer.model_max_length
        latent = [height // self._scale, width // self._scale]
        config = self._read(f"{part}/config.json")
        if part == "text_encoder":
            return {each: [1, tokens] for each in network.inputs}
        if part == "vae_encoder":
            return {each: [1, config["in_channels"], height, width] for each in network.inputs}
        if part == "vae_decoder":
            return {each: [1, config["latent_channels"], *latent] for each in network.inputs}
        batch = 2 if self._shape.guided else 1
        shapes = {}
        for each in network.inputs:
            name = each.get_any_name()
            present = each.get_partial_shape()
            if name == "sample":
                shapes[each] = [batch, config["in_channels"], *latent]
            elif name == "timestep":
                shapes[each] = [1] if present.rank.get_length() == 1 else []
            elif name == "encoder_hidden_states":
                shapes[each] = [batch, tokens, config["cross_attention_dim"]]
            elif name == "timestep_cond":
                shapes[each] = [batch, config["time_cond_proj_dim"]]
            else:
                raise BrokenModel(self._model.name, f"its unet wants an unknown input, {name!r}")
        return shapes

    def _pipeline(self, kind: type[Any]) -> Any:
        """A pipeline of our compiled networks and a scheduler of its own: schedulers keep state."""
        index = self._read("model_index.json")
        _, scheduler = index["scheduler"]
        pipeline = kind(
            scheduler=getattr(diffusers, scheduler).from_pretrained(
                self._model.folder / "scheduler"
            ),
            unet=self._unet,
            vae_decoder=self._decoder,
            vae_encoder=self._encoder,
            text_encoder=self._text,
            tokenizer=self._tokenizer,
            feature_extractor=None,
            safety_checker=None,
            requires_safety_checker=False,
            compile=True,
            compile_only=True,
            dynamic_shapes=False,
            model_save_dir=self._model.folder,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def _clean(scheduler: Any, latents: torch.Tensor) -> Any:
    """The sampler's present guess of the finished latents, (channels, height, width).

    DPM-Solver++ keeps it (`model_outputs`, already converted to x0); elsewhere the noisy latents
    stand in for it, which is the same at the end.
    """
    kept = getattr(scheduler, "model_outputs", None)
    if kept and kept[-1] is not None and "++" in scheduler.config.get("algorithm_type", ""):
        latents = kept[-1]
    return latents[0].float().numpy()


def _strength(paint: Paint) -> float:
    """The strength that makes diffusers take exactly `working_steps` steps."""
    return min(1.0, (paint.working_steps + 1e-4) / paint.steps)


def _session_bytes(model: Model) -> int:
    files = (model.folder / part / "openvino_model.bin" for part in ("unet", "vae_decoder"))
    return int(OVERHEAD * sum(file.stat().st_size for file in files if file.exists()))


def _reason(error: Exception) -> str:
    """One line of what a library raised: OpenVINO says where first and what went wrong last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
