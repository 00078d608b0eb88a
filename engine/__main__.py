"""Paint from the command line, with no chat at all: `python -m engine "a red fox" -o fox.png`."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import sys
import time
from pathlib import Path

import structlog

from engine import encoding
from engine.catalogue import Catalogue
from engine.errors import Refusal, Stopped
from engine.images import decode_source, encode_png
from engine.networks import SCALES, Networks
from engine.painter import Progress
from engine.request import SEEDS, Ask
from engine.resolving import resolve

EXAMPLES = """examples:
  atelier paint "a lighthouse on the sea at sunset" -o lighthouse.png
  atelier paint "a castle in the mountains at night" --seed 7 --steps 12 --count 4
  atelier paint "a cabin in the snow" --aspect 3:2 --negative clouds -o cabin.png
  atelier paint "a balloon over the desert" --upscale 4 -o balloon.png
  atelier paint "the same in autumn" --source cabin.png --strength 0.5
"""


def parser() -> argparse.ArgumentParser:
    """The options of `paint`."""
    made = argparse.ArgumentParser(
        prog="atelier paint",
        description="Paint pictures from a prompt on this machine's CPU.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("prompt", type=encoding.heard, help="what to paint")
    made.add_argument("-o", "--output", type=Path, default=Path("out.png"), metavar="FILE.png")
    made.add_argument("--model", default=os.environ.get("ATELIER_MODEL", "starter"))
    made.add_argument(
        "--negative", type=encoding.heard, metavar="WORDS", help="what should not be in the picture"
    )
    made.add_argument("--width", type=int)
    made.add_argument("--height", type=int)
    made.add_argument("--aspect", metavar="3:2", help="the nearest size the model has")
    made.add_argument("--steps", type=int)
    made.add_argument("--guidance", type=float)
    made.add_argument("--seed", type=int)
    made.add_argument("--count", type=int, help="1 to 4 pictures, from seeds in a row")
    made.add_argument("--source", type=Path, metavar="PICTURE", help="start from this picture")
    made.add_argument("--strength", type=float, help="0.05 to 1: how much of it to repaint")
    made.add_argument("--upscale", type=int, choices=SCALES, help="enlarge what is painted")
    made.add_argument("--upscaler", metavar="NETWORK", help="by which network")
    made.add_argument(
        "--creative", type=float, help="then paint over it, tile by tile: 0.05 to 0.6"
    )
    made.add_argument(
        "--plain",
        action="store_true",
        help="as optimum-intel alone does it: to compare speed and memory",
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Paint and write the files; returns the exit code: 0, 2 for a bad request, 130 for Ctrl-C."""
    encoding.speak()
    options = parser().parse_args(arguments)
    try:
        return _paint(options)
    except (Refusal, OSError) as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Stopped):
        print("atelier: stopped", file=sys.stderr)
        return 130


def _paint(options: argparse.Namespace) -> int:
    data = Path(os.environ.get("ATELIER_DATA", "data"))
    folders = tuple(
        Path(each) for each in os.environ.get("ATELIER_MODELS", "").split(os.pathsep) if each
    )
    if (data / "models").is_dir():
        folders = (data / "models", *folders)
    catalogue = Catalogue.read(folders)
    model = catalogue.get(options.model)
    source = None
    if options.source is not None:
        source = decode_source(options.source.read_bytes())
    ask = Ask(
        prompt=options.prompt,
        negative=options.negative,
        width=options.width,
        height=options.height,
        aspect=options.aspect,
        steps=options.steps,
        guidance=options.guidance,
        seed=options.seed,
        count=options.count,
        source=None if source is None else str(options.source),
        strength=options.strength,
        upscale=options.upscale,
        upscaler=options.upscaler,
        creative=options.creative,
    )
    networks = Networks.read(folders)
    resolved = resolve(
        ask, model, draw_seed=lambda: secrets.randbelow(SEEDS), exact=True, networks=networks
    )
    paint = resolved.paint
    if not options.output.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {options.output.parent}")

    from tqdm import tqdm

    print("atelier: loading the model …", file=sys.stderr)
    log_to_stderr()
    from engine.diffusion import DiffusionPainter  # with OpenVINO
    from engine.plain import PlainPainter
    from engine.upscaler import Upscaler
    from engine.workshop import Workshop

    cache = data / "cache"
    plain = options.plain
    painter = Workshop(
        PlainPainter(catalogue) if plain else DiffusionPainter(catalogue, cache=cache),
        Upscaler(networks, cache=cache),
        catalogue,
    )
    form = "{l_bar}{bar}| {elapsed}"
    bar = tqdm(total=1.0, bar_format=form, file=sys.stderr, leave=False)

    def on_step(progress: Progress) -> None:
        bar.set_description(f"{progress.stage} {progress.step}/{progress.steps}", refresh=False)
        bar.update(progress.share - bar.n)

    with bar:
        started = time.perf_counter()
        for picture in painter.paint(paint, source, on_step):
            file = _numbered(options.output, picture.index, paint.count)
            file.write_bytes(encode_png(picture.image, picture.paint))
            seconds = time.perf_counter() - started
            bar.write(f"{file}  seed {picture.paint.seed}  {seconds:.2f} s", file=sys.stdout)
            for note in picture.notes:
                bar.write(f"only the beginning of the {note.field} was read: {note.used}")
            started = time.perf_counter()
    return 0


def log_to_stderr() -> None:
    """Only warnings, and never between the pictures on the standard output."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _numbered(file: Path, index: int, count: int) -> Path:
    return file if count == 1 else file.with_stem(f"{file.stem}-{index + 1}")


if __name__ == "__main__":
    sys.exit(main())
