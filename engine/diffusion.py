"""The diffusion painter: the models of a catalogue, loaded when somebody asks, as memory allows.

It keeps a few `Session`s, each one model ready to paint in one size; the one used longest ago goes
first. Networks are compiled by the first session, which takes seconds, and painting takes as long:
the painter belongs into a thread of its own.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openvino
import structlog
from PIL import Image

from engine import processors
from engine.blobs import Blobs
from engine.catalogue import PARTS, Catalogue, Model
from engine.errors import BrokenModel
from engine.families import KINDS, Shape, scale_of
from engine.painter import OnStep, Picture, Progress, Stage
from engine.parts import Parts
from engine.preview import LatentPreview
from engine.quiet import silence
from engine.request import Ask, Paint
from engine.resolving import resolve
from engine.second_look import FullDecoder, unpack
from engine.session import Session
from engine.tuning import LARGE, Tuning, by_rule, tuned

log = structlog.get_logger(__name__)


class DiffusionPainter:
    """A `Painter` over the models of a catalogue; belongs to one thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        cache: Path,
        threads: int | None = None,
        memory_bytes: int | None = None,
        on_load: Callable[[str, float], None] = lambda model, seconds: None,
        on_free: Callable[[str], None] = lambda model: None,
    ) -> None:
        """`cache` keeps compiled networks and learned previews; `memory_bytes` bounds sessions.

        `on_load` hears of each model that was made ready for one size, and how long that took;
        `on_free` of each of which nothing is in memory any more.
        """
        silence()
        self._catalogue = catalogue
        self._cache = cache
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._on_load = on_load
        self._on_free = on_free
        self._sessions: OrderedDict[Shape, Session] = OrderedDict()
        self._parts: dict[str, Parts] = {}
        self._previews: dict[str, LatentPreview] = {}
        self._core = openvino.Core()
        self._core.set_property({"CACHE_DIR": str(cache / "openvino")})
        self._blobs = Blobs(self._core, cache / "networks")
        self._full: FullDecoder | None = None
        self._tuning: dict[bool, Tuning] = {}

    def warm(self, model: str) -> None:
        """Load `model`, compile its default shape and paint one picture nobody sees."""
        card = self._catalogue.get(model)
        steps = max(card.min_steps, min(2, card.max_steps))
        ask = Ask(prompt="warm-up", steps=steps)
        paint = resolve(ask, card, draw_seed=lambda: 0).paint
        for _ in self.paint(paint, None, lambda progress: None):
            pass

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """Yield the pictures of `paint` one by one, each from its own seed."""
        model = self._catalogue.get(paint.model)
        for index in range(paint.count):
            session = self._session(self._shape(paint, self._parts_of(model)), model)
            yield session.paint(paint, index, source, on_step)

    def develop(self, paint: Paint, latents: bytes, on_step: OnStep) -> Picture:
        """A second look at what was painted: nothing but the full decoder runs."""
        model = self._catalogue.get(paint.model)
        found = unpack(latents)
        if self._full is None or self._full.made_for != (model.name, found.shape):
            self._full = None  # before the next one takes as much memory
            self._full = FullDecoder(self._core, self._options(0), model, found.shape)
        started = time.perf_counter()
        image = self._full.decode(found)
        if image.size != (paint.width, paint.height):
            raise ValueError(f"latents of {image.width}×{image.height} pixels")
        on_step(Progress(index=0, count=1, step=1, steps=1, stage=Stage.developing))
        return Picture(
            image=image,
            paint=paint.alone(0),
            index=0,
            step_seconds=time.perf_counter() - started,
            other_seconds=0.0,
        )

    @property
    def sessions(self) -> tuple[Shape, ...]:
        """What is compiled now, the one used longest ago first."""
        return tuple(self._sessions)

    @property
    def held_bytes(self) -> int:
        """The memory that the networks in use are reckoned to take."""
        return sum(sum(parts.loaded.values()) for parts in self._parts.values())

    def _session(self, shape: Shape, model: Model) -> Session:
        if shape not in self._sessions:
            started = time.perf_counter()
            try:
                parts = self._parts_of(model)
                self._make_room(parts, shape)
                self._sessions[shape] = Session(parts, shape, self._preview(parts))
            except BrokenModel:
                raise
            except Exception as error:  # whatever a broken folder makes the libraries raise
                log.exception("a model could not be loaded", model=model.name)
                raise BrokenModel(model.name, _reason(error)) from error
            seconds = round(time.perf_counter() - started, 2)
            log.info("session compiled", **shape._asdict(), seconds=seconds)
            self._on_load(model.name, seconds)
        self._sessions.move_to_end(shape)
        return self._sessions[shape]

    def _parts_of(self, model: Model) -> Parts:
        if model.name not in self._parts or self._parts[model.name].model != model:
            self._parts[model.name] = Parts(self._core, self._blobs, self._options, model)
        return self._parts[model.name]

    def _shape(self, paint: Paint, parts: Parts) -> Shape:
        model = parts.model
        kind = KINDS[model.family]
        guided = paint.guided and model.guidance and kind.guides(parts)
        pieces = kind.text(parts).pieces(paint, guided=guided)
        return Shape(model.name, paint.width, paint.height, guided, pieces)

    def _preview(self, parts: Parts) -> LatentPreview:
        """What is known of how this model's latents look."""
        model = parts.model
        if model.name not in self._previews:
            key = hashlib.sha256(str(model.folder.resolve()).encode()).hexdigest()[:12]
            file = self._cache / "previews" / f"{model.name}-{key}.npz"
            block = 8 if scale_of(parts) > 16 else 4
            self._previews[model.name] = LatentPreview(file, block=block)
        return self._previews[model.name]

    def _options(self, largest: int) -> dict[str, Any]:
        """How networks are compiled; what is best is measured once there is a large one."""
        large = largest >= LARGE
        if large not in self._tuning:
            if large:
                self._tuning[large] = tuned(self._core, self._cache, threads=self._threads)
            else:
                self._tuning[large] = by_rule(processors.layout(), self._threads)
        return self._tuning[large].options

    def _make_room(self, parts: Parts, shape: Shape) -> None:
        """Let the sessions used longest ago go until one more of `shape` fits."""
        if self._memory_bytes is None:
            return
        same = any(each.model == shape.model for each in self._sessions)
        needed = [each for each in PARTS[parts.model.family] if not same or "text" not in each]
        wanted = sum(parts.estimate(each) for each in needed)
        while self._sessions and self.held_bytes + wanted > self._memory_bytes:
            self._let_go()

    def _let_go(self) -> None:
        shape, _ = self._sessions.popitem(last=False)
        log.info("session let go", **shape._asdict())
        if not any(each.model == shape.model for each in self._sessions):
            del self._parts[shape.model]
            if self._full is not None and self._full.made_for[0] == shape.model:
                self._full = None
            self._on_free(shape.model)
        gc.collect()
        _give_back()


def _give_back() -> None:
    """Hand memory that was freed back to the machine; the C library would keep it for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _reason(error: Exception) -> str:
    """One line of what a library raised: OpenVINO says where first and what went wrong last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
