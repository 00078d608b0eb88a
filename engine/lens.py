"""One super-resolution network as OpenVINO runs it: `Lens`, and `Glass` for one shape of tile.

Any network will do that takes and gives RGB in 0–1, batch × channels × height × width, at a whole
scale. The scale is found by asking it; reading bytes and writing bytes become part of the compiled
graph.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openvino
from openvino import opset13 as ops
from openvino.preprocess import PrePostProcessor

from engine.errors import BrokenModel
from engine.tempo import Tempo
from engine.tiles import Pixels

PROBE = 48
"""Pixels along the side of the tile that is used to get to know a network."""
LARGEST_SCALE = 8
SIDES = (96, 128, 192, 304, 432, 560)
"""The tiles that are tried: most pictures of 256 or 512 pixels are then one with their margins."""
USUAL = 304
"""The side that is likely best for a small network: little of it is margin."""
PATIENT = 2.0
"""Seconds a tile may take: no longer, so that somebody who cancels does not wait for it."""
ENOUGH = 2.0
"""Seconds after which nothing more is tried; finding the best of what was tried may double it."""
ROUNDS = 2
BETTER = 1.05
"""What works on several tiles at once has to be this much faster: it also takes more memory."""
MARGINS = range(4, 33, 4)
TILE_MEMORY = 1 << 30
"""Bytes that tiles may take altogether, where nobody says less."""


class Lens:
    """A network file, read and understood, not yet compiled. Raises `BrokenModel`."""

    def __init__(self, file: Path, *, name: str, threads: int | None = None) -> None:
        self.name = name
        self.threads = threads
        self._core = openvino.Core()
        try:
            self._network = self._core.read_model(file)
        except Exception as error:
            raise BrokenModel(name, f"{file.name} cannot be read: {_reason(error)}") from None
        if len(self._network.inputs) != 1 or len(self._network.outputs) != 1:
            raise BrokenModel(name, f"{file.name} has not one input and one output")
        shape = self._network.inputs[0].get_partial_shape()
        if shape.rank.is_dynamic or len(shape) != 4:
            raise BrokenModel(name, f"{file.name} does not take batch × channels × height × width")
        if shape[1].is_static and shape[1].get_length() != 3:
            raise BrokenModel(name, f"{file.name} does not take three colours")
        self.fixed: tuple[int, int] | None = None  # width, height
        if shape[2].is_static and shape[3].is_static:
            self.fixed = (shape[3].get_length(), shape[2].get_length())
        self.scale = self._find_scale(file)

    @property
    def circumstances(self) -> tuple[str, ...]:
        """What decides how fast it is, besides the network: for the key of its measurements."""
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        return (str(processor), openvino.get_version(), str(self.threads))

    def grind(self, width: int, height: int, *, together: int = 1, streams: int = 1) -> Glass:
        """Compile it for tiles of that size, `together` of them at once in `streams`."""
        try:
            network = self._shaped(width, height, together // streams)
            options: dict[str, Any] = {
                "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
                "NUM_STREAMS": streams,
            }
            if self.threads is not None:
                options["INFERENCE_NUM_THREADS"] = self.threads
            return Glass(self._core.compile_model(network, "CPU", options), together, streams)
        except RuntimeError as error:
            reason = f"it cannot take tiles of {width}×{height}: {_reason(error)}"
            raise BrokenModel(self.name, reason) from None

    def bytes_per_pixel(self) -> float:
        """A generous estimate of the memory that working on a tile takes, per pixel of it."""
        width, height = self.fixed or (PROBE, PROBE)
        network = self._network.clone()
        if self.fixed is None:
            network.reshape([1, 3, height, width])
        heaviest = 0
        for each in network.get_ordered_ops():
            if each.get_type_name() == "Constant":
                continue
            sides = [*each.inputs(), *each.outputs()]
            shapes = [side.get_partial_shape() for side in sides]
            heaviest = max(heaviest, sum(int(np.prod(s.to_shape())) for s in shapes if s.is_static))
        return 2 * 4 * heaviest / (width * height)

    def _find_scale(self, file: Path) -> int:
        width, height = self.fixed or (PROBE, PROBE)
        glass = self.grind_floats(width, height)
        found = glass(np.full((1, 3, height, width), 0.5, np.float32))[0]
        if found.ndim != 4 or found.shape[:2] != (1, 3):
            raise BrokenModel(self.name, f"{file.name} does not give three colours")
        scale, rest = divmod(int(found.shape[3]), width)
        if rest or found.shape[2] != scale * height or not 2 <= scale <= LARGEST_SCALE:
            shown = f"{width}×{height} became {found.shape[3]}×{found.shape[2]}"
            raise BrokenModel(self.name, f"{file.name} does not enlarge by a whole number: {shown}")
        if not np.isfinite(found).all() or abs(float(found.mean()) - 0.5) > 0.4:
            raise BrokenModel(self.name, f"{file.name} does not keep colours between 0 and 1")
        return scale

    def grind_floats(self, width: int, height: int) -> Any:
        """The network as it is, for numbers instead of bytes."""
        network = self._network.clone()
        try:
            if self.fixed is None:
                network.reshape([1, 3, height, width])
            return self._core.compile_model(network, "CPU", {"NUM_STREAMS": 1})
        except RuntimeError as error:
            raise BrokenModel(self.name, f"it cannot be compiled: {_reason(error)}") from None

    def _shaped(self, width: int, height: int, batch: int) -> openvino.Model:
        network = self._network.clone()
        if self.fixed is None:
            network.reshape([batch, 3, height, width])
        steps = PrePostProcessor(network)
        steps.input().tensor().set_element_type(openvino.Type.u8)
        steps.input().tensor().set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        steps.output().model().set_layout(openvino.Layout("NCHW"))
        steps.output().postprocess().custom(_to_levels)
        steps.output().tensor().set_layout(openvino.Layout("NHWC"))
        steps.output().tensor().set_element_type(openvino.Type.u8)
        return steps.build()


def _to_levels(output: Any) -> Any:
    levels = ops.multiply(ops.clamp(output, 0.0, 1.0), np.float32(255.0))
    return ops.round(levels, "half_away_from_zero").output(0)


class Glass:
    """A lens for tiles of one shape: bytes in, bytes out."""

    def __init__(self, compiled: Any, together: int, streams: int) -> None:
        self.together = together
        self._batch = together // streams
        self._requests = [compiled.create_infer_request() for _ in range(streams)]
        self.shape = tuple(compiled.inputs[0].shape)

    def look(self, tiles: list[Pixels]) -> list[Pixels]:
        """The enlarged tiles, in their order."""
        found: list[Pixels] = []
        for begin in range(0, len(tiles), self.together):
            group = tiles[begin : begin + self.together]
            batches = [group[i : i + self._batch] for i in range(0, len(group), self._batch)]
            busy = self._requests[: len(batches)]
            for request, batch in zip(busy, batches, strict=True):
                full = batch + [batch[-1]] * (self._batch - len(batch))
                request.start_async([np.ascontiguousarray(np.stack(full))], share_inputs=True)
            for request, batch in zip(busy, batches, strict=True):
                request.wait()
                found += list(request.get_output_tensor().data[: len(batch)].copy())
        return found


def measure(lens: Lens, *, feather: int, memory_bytes: int | None) -> Tempo:
    """Find out how `lens` runs best here: some seconds, to be remembered.

    Every candidate is tried in turn, several times around, and its best time counts: other work on
    the machine then disturbs all of them alike.
    """
    margin = _margin(lens)
    if lens.fixed is not None:
        width, height = lens.fixed
        seconds = _seconds(lens.grind(width, height), 1)
        return Tempo(
            side=max(width, height),
            together=1,
            streams=1,
            margin=margin,
            seconds=1e6 * seconds / (width * height),
        )
    pixels = min(TILE_MEMORY, memory_bytes or TILE_MEMORY) / lens.bytes_per_pixel()
    best: dict[Candidate, float] = {}
    glasses: dict[Candidate, Glass] = {}
    begun = time.perf_counter()
    pace = 0.0  # seconds a pixel
    for candidate in _candidates(lens.threads or len(os.sched_getaffinity(0))):
        side, together, streams = candidate
        size = together * side * side
        if best and (
            size > pixels or pace * size > PATIENT or time.perf_counter() - begun > ENOUGH
        ):
            continue
        try:
            glass = lens.grind(side, side, together=together, streams=streams)
        except BrokenModel:
            if together == 1:
                raise
            continue  # it takes one picture at a time
        _seconds(glass, together)  # the first run prepares
        best[candidate] = _seconds(glass, together)
        glasses[candidate] = glass
        pace = min(seconds / (c.side**2 * c.together) for c, seconds in best.items())
    for _ in range(ROUNDS):
        for candidate, glass in glasses.items():
            if time.perf_counter() - begun < 2 * ENOUGH:
                best[candidate] = min(best[candidate], _seconds(glass, candidate.together))

    def useful(candidate: Candidate) -> float:
        """Seconds for a pixel that is kept, a little more where it takes more memory."""
        kept = candidate.together * max(1, candidate.side - 2 * margin - feather) ** 2
        return best[candidate] / kept * (BETTER if candidate.together > 1 else 1.0)

    chosen = min(best, key=useful)
    return Tempo(
        side=chosen.side,
        together=chosen.together,
        streams=chosen.streams,
        margin=margin,
        seconds=1e6 * useful(chosen),
    )


class Candidate(NamedTuple):
    """One way of working: tiles of `side` pixels, `together` of them in `streams`."""

    side: int
    together: int
    streams: int


def _candidates(threads: int) -> list[Candidate]:
    """What is tried: the smallest, to learn the pace; then the likely ones, while time lasts."""
    alone = [Candidate(side, 1, 1) for side in SIDES]
    several = [Candidate(side, 4, 1) for side in SIDES[:3]]
    if threads > 1:
        several += [Candidate(side, threads, threads) for side in SIDES[1:4]]
    smallest, *others = alone + several
    usual = USUAL * USUAL

    def strangeness(candidate: Candidate) -> float:
        size = candidate.together * candidate.side**2
        return max(size, usual) / min(size, usual)

    return [smallest, *sorted(others, key=strangeness)]


def _seconds(glass: Glass, tiles: int) -> float:
    _, height, width, _ = glass.shape
    tile = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    started = time.perf_counter()
    glass.look([tile] * tiles)
    return time.perf_counter() - started


def _margin(lens: Lens) -> int:
    """How far from a tile's border its content still depends on what lies beyond, in pixels.

    Found by looking at the same picture once as a whole and once as a cut-out: where both agree
    to within one level of 255, the border is far enough away.
    """
    if lens.fixed is not None:
        return MARGINS[0] * 2
    widest, inner = MARGINS[-1], 2 * MARGINS[-1] + 16
    picture = motley(inner + 2 * widest)
    cut_out = picture[widest:-widest, widest:-widest]
    whole = lens.grind(*picture.shape[:2]).look([picture])[0]
    part = lens.grind(inner, inner).look([cut_out])[0]
    frame = widest * lens.scale
    difference = np.abs(
        whole[frame:-frame, frame:-frame].astype(np.int16) - part.astype(np.int16)
    ).max(axis=2)
    for margin in MARGINS:
        edge = margin * lens.scale
        if difference[edge:-edge, edge:-edge].max() <= 1:
            return margin
    return MARGINS[-1]


def motley(side: int, seed: int = 3) -> Pixels:
    """A picture with something of everything: slopes, edges, lines and grain."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    random = np.random.default_rng(seed)
    slopes = np.stack([x / side, y / side, 0.5 + 0.5 * np.sin((x + y) / 9)], axis=2)
    edges = ((x // (8 + seed) + y // (4 + seed)) % 2)[:, :, None]
    grain = random.normal(0.0, 0.06, (side, side, 3))
    mixed: Pixels = (255 * np.clip(0.6 * slopes + 0.3 * edges + grain, 0, 1)).astype(np.uint8)
    return mixed


def _reason(error: Exception) -> str:
    """One line of what OpenVINO raised: where comes first, what went wrong last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
