"""Each family as diffusers itself paints it, with tiny random models and nothing faked."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.catalogue import Catalogue, read_model
from engine.diffusion import DiffusionPainter
from engine.errors import BrokenModel
from engine.painter import Picture, Progress
from engine.request import Ask
from engine.resolving import resolve
from tests import tiny

pytestmark = pytest.mark.slow

SIDE = tiny.SIDE
PROMPT = "a red fox in the sea"
Give = Callable[[str], Path]
CLOSE = 1.5
"""Mean difference of 0–255 between 32-bit numbers there and the processor's own choice here."""


@pytest.fixture(scope="module")
def painter(
    tiny_model: Give, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DiffusionPainter]:
    folders = tuple(tiny_model(each) for each in tiny.FAMILIES)
    yield DiffusionPainter(
        Catalogue.read(folders), cache=tmp_path_factory.mktemp("cache"), threads=2
    )


def _paint(
    painter: DiffusionPainter, family: str, source: Image.Image | None = None, **given: Any
) -> Picture:
    model = painter._catalogue.get(family)
    if source is not None:
        given["source"] = "upload:1"
    ask = Ask(**{"prompt": PROMPT, "seed": 3, "model": family, **given})
    paint = resolve(ask, model, draw_seed=lambda: 0, exact=True).paint
    (picture,) = painter.paint(paint, source, lambda progress: None)
    return picture


def _numbers(picture: Picture | Image.Image) -> np.ndarray[Any, np.dtype[np.int16]]:
    image = picture.image if isinstance(picture, Picture) else picture
    return np.asarray(image.convert("RGB")).astype(np.int16)


def _source() -> Image.Image:
    colours = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((SIDE, SIDE))


def _mask() -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE), 0)
    mask.paste(255, (16, 16, 48, 48))
    return mask


def _masked_source() -> Image.Image:
    source = _source().convert("RGBA")
    source.putalpha(_mask().point(lambda value: 255 - value))
    return source


class Original:
    """The same model in diffusers, in 32-bit numbers."""

    def __init__(self, family: str, folder: Path) -> None:
        import diffusers

        with contextlib.redirect_stderr(io.StringIO()):
            self._pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        self._pipeline.set_progress_bar_config(disable=True)
        self._library = diffusers
        self._family = family

    def paint(self, kind: str = "", **given: Any) -> Image.Image:
        import torch

        pipeline = self._pipeline
        if kind:
            name = type(pipeline).__name__.replace("Pipeline", f"{kind}Pipeline")
            pipeline = getattr(self._library, name).from_pipe(pipeline)
            pipeline.set_progress_bar_config(disable=True)
        if self._family == "sana-sprint":
            given |= {"use_resolution_binning": False, "intermediate_timesteps": None}
        if self._family == "flux":
            given["max_sequence_length"] = 256
        if not kind or self._family in ("flux", "sana-sprint"):
            given |= {"width": SIDE, "height": SIDE}
        made = pipeline(prompt=PROMPT, generator=torch.Generator().manual_seed(3), **given)
        image: Image.Image = made.images[0]
        return image


GUIDANCE = {"stable-diffusion": 3.0, "stable-diffusion-xl": 3.0, "latent-consistency": 8.0}


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_each_family_paints_what_diffusers_paints(
    painter: DiffusionPainter, tiny_source: Give, family: str
) -> None:
    """From words, from a picture and into a picture: the same networks give the same pictures."""
    original = Original(family, tiny_source(family))
    ours: dict[str, Any] = {"steps": 4}
    theirs: dict[str, Any] = {"num_inference_steps": 4}
    if family in GUIDANCE:
        ours["guidance"] = theirs["guidance_scale"] = GUIDANCE[family]
    if family == "stable-diffusion":
        ours["negative"] = theirs["negative_prompt"] = "house"
    first = _numbers(_paint(painter, family, **ours))
    assert np.abs(first - _numbers(original.paint(**theirs))).mean() < CLOSE
    assert first.std() > 20
    started = _numbers(_paint(painter, family, _source(), strength=0.5, **ours))
    assert np.abs(started - first).mean() > 2
    if family != "latent-consistency":  # there, diffusers reads the strength in another way
        theirs |= {"image": _source(), "strength": 0.5}
        assert np.abs(started - _numbers(original.paint("Img2Img", **theirs))).mean() < CLOSE
    holed = _numbers(
        _paint(painter, family, _masked_source(), mask="upload:2", strength=0.5, **ours)
    )
    kept = np.asarray(_mask()) == 0
    assert (holed[kept] == _numbers(_source())[kept]).all()
    assert np.abs(holed - _numbers(_source()))[24:40, 24:40].mean() > 2
    if family in ("stable-diffusion", "stable-diffusion-xl", "flux"):
        theirs |= {"mask_image": _mask(), "width": SIDE, "height": SIDE}
        found = _numbers(original.paint("Inpaint", **theirs))
        assert np.abs(holed - found)[24:40, 24:40].mean() < 2 * CLOSE


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_words_count_as_much_as_they_say(painter: DiffusionPainter, family: str) -> None:
    """A weight changes the picture, a weight of one does not, and marks never show as words."""
    plain = _numbers(_paint(painter, family))
    one = _numbers(_paint(painter, family, prompt="a (red:1.0) fox in the sea"))
    more = _numbers(_paint(painter, family, prompt="a (red:1.9) fox in the sea"))
    assert (plain == one).all()
    assert (plain != more).any()


@pytest.mark.parametrize("family", ["stable-diffusion", "stable-diffusion-xl"])
def test_long_prompts_are_read_in_pieces(painter: DiffusionPainter, family: str) -> None:
    """Words past the 77th token change the picture; past the third piece it is said where."""
    words = "the sea, a lighthouse, " * 14
    first = _paint(painter, family, prompt=words + "a red fox")
    second = _paint(painter, family, prompt=words + "a house")
    assert first.notes == second.notes == ()
    assert (_numbers(first) != _numbers(second)).any()
    (note,) = _paint(painter, family, prompt=words * 4).notes
    assert (note.code, note.field) == ("prompt_cut", "prompt")
    assert note.given.startswith(note.used)
    assert len(words) * 2 < len(note.used) < len(words) * 4
    guided = _paint(painter, family, prompt="a fox", negative=words, guidance=4.0)
    assert guided.notes == ()


@pytest.mark.parametrize("family", ["stable-diffusion", "latent-consistency"])
def test_each_scheduler_on_offer_paints(painter: DiffusionPainter, family: str) -> None:
    """Each by name, each its own picture, from words, from a picture and into one."""
    seen = set()
    for name in painter._catalogue.get(family).schedulers:
        made = _paint(painter, family, scheduler=name, steps=4, guidance=1.5)
        again = _paint(painter, family, scheduler=name, steps=4, guidance=1.5)
        assert made.image.tobytes() == again.image.tobytes()
        seen.add(made.image.tobytes())
        _paint(painter, family, _source(), scheduler=name, steps=4, strength=0.5)
        holed = _paint(painter, family, _masked_source(), scheduler=name, mask="alpha", steps=2)
        assert (_numbers(holed)[:8] == _numbers(_source())[:8]).all()
    assert len(seen) == len(painter._catalogue.get(family).schedulers)


def test_a_masked_part_at_full_strength_forgets_what_was_there(painter: DiffusionPainter) -> None:
    """What lay under the mask has no say any more; below full strength it has."""
    red, blue = _masked_source(), _masked_source()
    red.paste((255, 0, 0, 0), (16, 16, 48, 48))
    blue.paste((0, 0, 255, 0), (16, 16, 48, 48))
    family = "stable-diffusion"
    told = {"mask": "upload:2", "steps": 4}
    at_full = [
        _numbers(_paint(painter, family, each, strength=1.0, **told)) for each in (red, blue)
    ]
    weaker = [
        _numbers(_paint(painter, family, each, strength=0.25, **told)) for each in (red, blue)
    ]
    middle = (slice(24, 40), slice(24, 40))
    forgotten, kept = (np.abs(pair[0] - pair[1])[middle].mean() for pair in (at_full, weaker))
    # Not nothing: an encoder sees a little of what lies beside each place.
    assert 2 * forgotten < kept


def test_a_denoiser_made_for_masks_gets_them(tiny_model: Give, tmp_path: Path) -> None:
    """One with nine channels sees mask and masked picture, and paints whole pictures as well."""
    folder = tiny.copy(tiny_model("stable-diffusion"), tmp_path / "nine")
    tiny.widen_unet(folder / "unet")
    painter = DiffusionPainter(Catalogue.read((folder,)), cache=tmp_path / "cache", threads=2)
    whole = _numbers(_paint(painter, "nine"))
    assert whole.std() > 5
    other = _masked_source()
    other.paste((255, 255, 255, 255), (0, 0, SIDE, 16))
    seen = [
        _numbers(_paint(painter, "nine", each, mask="upload:2", strength=1.0))
        for each in (_masked_source(), other)
    ]
    assert np.abs(seen[0] - seen[1])[40:44, 24:40].max() > 0
    assert (seen[0][:16] == _numbers(_source())[:16]).all()


def test_models_are_swapped_within_the_memory_given(tiny_model: Give, tmp_path: Path) -> None:
    """The one used longest ago goes, whoever watches is told, and it comes back when asked for."""
    told: list[str] = []
    catalogue = Catalogue.read((tiny_model("stable-diffusion"), tiny_model("flux")))
    painter = DiffusionPainter(
        catalogue,
        cache=tmp_path,
        threads=2,
        memory_bytes=3_000_000,
        on_load=lambda model, seconds: told.append(f"+{model}"),
        on_free=lambda model: told.append(f"-{model}"),
    )
    for family in ("flux", "stable-diffusion", "flux", "flux"):
        _paint(painter, family)
        assert painter.held_bytes <= 3_000_000
    assert [each.model for each in painter.sessions] == ["flux"]
    assert told == [
        "+flux", "-flux", "+stable-diffusion", "-stable-diffusion", "+flux",
    ]  # fmt: skip


def test_sizes_share_what_does_not_depend_on_them(painter: DiffusionPainter) -> None:
    """A second size brings a denoiser and a decoder, not a second text encoder."""
    family = "stable-diffusion-xl"
    _paint(painter, family)
    parts = painter._parts[family]
    before = len(parts.loaded)
    _paint(painter, family, width=2 * SIDE, height=SIDE)
    assert len(parts.loaded) == before + 2


def test_each_step_is_told_and_the_first_has_a_preview(painter: DiffusionPainter) -> None:
    """Latents of every family can be looked at, once one picture is finished."""
    for family in tiny.FAMILIES:
        _paint(painter, family)
        seen: list[Progress] = []
        ask = Ask(prompt=PROMPT, seed=3, model=family, steps=3)
        paint = resolve(ask, painter._catalogue.get(family), draw_seed=lambda: 0).paint
        list(painter.paint(paint, None, seen.append))
        assert [each.step for each in seen] == [1, 2, 3]
        assert seen[0].preview is not None
        side = 8 * SIDE // 32 if family == "sana-sprint" else 4 * SIDE // 8
        with Image.open(io.BytesIO(seen[0].preview)) as opened:
            assert opened.size == (side, side)


def test_a_tiny_decoder_beside_a_full_encoder(tiny_model: Give, tmp_path: Path) -> None:
    """Each part counts by its own scale: what the encoder reads, the decoder shows."""
    folder = tiny.copy(tiny_model("stable-diffusion"), tmp_path / "mixed")
    config = folder / "vae_encoder" / "config.json"
    own = config.read_text(encoding="utf-8")
    assert '"scaling_factor": 0.18215' in own
    config.write_text(own.replace("0.18215", "0.36430"), encoding="utf-8")
    catalogue = Catalogue.read((tiny_model("stable-diffusion"), folder))
    painter = DiffusionPainter(catalogue, cache=tmp_path / "cache", threads=2)
    told: dict[str, Any] = {"strength": 0.05, "steps": 20}
    usual = _numbers(_paint(painter, "stable-diffusion", _source(), **told))
    mixed = _numbers(_paint(painter, "mixed", _source(), **told))
    assert np.abs(usual - mixed).mean() > 1, "the encoder's word counts for the encoder"
    decoder = folder / "vae_decoder" / "config.json"
    decoder.write_text(own.replace("0.18215", "0.36430"), encoding="utf-8")
    painter = DiffusionPainter(catalogue, cache=tmp_path / "cache", threads=2)
    both, alone = (
        _numbers(_paint(painter, each, steps=2)) for each in ("mixed", "stable-diffusion")
    )
    assert np.abs(both - alone).mean() > 1, "and the decoder's for the decoder"


def test_a_damaged_folder_is_one_clear_error(tiny_model: Give, tmp_path: Path) -> None:
    """Whatever is missing or cut short, the model is refused in one line that names it."""
    damages: dict[str, Callable[[Path], object]] = {
        "words": lambda f: shutil.rmtree(f / "tokenizer"),
        "network": lambda f: (f / "transformer" / "openvino_model.xml").write_text(
            "<net", encoding="utf-8"
        ),
        "weights": lambda f: (f / "text_encoder" / "openvino_model.bin").write_bytes(b"\0" * 9),
        "config": lambda f: (f / "transformer" / "config.json").write_text("[]", encoding="utf-8"),
        "scheduler": lambda f: (f / "scheduler" / "scheduler_config.json").write_text(
            "{}", encoding="utf-8"
        ),
    }
    for name, damage in damages.items():
        folder = tiny.copy(tiny_model("flux"), tmp_path / name)
        damage(folder)
        catalogue = Catalogue(models={name: read_model(folder)})
        broken = DiffusionPainter(catalogue, cache=tmp_path / "cache", threads=2)
        with pytest.raises(BrokenModel) as caught:
            broken.warm(name)
        assert caught.value.name == name
        assert "\n" not in str(caught.value)
