"""The command `atelier models build`: others' weights become a model that paints here, and fast."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import machine
from bot.models_told import told
from bot.settings import Settings
from engine.__main__ import log_to_stderr
from engine.building.recipe import (
    INPUTS,
    SAMPLES,
    Built,
    Lora,
    OnStage,
    Precision,
    Recipe,
    Source,
    read_prompts,
)
from engine.building.sources import FETCHED, TOKENIZER, Found, Sources, scaled, tokenizer_here
from engine.catalogue import Catalogue
from engine.errors import BrokenModel
from engine.request import SCHEDULERS

if TYPE_CHECKING:
    from tqdm import tqdm

EXAMPLES = """examples:
  atelier models build stabilityai/sd-turbo --tiny-decoder madebyollin/taesd
  atelier models build ~/Downloads/dreamy_v8.safetensors --name dreamy \\
      --lora latent-consistency/lcm-lora-sdv1-5 --tiny-decoder madebyollin/taesd
  atelier models build ./my-model --lora style.safetensors:0.8 --steps 20 --guidance 6
  atelier models build ./my-model --weights-only --sizes 512x512,640x448
"""
MOST_SAMPLES = 16
TOLD_EVERY = 30.0
"""Seconds."""
FAR = 20.0
"""Decibels below which the same seed gives another picture."""
SIZE = re.compile(r"(\d{2,4})[x×](\d{2,4})")


def add(tasks: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to the tasks of `atelier models`."""
    build = tasks.add_parser(
        "build",
        help="make a painting model out of weights: diffusers, or one .safetensors file",
        description="Make a painting model out of weights, so that it is quick on this machine's "
        "processor: LoRAs are fused, the networks go to OpenVINO and to 8 bits, measured on "
        "pictures that the model itself paints. Original and result then paint the same prompts "
        "from the same seeds; the sheet and the numbers lie in the model's folder. Fetching goes "
        "on where it stopped; HF_ENDPOINT and HF_TOKEN are the hub's.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument(
        "source", help="owner/name on the hub, owner/name/file.safetensors, a folder or a file"
    )
    build.add_argument("--name", help="small letters, digits, dashes; else the source's")
    build.add_argument("--title", help="what people read")
    build.add_argument("--revision", default="main", help="branch, tag or commit on the hub")
    build.add_argument(
        "--lora", action="append", default=[], metavar="FILE[:0.8]",
        help="fuse these changes, that strongly; a file, or on the hub; may be given several times",
    )  # fmt: skip
    how = build.add_mutually_exclusive_group()
    how.add_argument(
        "--int8", dest="precision", action="store_const", const=Precision.int8,
        help="weights and activations in 8 bits (the default)",
    )  # fmt: skip
    how.add_argument(
        "--weights-only", dest="precision", action="store_const", const=Precision.weights,
        help="only the weights in 8 bits: nearer to the original, slower",
    )  # fmt: skip
    how.add_argument(
        "--fp16", dest="precision", action="store_const", const=Precision.fp16,
        help="16 bits: nearest to the original, largest",
    )  # fmt: skip
    build.add_argument(
        "--tiny-decoder", metavar="SOURCE",
        help="paint with this small decoder (folder or hub); the full one is kept beside it",
    )  # fmt: skip
    build.add_argument(
        "--rest", metavar="SOURCE",
        help="for a single file: folder or hub id with what it lacks (the tokenizer at least)",
    )  # fmt: skip
    build.add_argument(
        "--prediction", choices=("epsilon", "v_prediction"), help="for a single file: what it tells"
    )
    build.add_argument(
        "--no-pooling",
        action="store_true",
        help="let attentions over large pictures see every place: nearer to the original, slower",
    )
    build.add_argument(
        "--no-reusing",
        action="store_true",
        help="let each step look at all of the picture anew: nearer to the original, slower",
    )
    build.add_argument("--scheduler", choices=SCHEDULERS, help="its sampler")
    build.add_argument("--steps", type=int, help="steps by default")
    build.add_argument("--guidance", type=float, help="guidance by default; 0 is without")
    build.add_argument("--sizes", metavar="512x512,640x448", help="on offer; the first by default")
    build.add_argument("--licence", help="such as openrail++")
    build.add_argument("--prompts", type=Path, metavar="FILE", help="prompts to measure with")
    build.add_argument("--samples", type=int, default=SAMPLES, help="pictures to compare by")
    build.add_argument("--inputs", type=int, default=INPUTS, help=argparse.SUPPRESS)
    build.add_argument("--replace", action="store_true", help="in place of a model of that name")
    build.add_argument(
        "--keep-weights", action="store_true", help="keep what was fetched, to build from it again"
    )
    build.add_argument(
        "--anyway", action="store_true", help="also where the memory will hardly be enough"
    )
    build.set_defaults(run=run, precision=Precision.int8)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Build it; the exit code is 0, 1 (not reached), 2 (cannot be built) or 130 (Ctrl-C)."""
    return told(lambda: _build(settings, options))


def _build(settings: Settings, options: argparse.Namespace) -> None:
    name = options.name or name_of(options.source)
    card = _card(options, name)
    prompts = _prompts(options)
    if not 0 <= options.samples <= MOST_SAMPLES:
        raise BrokenModel("--samples", f"it takes 0 to {MOST_SAMPLES}")
    known = Catalogue.read(settings.model_folders)
    target = settings.models_folder / name
    if (name in known.models or target.exists()) and not (options.replace and target.exists()):
        raise BrokenModel(name, "there is a model of that name already (--replace, or --name)")
    from engine.building import build

    with _bar() as bar:
        sources = Sources(
            hub=settings.hub_access, kept=settings.models_folder / FETCHED, on_bytes=bar.bytes
        )
        bar.say(options.source)
        found = sources.model(options.source, options.revision)
        fetched = [found]
        source = Source(
            path=found.path,
            rest=_rest(options, found, sources, known, fetched),
            origin=found.origin,
            revision=found.revision,
            prediction=options.prediction,
        )
        loras = []
        for text in options.lora:
            file, scale = scaled(text)
            bar.say(file)
            fetched.append(sources.lora(file))
            loras.append(Lora(file=fetched[-1].path, scale=scale, origin=fetched[-1].origin))
        if options.tiny_decoder:
            bar.say(options.tiny_decoder)
            fetched.append(sources.decoder(options.tiny_decoder))
        recipe = Recipe(
            name=name,
            source=source,
            loras=tuple(loras),
            precision=options.precision,
            decoder=fetched[-1].path if options.tiny_decoder else None,
            prompts=prompts,
            samples=options.samples,
            inputs=max(1, options.inputs),
            memory=None if options.anyway else machine.memory_bytes(),
            card=card | {"licence": options.licence or found.licence or None},
        )
        built = build(recipe, settings.models_folder, on_stage=bar.stage, replacing=options.replace)
    show_built(built)
    if not options.keep_weights:
        for each in fetched:
            if each.fetched is not None:
                shutil.rmtree(each.fetched, ignore_errors=True)


def show_built(built: Built) -> None:
    """Print the numbers."""
    print("\n".join(report(built)))


def report(built: Built) -> list[str]:
    """What people read when it is done."""
    width, height = built.size
    lines = [f"{built.name}: {built.family}, {built.precision}, decoder {built.decoder}"]
    lines += [f"  {note}" for note in built.notes]
    guided = f", guidance {built.guidance:g}" if built.guidance else ""
    lines.append(f"  painted: {width}×{height}, {built.steps} steps{guided}")
    if built.psnr:
        each = ", ".join(f"{value:.1f}" for value in built.psnr)
        lines.append(f"  against the original in 32 bits: {built.mean_psnr:.1f} dB ({each})")
        if built.precision == Precision.int8 and min(built.psnr) < FAR:
            lines.append("  some are far from it: look at the sheet; --weights-only stays nearer")
        lines.append(
            f"  a picture: {built.seconds_after:.2f} s (the original: {built.seconds_before:.2f} s)"
        )
    before, after = built.bytes_before / 1e6, built.bytes_after / 1e6
    lines.append(f"  networks: {after:.1f} MB (the weights in 16 bits: {before:.1f} MB)")
    lines.append(f"  built in {built.took:.0f} s with {built.peak_bytes / 1e9:.1f} GB of memory")
    lines.append(f"  {built.folder}" + (f" (look at {built.sheet})" if built.psnr else ""))
    return lines


def name_of(source: str) -> str:
    """A model's name out of what it is made of: `Org/My_Model.v2` -> `my-model.v2`."""
    last = Path(source.rstrip("/")).expanduser().name.removesuffix(".safetensors")
    return re.sub(r"[^a-z0-9.]+", "-", last.lower()).strip("-.")[:40]


def _rest(
    options: argparse.Namespace,
    found: Found,
    sources: Sources,
    known: Catalogue,
    fetched: list[Found],
) -> Path | None:
    """What a single file lacks: as named, from a model that is here, or from the hub."""
    if found.path.is_dir():
        return None
    from engine.building.headers import needs_rest

    lacking = needs_rest(found.path)
    text = options.rest
    if text is None and lacking == "tokenizer":
        here = tokenizer_here(model.folder for model in known.models.values())
        text = str(here) if here is not None else TOKENIZER
    if text is None:
        raise BrokenModel(
            found.path.name,
            "it holds one network alone; name a folder or hub id with the others (--rest)",
        )
    fetched.append(sources.rest(text, lacking))
    return fetched[-1].path


def _card(options: argparse.Namespace, name: str) -> dict[str, Any]:
    """What the options say that the card shall say."""
    said: dict[str, Any] = {"title": options.title or name, "scheduler": options.scheduler}
    if options.no_pooling:
        said["pooling"] = False
    if options.no_reusing:
        said["reusing"] = False
    if options.steps is not None:
        if not 1 <= options.steps <= 100:
            raise BrokenModel("--steps", "it takes 1 to 100")
        said["default_steps"] = options.steps
    if options.guidance is not None:
        if not 0 <= options.guidance <= 20:
            raise BrokenModel("--guidance", "it takes 0 to 20")
        said["default_guidance"] = options.guidance
    if options.sizes is not None:
        found = [SIZE.fullmatch(each.strip()) for each in options.sizes.split(",")]
        if not all(found):
            raise BrokenModel("--sizes", "it takes sizes such as 512x512,640x448")
        said["sizes"] = tuple((int(each[1]), int(each[2])) for each in found if each)
    return said


def _prompts(options: argparse.Namespace) -> tuple[str, ...]:
    if options.prompts is None:
        return ()
    found = read_prompts(options.prompts)
    if not found:
        raise BrokenModel("--prompts", f"there is no prompt in {options.prompts}")
    return found


class _Bar:
    """Progress on the terminal: bytes of what is fetched, then the stages of the build."""

    def __init__(self, bar: tqdm[Any]) -> None:
        self._bar = bar
        self._stage = ""
        self._out = sys.stderr  # as it is now: libraries are kept quiet by putting another there
        self._told = 0.0

    def say(self, what: str) -> None:
        self._bar.set_description_str(what[-50:])

    def bytes(self, done: int, total: int) -> None:
        self._bar.unit, self._bar.unit_scale = "B", True
        self._put(done, total)

    def stage(self, what: str, done: int, total: int) -> None:
        if self._bar.disable:  # a log has no bar: a line for each stage, and now and then one more
            now = time.monotonic()
            if what != self._stage or (done and now - self._told > TOLD_EVERY):
                far = f" {done}" * (done > 0) + f" of {total}" * (done > 0 and total > 0)
                print(f"{what}{far} …", file=self._out, flush=True)
                self._told = now
        self._stage = what
        self._bar.unit, self._bar.unit_scale = "", False
        self.say(what)
        self._put(done, total or None)

    def _put(self, done: int, total: int | None) -> None:
        self._bar.total = total
        self._bar.n = done
        self._bar.refresh()


@contextmanager
def stages(name: str) -> Iterator[OnStage]:
    """Something for a build to tell its stages to; shown on the terminal's other stream."""
    with _bar() as bar:
        bar.say(name)
        yield bar.stage


@contextmanager
def _bar() -> Iterator[_Bar]:
    from tqdm import tqdm

    log_to_stderr()
    with tqdm(file=sys.stderr, leave=False, disable=None) as bar:
        yield _Bar(bar)
