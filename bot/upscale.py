"""The command `atelier upscale`: pictures and folders of pictures, enlarged without any server."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bot.settings import Settings
from engine.__main__ import log_to_stderr
from engine.catalogue import Catalogue, Model
from engine.errors import InvalidRequest, Refusal, Stopped
from engine.images import QUALITY, Form, encode, open_picture
from engine.metadata import Metadata, parse
from engine.networks import SCALES, Network, Networks
from engine.request import LONGEST_SIDE, Ask, Paint, Upscale
from engine.resolving import CREATIVE, check_upscale, resolve

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.painter import Painter

ENDINGS = {
    ".png": Form.PNG,
    ".webp": Form.WEBP,
    ".jpg": Form.JPEG,
    ".jpeg": Form.JPEG,
}
READABLE = {*ENDINGS, ".gif", ".bmp", ".tif", ".tiff"}
MAX_BYTES = 1_000_000_000
"""Whoever sits at the command line brings their own pictures; this only stops accidents."""

EXAMPLES = """examples:
  atelier upscale fox.png
  atelier upscale fox.png -o large.webp --scale 4 --quality 95
  atelier upscale holiday/ -o holiday-large/ --scale 2 --format jpeg
  atelier upscale fox.png --scale 4 --thorough
  atelier upscale fox.png --scale 4 --creative 0.3 --prompt "a fox in the snow"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One picture to be enlarged, and where it goes."""

    source: Path
    target: Path
    form: Form


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to the command line."""
    made = commands.add_parser(
        "upscale",
        help="enlarge a picture or a folder of pictures",
        description="Enlarge pictures on this machine's CPU. What a file says of its picture "
        "(how it was made, colours, camera) is kept. In a folder, what is there already is not "
        "made again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("sources", nargs="+", type=Path, metavar="PICTURE|FOLDER")
    made.add_argument("-o", "--output", type=Path, metavar="FILE|FOLDER")
    made.add_argument("--scale", type=int, choices=SCALES, default=2)
    made.add_argument("--network", metavar="NAME", help="`atelier models list` names them")
    made.add_argument("--format", choices=[each.value for each in Form], help="as the source's")
    made.add_argument(
        "--quality", type=int, default=QUALITY, help=f"1 to 100, for JPEG and WebP ({QUALITY})"
    )
    made.add_argument(
        "--thorough",
        action="store_true",
        help="look at everything in eight ways and take the mean: a little better, eight times "
        "as long",
    )
    made.add_argument(
        "--creative",
        type=float,
        metavar="STRENGTH",
        help=f"then paint over it, tile by tile: {CREATIVE[0]:g} to {CREATIVE[1]:g}",
    )
    made.add_argument("--model", help="with --creative: the model that paints")
    made.add_argument(
        "--prompt", help="with --creative: what is in the picture, if it says nothing"
    )
    made.add_argument("--no-metadata", action="store_true", help="write the pixels alone")
    made.add_argument("--overwrite", action="store_true", help="make again what is there already")
    made.set_defaults(run=run)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Enlarge; the exit code is 0, 1 (some could not be), 2 (bad use) or 130 (Ctrl-C)."""
    try:
        return _run(settings, options)
    except (Refusal, OSError) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Stopped):
        print("atelier: stopped", file=sys.stderr)
        return 130


def _run(settings: Settings, options: argparse.Namespace) -> int:
    networks = Networks.read(settings.model_folders)
    network = networks.choose(options.network)
    if not 1 <= options.quality <= 100:
        raise InvalidRequest("quality", str(options.quality), "1–100")
    tasks = list(_tasks(options))
    if not options.overwrite and any(each.is_dir() for each in options.sources):
        there = [task for task in tasks if task.target.exists()]
        tasks = [task for task in tasks if task not in there]
        if there:
            print(f"already there: {len(there)} (--overwrite makes them again)", file=sys.stderr)
    work = _Work(settings, options, networks, network)
    failed = 0
    many = len(tasks) > 1
    from tqdm import tqdm

    with tqdm(
        total=len(tasks), unit="picture", file=sys.stderr, leave=False, disable=not many
    ) as pictures:
        for task in tasks:
            started = time.perf_counter()
            try:
                width, height = work.enlarge(task)
            except (Refusal, OSError) as error:
                failed += 1
                pictures.write(f"atelier: {task.source}: {error}", file=sys.stderr)
            else:
                seconds = time.perf_counter() - started
                pictures.write(f"{task.target}  {width}×{height}  {seconds:.2f} s", sys.stdout)
            pictures.update()
    if not many:
        return 2 if failed else 0
    return 1 if failed else 0


def _tasks(options: argparse.Namespace) -> Iterator[Task]:
    """What has to be done; raises before anything is, if it cannot be."""
    form = None if options.format is None else Form(options.format)
    output: Path | None = options.output
    folder_wanted = len(options.sources) > 1 or options.sources[0].is_dir()
    if output is not None and output.suffix.lower() in ENDINGS and not output.is_dir():
        if folder_wanted:
            raise InvalidRequest("output", str(output), "a folder, for more than one picture")
        form = form or ENDINGS[output.suffix.lower()]
        if not output.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {output.parent}")
        yield Task(source=_existing(options.sources[0]), target=output, form=form)
        return
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    taken: dict[Path, Path] = {}
    for source in options.sources:
        if source.is_dir():
            into = output or source.with_name(f"{source.resolve().name}-x{options.scale}")
            if into.resolve() == source.resolve():
                raise InvalidRequest("output", str(into), "another folder than the pictures' own")
            into.mkdir(parents=True, exist_ok=True)
            inside = sorted(each for each in source.iterdir() if each.suffix.lower() in READABLE)
            if not inside:
                raise FileNotFoundError(f"there is no picture in {source}")
            suffix = ""
        else:
            into = output or source.parent
            inside = [_existing(source)]
            suffix = f"-x{options.scale}" if into.resolve() == source.parent.resolve() else ""
        for each in inside:
            made = form or ENDINGS.get(each.suffix.lower(), Form.PNG)
            ending = each.suffix if ENDINGS.get(each.suffix.lower()) is made else f".{made.value}"
            target = into / f"{each.stem}{suffix}{ending}"
            if target in taken:  # fox.png and fox.bmp
                target = into / f"{each.name}{suffix}{ending}"
            taken[target] = each
            yield Task(source=each, target=target, form=made)


def _existing(source: Path) -> Path:
    if not source.is_file():
        raise FileNotFoundError(f"there is no picture {source}")
    return source


class _Work:
    """Enlarges one picture after another with what is loaded once."""

    def __init__(
        self, settings: Settings, options: argparse.Namespace, networks: Networks, network: Network
    ) -> None:
        self._settings = settings
        self._options = options
        self._network = network
        self._catalogue = Catalogue.read(settings.model_folders)
        self._model: Model | None = None
        if options.creative is not None:
            self._model = self._catalogue.get(options.model or settings.model)
        print("atelier: loading …", file=sys.stderr)
        log_to_stderr()
        from engine.upscaler import Upscaler

        cache, threads = settings.data / "cache", settings.painting_threads
        self._upscaler = Upscaler(
            networks, cache=cache, threads=threads, memory_bytes=settings.memory_bytes
        )
        self._painter: Painter | None = None

    def enlarge(self, task: Task) -> tuple[int, int]:
        """Do it; returns width and height of the result. Nothing half-written is left behind."""
        options = self._options
        image, metadata = open_picture(
            task.source.read_bytes(), max_bytes=MAX_BYTES, max_pixels=(LONGEST_SIDE // 2) ** 2
        )
        wish = Upscale(scale=options.scale, network=self._network.name, creative=options.creative)
        check_upscale(wish, image.width, image.height, self._model)
        paint = None if self._model is None else self._paint(self._model, metadata)
        with _TileBar(task.source.name) as bar:
            made = self._upscaler.upscale(
                image, options.scale, self._network.name, bar.enlarged, thorough=options.thorough
            )
            if self._model is not None and paint is not None:
                made = self._refined(made, paint, self._model, bar)
        kept = Metadata() if options.no_metadata else metadata.enlarged(wish)
        data = encode(made, task.form, quality=options.quality, metadata=kept)
        temporary = task.target.with_name(f".{task.target.name}.part")
        try:
            temporary.write_bytes(data)
            temporary.replace(task.target)
        finally:
            temporary.unlink(missing_ok=True)
        return made.size

    def _paint(self, model: Model, metadata: Metadata) -> Paint:
        """What is painted over it: the words that its file tells, or those that were given."""
        told = parse(metadata.parameters)
        prompt = self._options.prompt or (told.prompt if told else "")
        if not prompt:
            raise InvalidRequest("prompt", "", "--prompt says what is to be seen")
        ask = Ask(prompt=prompt, negative=told.negative if told and model.negative else None)
        return resolve(ask, model, draw_seed=lambda: 0).paint

    def _refined(self, image: Image, paint: Paint, model: Model, bar: _TileBar) -> Image:
        from engine.refining import refine

        if self._painter is None:
            from engine.diffusion import DiffusionPainter

            self._painter = DiffusionPainter(self._catalogue, cache=self._settings.data / "cache")
        strength, tile = self._options.creative, model.sizes[0]
        return refine(
            self._painter, image, paint, strength=strength, tile=tile, on_tile=bar.painted
        )


class _TileBar:
    """The bar of one picture: tiles enlarged, then tiles painted over."""

    def __init__(self, name: str) -> None:
        from tqdm import tqdm

        self._name = name[-30:]
        self._bar = tqdm(unit="tile", file=sys.stderr, leave=False, desc=self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def enlarged(self, done: int, total: int) -> None:
        """A tile of the first stage."""
        self._show(done, total, self._name)

    def painted(self, done: int, total: int) -> None:
        """A tile of the second."""
        self._show(done, total, f"{self._name}, painting over")

    def _show(self, done: int, total: int, words: str) -> None:
        if self._bar.total != total or done < self._bar.n:
            self._bar.reset(total)
        self._bar.set_description(words, refresh=False)
        self._bar.update(done - self._bar.n)
