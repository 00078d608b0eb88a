"""The upscaler: any super-resolution network, over pictures of any size, tile by tile.

Networks take and give RGB in 0–1, batch × channels × height × width, at a whole-number scale. They
are compiled for tiles of fixed shape; reading bytes and writing bytes are part of the compiled
graph, so that almost nothing is left to do around it. Memory follows the tile, not the picture.

Importing this loads OpenVINO; one upscaler belongs to one thread.
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import structlog
from PIL import Image

from engine.errors import BrokenModel
from engine.lens import Glass, Lens, measure
from engine.networks import Network, Networks, Pass
from engine.tempo import Tempo, Tempos, key_of
from engine.tiles import Grid, Pixels, cut, exact

log = structlog.get_logger(__name__)

OnTile = Callable[[int, int], None]
"""Called in the upscaler's thread with the tiles done and their number; may raise `Stopped`."""

FEATHER = 8
READY = 6
"""Compiled tile shapes that are kept, over all networks."""
MODES = {"L": "L", "1": "L", "LA": "LA", "La": "LA", "RGBA": "RGBA", "RGBa": "RGBA", "PA": "RGBA"}
"""What a picture's mode becomes; anything else becomes RGB."""


class Upscaler:
    """Enlarges pictures with the networks on offer."""

    def __init__(
        self,
        networks: Networks,
        *,
        cache: Path,
        threads: int | None = None,
        memory_bytes: int | None = None,
        busy: Callable[[], bool] | None = None,
    ) -> None:
        """`cache` remembers what was measured; `memory_bytes` bounds what tiles may take.

        What is measured while the machine is `busy` with other things is not remembered.
        """
        self._busy = busy or _overloaded
        self._networks = networks
        self._tempos = Tempos(cache)
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._lenses: dict[Path, Lens] = {}
        self._measured: dict[Path, Tempo] = {}
        self._glasses: OrderedDict[tuple[Path, int, int], Glass] = OrderedDict()

    def upscale(
        self,
        image: Image.Image,
        scale: int,
        network: str | None = None,
        on_tile: OnTile = lambda done, total: None,
        *,
        thorough: bool = False,
    ) -> Image.Image:
        """`image`, `scale` times as large: in colours or grey, with alpha or without, as it was.

        `thorough` looks at every tile turned and mirrored in all eight ways and takes the mean.
        Raises `UnknownModel`, `BrokenModel`, or what `on_tile` raises.
        """
        chosen = self._networks.choose(network)
        mode, looks, flat_alpha = _apart(image)
        steps = list(self._steps(chosen, scale, image.size, thorough))
        total = len(looks) * sum(grid.count for _, grid in steps)
        done = 0

        def on_more() -> None:
            nonlocal done
            done += 1
            on_tile(done, total)

        enlarged = []
        for look in looks:
            pixels = look
            for step, grid in steps:
                pixels = self._pass(chosen, step, grid, pixels, thorough, on_more)
            enlarged.append(pixels)
        return _together(enlarged, mode, flat_alpha)

    def prepare(self, network: str | None, scale: int) -> None:
        """Load and measure what enlarging by `scale` needs, so that its time is its own."""
        chosen = self._networks.choose(network)
        for step in chosen.plan(scale):
            self.tempo(chosen, step.native)

    def tempo(self, network: Network, native: int) -> Tempo:
        """How `network` runs best on this machine; measured the first time, which takes seconds."""
        file = network.files[native]
        if file not in self._measured:
            lens = self._lens(network, native)
            key = key_of(file, lens.circumstances, self._memory_bytes)
            tempo = self._tempos.get(key)
            if tempo is None:
                started = time.perf_counter()
                tempo = measure(lens, feather=FEATHER, memory_bytes=self._memory_bytes)
                if not self._busy():
                    self._tempos.keep(key, tempo)
                seconds = round(time.perf_counter() - started, 2)
                log.info("upscaler measured", network=network.name, tempo=tempo, took=seconds)
            self._measured[file] = tempo
        return self._measured[file]

    def _lens(self, network: Network, native: int) -> Lens:
        file = network.files[native]
        if file not in self._lenses:
            lens = Lens(file, name=network.name, threads=self._threads)
            if lens.scale != native:
                reason = f"{file.name} enlarges by {lens.scale}, not by {native}"
                raise BrokenModel(network.name, reason)
            self._lenses[file] = lens
        return self._lenses[file]

    def _steps(
        self, network: Network, scale: int, size: tuple[int, int], thorough: bool
    ) -> Iterator[tuple[Pass, Grid]]:
        """The passes that enlarge by `scale`, and how the picture is cut for each."""
        width, height = size
        for step in network.plan(scale):
            yield step, self._grid(network, step, (width, height), thorough)
            width, height = width * step.up // step.down, height * step.up // step.down

    def _grid(self, network: Network, step: Pass, size: tuple[int, int], thorough: bool) -> Grid:
        tempo = self.tempo(network, step.native)
        fixed = self._lens(network, step.native).fixed
        width, height = size
        margin, multiple = tempo.margin, math.lcm(4, step.down)

        def exactly(across: int, down: int) -> Grid:
            return Grid(
                across=exact(width, across, margin=margin, feather=FEATHER, multiple=multiple),
                down=exact(height, down, margin=margin, feather=FEATHER, multiple=multiple),
            )

        if fixed is not None:
            return exactly(*fixed)
        grid = Grid(
            across=cut(width, tempo.side, margin=margin, feather=FEATHER, multiple=multiple),
            down=cut(height, tempo.side, margin=margin, feather=FEATHER, multiple=multiple),
        )
        if thorough:  # turned tiles have to fit too
            side = max(grid.across.tile, grid.down.tile)
            return exactly(side, side)
        return grid

    def _pass(
        self,
        network: Network,
        step: Pass,
        grid: Grid,
        pixels: Pixels,
        thorough: bool,
        on_more: Callable[[], None],
    ) -> Pixels:
        glass = self._glass(network, step.native, grid)
        canvas = grid.canvas(3, step.up, step.down)
        size = (grid.across.tile * step.up // step.down, grid.down.tile * step.up // step.down)
        for group in _groups(grid.tiles(pixels), 1 if thorough else glass.together):
            tiles = [tile for _, _, tile in group]
            found = [_mean_look(glass, tiles[0])] if thorough else glass.look(tiles)
            for (column, row, _), result in zip(group, found, strict=True):
                canvas.put(column, row, _resized(result, size))
            for _ in group:
                on_more()
        return canvas.pixels

    def _glass(self, network: Network, native: int, grid: Grid) -> Glass:
        file, width, height = network.files[native], grid.across.tile, grid.down.tile
        key = (file, width, height)
        if key not in self._glasses:
            tempo = self.tempo(network, native)
            several = grid.count > 1 and tempo.together > 1
            self._glasses[key] = self._lens(network, native).grind(
                width,
                height,
                together=tempo.together if several else 1,
                streams=tempo.streams if several else 1,
            )
            while len(self._glasses) > READY:
                self._glasses.popitem(last=False)
        self._glasses.move_to_end(key)
        return self._glasses[key]


def _overloaded() -> bool:
    """Whether others want more of the processors than we can have; painting alone is not that."""
    return os.getloadavg()[0] > 2 * len(os.sched_getaffinity(0))


def _apart(image: Image.Image) -> tuple[str, list[Pixels], int | None]:
    """The mode of the result, what has to be enlarged, and the alpha if it is the same all over."""
    mode = MODES.get(image.mode, "RGBA" if image.has_transparency_data else "RGB")
    own = image.convert(mode)
    looks = [np.asarray(own.convert("RGB"))]
    flat_alpha = None
    if mode in ("LA", "RGBA"):
        alpha = own.getchannel("A")
        levels = np.asarray(alpha)
        if levels.min() == levels.max():
            flat_alpha = int(levels.min())
        else:
            looks.append(np.asarray(alpha.convert("RGB")))
    return mode, looks, flat_alpha


def _together(enlarged: list[Pixels], mode: str, flat_alpha: int | None) -> Image.Image:
    image = Image.fromarray(enlarged[0])
    if mode == "RGB":
        return image
    image = image.convert(mode)
    if len(enlarged) > 1:
        image.putalpha(Image.fromarray(enlarged[1][:, :, 1]))
    elif flat_alpha is not None:
        image.putalpha(flat_alpha)
    return image


def _resized(tile: Pixels, size: tuple[int, int]) -> Pixels:
    if tile.shape[1::-1] == size:
        return tile
    return np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.LANCZOS))


def _mean_look(glass: Glass, tile: Pixels) -> Pixels:
    """The mean of what is seen of a tile in all ways it can lie."""
    quarter = 1 if tile.shape[0] == tile.shape[1] else 2
    ways = [(turns, flipped) for turns in range(0, 4, quarter) for flipped in (False, True)]
    found = glass.look([_turned(tile, *way) for way in ways])
    whole = np.zeros(found[0].shape, np.float32)
    for each, (turns, flipped) in zip(found, ways, strict=True):
        upright = each[:, ::-1] if flipped else each
        whole += np.rot90(upright, -turns)
    return (whole / len(ways) + 0.5).astype(np.uint8)


def _turned(tile: Pixels, turns: int, flipped: bool) -> Pixels:
    turned = np.rot90(tile, turns)
    return turned[:, ::-1] if flipped else turned


Place = tuple[int, int, Pixels]


def _groups(places: Iterator[Place], size: int) -> Iterator[list[Place]]:
    group: list[Place] = []
    for place in places:
        group.append(place)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
