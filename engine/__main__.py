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

from engine.catalogue import Catalogue
from engine.errors import Refusal, Stopped
from engine.images import decode_source, encode_png
from engine.painter import Progress
from engine.request import SEEDS, Ask, resolve

EXAMPLES = """examples:
  atelier paint "a lighthouse on the sea at sunset" -o lighthouse.png
  atelier paint "a castle in the mountains at night" --seed 7 --steps 12 --count 4
  atelier paint "a cabin in the snow" --aspect 3:2 --negative clouds -o cabin.png
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
    made.add_argument("prompt", help="what to paint")
    made.add_argument("-o", "--output", type=Path, default=Path("out.png"), metavar="FILE.png")
    made.add_argument("--model", default=os.environ.get("ATELIER_MODEL", "starter"))
    made.add_argument("--negative", metavar="WORDS", help="what should not be in the picture")
    made.add_argument("--width", type=int)
    made.add_argument("--height", type=int)
    made.add_argument("--aspect", metavar="3:2", help="the nearest size the model has")
    made.add_argument("--steps", type=int)
    made.add_argument("--guidance", type=float)
    made.add_argument("--seed", type=int)
    made.add_argument("--count", type=int, help="1 to 4 pictures, from seeds in a row")
    made.add_argument("--source", type=Path, metavar="PICTURE", help="start from this picture")
    made.add_argument("--strength", type=float, help="0.05 to 1: how much of it to repaint")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Paint and write the files; returns the exit code: 0, 2 for a bad request, 130 for Ctrl-C."""
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
    folders = tuple(
        Path(each) for each in os.environ.get("ATELIER_MODELS", "").split(os.pathsep) if each
    )
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
    )
    resolved = resolve(ask, model, draw_seed=lambda: secrets.randbelow(SEEDS), exact=True)
    paint = resolved.paint
    if not options.output.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {options.output.parent}")

    from tqdm import tqdm

    print("atelier: loading the model …", file=sys.stderr)
    _log_to_stderr()
    from engine.diffusion import DiffusionPainter  # takes seconds

    cache = Path(os.environ.get("ATELIER_DATA", "data")) / "cache"
    painter = DiffusionPainter(catalogue, cache=cache)
    total = paint.count * paint.working_steps
    bar = tqdm(total=total, unit="step", file=sys.stderr, leave=False)

    def on_step(progress: Progress) -> None:
        bar.update(progress.index * progress.steps + progress.step - bar.n)

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


def _log_to_stderr() -> None:
    """Only warnings, and never between the pictures on the standard output."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _numbered(file: Path, index: int, count: int) -> Path:
    return file if count == 1 else file.with_stem(f"{file.stem}-{index + 1}")


if __name__ == "__main__":
    sys.exit(main())
