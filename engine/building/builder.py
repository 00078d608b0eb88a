"""One build from beginning to end: original, LoRAs, export, 8 bits, comparison, card.

All of it happens in a folder beside the model's place, whose name begins with a dot: what is
killed leaves nothing that a catalogue would load, and the next build sweeps it away.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.building import (
    calibrate,
    comparing,
    decoder,
    export,
    originals,
    quantize,
    sheet,
    single_file,
)
from engine.building.headers import count_numbers, needs_rest
from engine.building.loras import fuse
from engine.building.recipe import NOTE, SHEET, Built, OnStage, Precision, Recipe, read_prompts
from engine.cards import NAME, write_card
from engine.catalogue import read_model
from engine.describing import describe, offered
from engine.errors import BrokenModel

DRAFT = ".draft"
"""Where intermediate results lie inside the fresh folder; gone before it takes its place."""
ROOM = 3.0
"""How many times the weights' bytes have to be free on the disk."""
SPARE = 300_000_000
MEMORY = 8.0
"""Bytes of memory for each number: four as it is read, as many again as it is exported (measured
with SD-Turbo's 1.29 billion numbers: 7.2)."""
MEASURING = 12.0
"""The same where activations are measured for 8 bits, all of a network's at once (11.2)."""
LIBRARIES = 1_200_000_000
GOOD = 30.0
"""Decibels above which an 8-bit tiny decoder is kept: nobody sees a difference there."""
SPEAKING = ("stable-diffusion", "stable-diffusion-xl")
"""Families whose members differ in how they want to paint, as their names mostly say."""
POOLED = ("stable-diffusion", "latent-consistency", "stable-diffusion-xl")
"""Families whose largest attentions look at averaged places (engine/pooling.py) in 8-bit builds."""
EIGHT_BITS = "weights and activations to 8 bits"
MANY = 12
"""Steps from which on every other one reuses what is deep (engine/reusing.py) in 8-bit builds."""
DENOISERS = ("unet", "transformer")
ENCODERS = ("text_encoder", "text_encoder_2")


def build_model(
    recipe: Recipe,
    models: Path,
    *,
    on_stage: OnStage = lambda what, done, total: None,
    replacing: bool = False,
) -> Built:
    """Make the model of `recipe` in the folder `models`. Raises `BrokenModel`."""
    started = time.monotonic()
    target = models / recipe.name
    if not NAME.fullmatch(recipe.name):
        allowed = "small letters, digits, dots, dashes; at most 40"
        raise BrokenModel(recipe.name, f"that is no name for a model ({allowed})")
    if target.exists() and not replacing:
        raise BrokenModel(recipe.name, "there is a model of that name already")
    _check_room(recipe, models)
    with _fresh(models, recipe.name) as fresh:
        built = _build(recipe, fresh, on_stage, started)
        _keep(built, fresh)
        shutil.rmtree(fresh / DRAFT)
        read_model(fresh)
        _settle(fresh)
        _take_place(fresh, target)
    return replace(built, folder=target)


def _build(recipe: Recipe, fresh: Path, on_stage: OnStage, started: float) -> Built:
    draft = fresh / DRAFT
    notes: list[str] = []
    on_stage("reading the weights", 0, 0)
    pipeline = _open(recipe)
    for lora in recipe.loras:
        on_stage(f"fusing {lora.file.name}", 0, 0)
        fused = fuse(pipeline, lora.file, lora.scale)
        notes.append(f"{lora.origin or lora.file.name}: {fused.said}")
    family, weight = originals.family(pipeline), originals.weigh(pipeline)
    said = _card(recipe, pipeline, draft / "configs")
    size, steps = said["sizes"][0], int(said["default_steps"])
    guidance = float(said.get("default_guidance") or 0.0)
    prompts = recipe.prompts or read_prompts()
    asked = comparing.spread(prompts, recipe.samples)
    before, seconds_before = comparing.paint_originals(
        pipeline, asked, size=size, steps=steps, guidance=guidance, on_stage=on_stage
    )
    on_stage("exporting to OpenVINO", 0, 0)
    export.export(pipeline, fresh, recipe.name)
    del pipeline
    gc.collect()
    kind = "full"
    if recipe.decoder is not None:
        on_stage("attaching the tiny decoder", 0, 0)
        decoder.attach(recipe.decoder, fresh, recipe.name)
        kind = "tiny"
    if recipe.precision is Precision.int8:
        kept = calibrate.follow(
            fresh, prompts, size=size, steps=steps, guidance=guidance, wanted=recipe.inputs,
            on_prompt=lambda done, total: on_stage("painting to calibrate", done, total),
        )  # fmt: skip
        kind = _in_8_bits(fresh, kept, kind, on_stage)
    elif recipe.precision is Precision.weights:
        on_stage("weights to 8 bits", 0, 0)
        for part in (*DENOISERS, *ENCODERS):
            if (fresh / part).is_dir():
                quantize.compress(fresh / part)
    export.forget_places(fresh)
    said["memory_mb"] = recipe.card.get("memory_mb") or _memory_mb(fresh)
    write_card(fresh, **said)
    after, seconds_after = comparing.paint_built(fresh, asked, draft / "cache", on_stage)
    pairs = [
        sheet.Pair(prompt, seed, one, other)
        for (seed, prompt), one, other in zip(asked, before, after, strict=True)
    ]
    if pairs:
        sheet.draw(pairs, f"{said['title']}: {recipe.precision}, {steps} steps", fresh / SHEET)
    return Built(
        name=recipe.name,
        folder=fresh,
        family=family,
        source=recipe.source.origin or str(recipe.source.path),
        revision=recipe.source.revision,
        loras=tuple((lora.origin or lora.file.name, lora.scale) for lora in recipe.loras),
        precision=str(recipe.precision),
        size=size,
        steps=steps,
        guidance=guidance,
        scheduler=str(said.get("scheduler") or ""),
        psnr=tuple(round(min(pair.psnr, 99.0), 2) for pair in pairs),
        decoder=kind,
        bytes_before=weight,
        bytes_after=sum(f.stat().st_size for f in fresh.rglob("openvino_model.*")),
        seconds_before=round(seconds_before, 3),
        seconds_after=round(seconds_after, 3),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        took=round(time.monotonic() - started, 1),
        notes=tuple(notes),
    )


def _open(recipe: Recipe) -> Any:
    source = recipe.source
    if source.path.is_dir():
        pipeline = originals.open_folder(source.path)
    else:
        pipeline = single_file.open_file(
            source.path, rest=source.rest, prediction=source.prediction
        )
    pipeline = originals.as_family(pipeline)
    _check_words(pipeline, recipe.name)
    scheduler = recipe.card.get("scheduler") or _spoken(recipe, pipeline).get("scheduler") or ""
    originals.put_scheduler(pipeline, str(scheduler))
    return pipeline


def _check_words(pipeline: Any, name: str) -> None:
    """A tokenizer of another model would have it read other words than were written."""
    tokens, words = len(pipeline.tokenizer), int(pipeline.text_encoder.config.vocab_size)
    if tokens > words:
        raise BrokenModel(
            name, f"the tokenizer knows {tokens} pieces of words, the text encoder {words}"
        )


def _spoken(recipe: Recipe, pipeline: Any) -> dict[str, Any]:
    """What the names of LoRAs and source say of how to paint, for a card."""
    if originals.family(pipeline) not in SPEAKING:
        return {}
    names = [lora.origin or lora.file.name for lora in reversed(recipe.loras)]
    found = originals.manner((*names, recipe.source.origin or recipe.source.path.name))
    return found.card if found is not None else {}


def _card(recipe: Recipe, pipeline: Any, configs: Path) -> dict[str, Any]:
    """What the card shall say: as found out, then as the names say, then as told."""
    export.write_configs(pipeline, configs)
    said = describe(configs)
    said |= {"name": recipe.name, "title": recipe.name, "family": originals.family(pipeline)}
    said |= _spoken(recipe, pipeline)
    if recipe.card.get("default_guidance"):
        said["guidance"] = True
    said["pooling"] = recipe.precision is Precision.int8 and said["family"] in POOLED
    said |= {name: value for name, value in recipe.card.items() if value is not None}
    many = said["family"] in POOLED and int(said["default_steps"]) >= MANY
    said.setdefault("reusing", recipe.precision is Precision.int8 and many)
    said["sizes"] = tuple((int(w), int(h)) for w, h in said["sizes"])
    said["schedulers"] = offered(said.get("scheduler"), said.get("schedulers") or ())
    said["max_steps"] = max(int(said.get("max_steps") or 0), int(said["default_steps"]))
    return said


def _in_8_bits(fresh: Path, kept: calibrate.Trajectories, kind: str, on_stage: OnStage) -> str:
    """Denoiser and tiny decoder with 8-bit activations, text encoders with 8-bit weights."""
    for part in DENOISERS:
        if (fresh / part).is_dir():
            on_stage(EIGHT_BITS, 0, 0)
            quantize.quantize(
                fresh / part, kept.denoiser, on_input=lambda done: on_stage(EIGHT_BITS, done, 0)
            )
    for part in ENCODERS:
        if (fresh / part).is_dir():
            on_stage(f"weights of {part} to 8 bits", 0, 0)
            quantize.compress(fresh / part)
    if kind == "tiny" and kept.decoder:
        on_stage("tiny decoder to 8 bits", 0, 0)
        if _decoder_in_8_bits(fresh / "vae_decoder", kept.decoder):
            return "tiny, 8 bits"
    return kind


def _decoder_in_8_bits(folder: Path, inputs: Sequence[calibrate.Inputs]) -> bool:
    """Bring it to 8 bits if its pictures stay the same to the eye; else leave it as it was."""
    tried = folder.with_name(f"{DRAFT}-decoder")
    shutil.rmtree(tried, ignore_errors=True)
    shutil.copytree(folder, tried)
    quantize.quantize(tried, inputs, attention=False)
    looked_at = inputs[: calibrate.FEWEST]
    before, after = quantize.outputs(folder, looked_at), quantize.outputs(tried, looked_at)
    good = min(quantize.decibels(a, b) for a, b in zip(before, after, strict=True)) >= GOOD
    if good:
        shutil.rmtree(folder)
        tried.rename(folder)
    else:
        shutil.rmtree(tried)
    return good


def _memory_mb(folder: Path) -> int:
    """Resident memory it will take: its networks, and as much again while they work."""
    parts = (*DENOISERS, *ENCODERS, "vae_decoder")
    files = [folder / part / "openvino_model.bin" for part in parts]
    return 200 + round(2 * sum(file.stat().st_size for file in files if file.is_file()) / 1e6)


def _keep(built: Built, fresh: Path) -> None:
    """Store the numbers beside the networks."""
    said = {name: value for name, value in asdict(built).items() if name != "folder"}
    said["mean_psnr"] = round(built.mean_psnr, 2)
    said = {n: None if isinstance(v, float) and math.isnan(v) else v for n, v in said.items()}
    (fresh / NOTE).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _check_room(recipe: Recipe, models: Path) -> None:
    """Disk and memory are looked at before any work. Raises `BrokenModel`."""
    numbers = count_numbers(recipe.source.path)
    if recipe.source.rest is not None and needs_rest(recipe.source.path) == "everything else":
        numbers += count_numbers(recipe.source.rest)
    models.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(models).free, round(ROOM * 2 * numbers) + SPARE
    if free < needed:
        raise BrokenModel(
            recipe.name,
            f"there is too little room in {models}: {free / 1e6:.0f} MB are free, "
            f"{needed / 1e6:.0f} MB are needed",
        )
    measures = recipe.precision is Precision.int8
    each, less = (MEASURING, "; --weights-only takes less") if measures else (MEMORY, "")
    needed = round(each * numbers) + LIBRARIES
    if recipe.memory is not None and recipe.memory < needed:
        raise BrokenModel(
            recipe.name,
            f"building it takes about {needed / 1e9:.0f} GB of memory, and there are "
            f"{recipe.memory / 1e9:.0f} GB (--anyway tries it{less})",
        )


@contextmanager
def _fresh(models: Path, name: str) -> Iterator[Path]:
    fresh = models / f".new-{name}"
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / DRAFT).mkdir(parents=True)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _settle(folder: Path) -> None:
    """All of it is on the disk before it takes its place."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())


def _take_place(fresh: Path, target: Path) -> None:
    old = target.with_name(f".old-{target.name}")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
