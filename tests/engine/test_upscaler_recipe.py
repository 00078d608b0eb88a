"""The recipe of the networks that enlarge, and what came out of it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from PIL import Image

from engine.starter import pace
from engine.upscalers import data, export, judge, pictures, softness, train
from engine.upscalers.degrade import CLEAN, NAMES, WAYS, Spoiling, badly, cleanly, shrink
from engine.upscalers.network import SCALES, Enlarger, Finished

COUNT = 4


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small shard of crops and one of soft pairs."""
    folder: Path = tmp_path_factory.mktemp("upscalers")
    rng = random.Random(1)
    crops = [crop for _ in range(4) for crop in data.cut(pictures.picture(rng), rng)]
    (folder / "crops").mkdir()
    np.save(folder / "crops" / "0000.npy", np.stack(crops))
    small = [np.asarray(shrink(Image.fromarray(crop), 4)) for crop in crops]
    (folder / "soft").mkdir()
    np.savez(folder / "soft" / "0000.npz", small=np.stack(small), large=np.stack(crops))
    return folder


@pytest.mark.parametrize("make", [make for make, _ in pictures._KINDS])
def test_pictures_are_large_enough_and_repeatable(make: object) -> None:
    """A seed stands for one picture, in which a crop fits."""
    assert callable(make)
    first, second = make(random.Random(5)), make(random.Random(5))
    assert min(first.size) >= data.SIDE and first.mode == "RGB"
    assert first.tobytes() == second.tobytes()


def test_crops_show_the_busier_parts() -> None:
    """Of a picture that is plain but for one quarter, crops lie in that quarter."""
    pixels = np.full((800, 800, 3), 90, np.uint8)
    pixels[:400, :400] = np.random.default_rng(1).integers(0, 255, (400, 400, 3))
    crops = data.cut(Image.fromarray(pixels), random.Random(2), count=6)
    assert len(crops) == 6
    assert sum(crop.std() > 5 for crop in crops) >= 3


def test_spoiling_does_what_it_says() -> None:
    """Blur, noise and JPEG each take a picture further from the clean small one."""
    image = pictures.rendered(random.Random(3))
    clean = shrink(image, 4)
    assert clean.size == (image.width // 4, image.height // 4)
    for how in (Spoiling(blur=0.8), Spoiling(noise=6.0, seed=1), Spoiling(quality=50)):
        assert judge.decibels(shrink(image, 4, how), clean) < 45, how
        assert shrink(image, 4, how).tobytes() == shrink(image, 4, how).tobytes()
    hows = [badly(random.Random(seed)) for seed in range(200)]
    assert sum(how == cleanly(random.Random(0)) or not how.quality for how in hows) < 120
    assert {how.kernel for how in hows} >= {CLEAN.kernel, Image.Resampling.BOX}


@pytest.mark.parametrize("scale", SCALES)
def test_an_untrained_network_is_bicubic(scale: int) -> None:
    """Its fixed part is the enlargement that everybody knows; training only adds to it."""
    model = Enlarger(scale)
    model.load_state_dict(
        {n: w * (not n.startswith("last.")) for n, w in model.state_dict().items()}
    )
    image = pictures.rendered(random.Random(4)).resize((90, 70), Image.Resampling.BOX)
    size = (image.width * scale, image.height * scale)
    with torch.no_grad():
        out = Finished(model)(train.to_tensor(np.asarray(image)[None]))[0].permute(1, 2, 0)
    found = Image.fromarray((out * 255).round().byte().numpy())
    inside = (4 * scale, 4 * scale, size[0] - 4 * scale, size[1] - 4 * scale)
    known = image.resize(size, Image.Resampling.BICUBIC)
    assert judge.decibels(found.crop(inside), known.crop(inside)) > 45


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", SCALES)
def test_pairs_fit_and_are_repeatable(scratch: Path, name: str, scale: int) -> None:
    """A small crop shows what the large one shows; a seed gives the same pairs again."""

    def batch() -> tuple[data.Pixels, data.Pixels]:
        stock = data.Stock(
            folder=scratch, scale=scale, rng=random.Random(6), spoil=WAYS[name], soft=0.5
        )
        return next(stock.batches(6))

    small, large = batch()
    assert small.shape == (6, data.SMALL, data.SMALL, 3)
    assert large.shape == (6, data.SMALL * scale, data.SMALL * scale, 3)
    for few, many in zip(small, large, strict=True):
        assert judge.decibels(Image.fromarray(few), shrink(Image.fromarray(many), scale)) > 14
    again = batch()
    assert (again[0] == small).all() and (again[1] == large).all()


@pytest.mark.slow
def test_training_goes_on_where_it_stopped(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run takes over weights, averages, momentum and the time that was spent."""
    before = torch.get_num_threads()
    monkeypatch.setattr(train, "_BATCH", 2)
    checkpoint = train.checkpoint_of(scratch, "mend", 2)
    try:
        train.train(scratch, "mend", 2, minutes=0.03)
        first = pace.load(checkpoint)
        train.train(scratch, "mend", 2, minutes=0.06)
        train.train(scratch, "crisp", 4, minutes=0.01, start=checkpoint)
    finally:
        torch.set_num_threads(before)
    second = pace.load(checkpoint)
    assert second["clock"]["step"] > first["clock"]["step"] >= 1
    assert second["clock"]["spent"] >= 0.06 * 60
    start = Enlarger(2).state_dict()["first.weight"]
    assert not torch.equal(first["model"]["first.weight"], start)
    assert not torch.equal(first["model"]["last.weight"], second["model"]["last.weight"])
    other = pace.load(train.checkpoint_of(scratch, "crisp", 4))
    assert other["model"]["last.weight"].shape[0] == 48


def test_another_scale_begins_with_what_fits(tmp_path: Path) -> None:
    """All but the last layer is the same work at every scale."""
    known = Enlarger(2)
    pace.save(tmp_path / "known.pt", mean=known.state_dict())
    fresh = Enlarger(4)
    train.begin(fresh, tmp_path / "known.pt")
    assert torch.equal(fresh.first.weight, known.first.weight)
    assert fresh.last.weight.shape[0] == 48


@pytest.mark.slow
def test_what_ships_can_be_trained_on(tmp_path: Path) -> None:
    """Shipped weights become checkpoints, and these the same networks again."""
    export.thaw(tmp_path)
    with pytest.raises(FileExistsError):
        export.thaw(tmp_path)
    export.from_checkpoints(tmp_path, folder=tmp_path / "out")
    image = pictures.rendered(random.Random(8)).resize((64, 48), Image.Resampling.BOX)
    for name in NAMES:
        for scale in SCALES:
            new = judge.shipped(name, tmp_path / "out")(image, scale)
            assert judge.decibels(new, judge.shipped(name)(image, scale)) > 60


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", SCALES)
def test_networks_take_any_size(name: str, scale: int) -> None:
    """NCHW from 0 to 1 in and out, odd sides and tiny ones too."""
    network = openvino.Core().compile_model(export.HERE / name / f"x{scale}.xml", "CPU")
    for height, width in ((5, 31), (33, 17), (64, 64)):
        pixels = np.random.default_rng(1).random((1, 3, height, width), np.float32)
        out = network(pixels)[0]
        assert out.shape == (1, 3, height * scale, width * scale)
        assert out.min() >= 0 and out.max() <= 1


@pytest.mark.slow
def test_clean_renders_gain_three_decibels_over_lanczos() -> None:
    """On scenes of pairs that no training has seen, at both scales."""
    ways = {"crisp": judge.shipped("crisp")}
    found = list(judge.marks("renders", lambda scale: judge.renders(scale, COUNT), ways))
    assert {mark.scale for mark in found} == set(SCALES)
    assert all(mark.gain("crisp") >= 3 for mark in found if mark.state == "clean"), found


@pytest.mark.slow
def test_degraded_renders_come_out_better_than_by_lanczos() -> None:
    """Blur, noise and JPEG at once."""
    ways = {"mend": judge.shipped("mend")}
    found = list(judge.marks("renders", lambda scale: judge.renders(scale, COUNT), ways))
    assert all(mark.gain("mend") > 0.5 for mark in found if mark.state == "degraded"), found


def test_all_that_ships_is_small() -> None:
    """Networks and the weights they are made from: at most 3 MB together."""
    files = [file for name in NAMES for file in (export.HERE / name).iterdir()]
    assert 100_000 < sum(file.stat().st_size for file in files) <= 3_000_000


@pytest.mark.slow
def test_softness_is_the_starters_own() -> None:
    """What the starter sees of a render is less sharp, and shows the same."""
    small, large = softness.pairs(softness.Dreamer.load(), random.Random(3), 24)
    assert small.shape == (24, data.SMALL, data.SMALL, 3)
    clean = [np.asarray(shrink(Image.fromarray(sharp), 4)) for sharp in large]
    assert np.mean([data.busy(soft) for soft in small]) < np.mean([data.busy(c) for c in clean])
    likeness = [
        judge.decibels(Image.fromarray(soft), Image.fromarray(sharp))
        for soft, sharp in zip(small, clean, strict=True)
    ]
    assert np.mean(likeness) > 17
