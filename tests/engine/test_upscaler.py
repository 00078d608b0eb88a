"""Enlarging whole pictures: sizes, seams, transparency, stopping, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from engine.errors import BrokenModel, Stopped, UnknownModel
from engine.lens import Lens, motley
from engine.networks import Networks
from engine.tempo import FILE, Tempo
from engine.tiles import Pixels
from engine.upscaler import Upscaler
from tests.engine.networks import REACH, remember, toys, write_card, write_toy

SMALL = Tempo(side=96, together=1, streams=1, margin=4, seconds=1.0)
PAIRS = Tempo(side=96, together=4, streams=2, margin=4, seconds=1.0)
FRAME = 40


def _toy(tmp_path: Path, *scales: int, tempo: Tempo = SMALL) -> Upscaler:
    """An upscaler whose toy network counts as measured, so that the tiles are small."""
    networks = toys(tmp_path / "models", *scales)
    for file in networks.get("toy").files.values():
        remember(tmp_path / "cache", file, tempo)
    return Upscaler(networks, cache=tmp_path / "cache")


def _whole(file: Path, picture: Pixels, scale: int) -> Pixels:
    """The enlargement in one piece: the picture mirrored at its edges, looked at all at once."""
    framed = np.pad(picture, ((FRAME, FRAME), (FRAME, FRAME), (0, 0)), "reflect")
    found = Lens(file, name="toy").grind(framed.shape[1], framed.shape[0]).look([framed])[0]
    edge = FRAME * scale
    return found[edge:-edge, edge:-edge]


def _difference(one: Image.Image, other: Pixels) -> npt.NDArray[np.int16]:
    return np.abs(np.asarray(one).astype(np.int16) - other.astype(np.int16))


@pytest.mark.parametrize("tempo", [SMALL, PAIRS])
def test_tiles_leave_no_seam(tmp_path: Path, tempo: Tempo) -> None:
    """A picture of many tiles is what it would be in one piece, pixel for pixel."""
    upscaler = _toy(tmp_path, 4, tempo=tempo)
    picture = motley(300)[:211]
    enlarged = upscaler.upscale(Image.fromarray(picture), 4)
    whole = _whole(tmp_path / "models" / "toy" / "x4.xml", picture, 4)
    assert enlarged.size == (1200, 844)
    assert _difference(enlarged, whole).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 4])
def test_the_shipped_network_leaves_no_seam(tmp_path: Path, scale: int) -> None:
    """With the margin that was measured, tiles and one piece differ by rounding alone."""
    networks = Networks.read()
    network = networks.choose(None)
    upscaler = Upscaler(networks, cache=tmp_path)
    margin = upscaler.tempo(network, scale).margin
    remember(tmp_path, network.files[scale], replace(SMALL, margin=margin))
    picture = motley(260)
    done = []
    enlarged = Upscaler(networks, cache=tmp_path).upscale(
        Image.fromarray(picture), scale, on_tile=lambda now, total: done.append(total)
    )
    assert len(done) >= 16
    difference = _difference(enlarged, _whole(network.files[scale], picture, scale))
    assert difference.max() <= 3
    assert difference.mean() < 0.1


def test_a_scale_between_is_the_larger_one_made_smaller(tmp_path: Path) -> None:
    """Three times is four times and back; the tiles of it leave no seam either."""
    upscaler = _toy(tmp_path, 4)
    picture = motley(230)[:150]
    enlarged = upscaler.upscale(Image.fromarray(picture), 3)
    whole = Image.fromarray(_whole(tmp_path / "models" / "toy" / "x4.xml", picture, 4))
    smaller = np.asarray(whole.resize((690, 450), Image.Resampling.LANCZOS))
    inside = _difference(enlarged, smaller)[6:-6, 6:-6]
    assert enlarged.size == (690, 450)
    assert inside.max() <= 2


@pytest.mark.parametrize("scale", [2, 3, 4, 8, 16])
def test_every_scale_has_its_size(tmp_path: Path, scale: int) -> None:
    """Also where a second pass is needed, and the tiles are counted over all passes."""
    upscaler = _toy(tmp_path, 2, 4)
    seen: list[tuple[int, int]] = []
    enlarged = upscaler.upscale(
        Image.new("RGB", (130, 20), "teal"), scale, "toy", lambda *tiles: seen.append(tiles)
    )
    assert enlarged.size == (130 * scale, 20 * scale)
    assert _difference(enlarged, np.full((1, 1, 3), (0, 128, 128), np.uint8)).max() <= 1
    totals = {total for _, total in seen}
    assert len(totals) == 1
    assert [done for done, _ in seen] == list(range(1, totals.pop() + 1))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 500), (517, 40), (96, 96)])
def test_any_shape_will_do(tmp_path: Path, size: tuple[int, int]) -> None:
    """A pixel, a strip, a square: the colour stays, the size is right."""
    enlarged = _toy(tmp_path, 2).upscale(Image.new("RGB", size, (200, 10, 90)), 2)
    assert enlarged.size == (2 * size[0], 2 * size[1])
    assert _difference(enlarged, np.full((1, 1, 3), (200, 10, 90), np.uint8)).max() <= 1


def test_alpha_is_enlarged_with_the_colours(tmp_path: Path) -> None:
    """Transparency goes through the network too; where it is the same all over, it stays so."""
    upscaler = _toy(tmp_path, 2)
    image = Image.fromarray(motley(120)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    enlarged = upscaler.upscale(image, 2)
    assert enlarged.mode == "RGBA"
    colours = upscaler.upscale(image.convert("RGB"), 2)
    assert _difference(enlarged.convert("RGB"), np.asarray(colours)).max() == 0
    alpha = np.asarray(enlarged.getchannel("A")).astype(int)
    assert alpha[4].mean() < 20
    assert alpha[-5].mean() > 235
    assert (np.diff(alpha.mean(axis=1)) >= -0.5).all()
    image.putalpha(77)
    seen: list[int] = []
    flat = upscaler.upscale(image, 2, on_tile=lambda done, total: seen.append(total))
    assert set(np.asarray(flat.getchannel("A")).ravel()) == {77}
    assert seen[-1] == 4, "nothing is enlarged twice that is known beforehand"


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [("L", "L"), ("LA", "LA"), ("1", "L"), ("P", "RGB"), ("CMYK", "RGB"), ("RGBA", "RGBA")],
)
def test_the_kind_of_picture_stays(tmp_path: Path, mode: str, becomes: str) -> None:
    """Grey stays grey, transparent stays transparent, everything else becomes colours."""
    image = Image.linear_gradient("L").resize((50, 40)).convert("RGB").convert(mode)
    enlarged = _toy(tmp_path, 2).upscale(image, 2)
    assert (enlarged.mode, enlarged.size) == (becomes, (100, 80))


def test_a_palette_with_transparency_keeps_it(tmp_path: Path) -> None:
    """A GIF's transparent colour is transparent afterwards."""
    image = Image.new("P", (30, 20), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 10, 20))
    image.info["transparency"] = 1
    enlarged = _toy(tmp_path, 2).upscale(image, 2)
    assert enlarged.mode == "RGBA"
    alpha = np.asarray(enlarged.getchannel("A"))
    assert alpha[20, 2] == 0
    assert alpha[20, 50] == 255


def test_thorough_has_no_preferred_direction(tmp_path: Path) -> None:
    """Looked at in all ways, a mirrored picture gives the mirrored result; else it does not."""
    upscaler = _toy(tmp_path, 2)
    image = Image.fromarray(motley(150)[:90])

    def lopsided(thorough: bool) -> int:
        plain = upscaler.upscale(image, 2, thorough=thorough)
        mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        again = upscaler.upscale(mirrored, 2, thorough=thorough)
        back = again.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return int(_difference(plain, np.asarray(back)).max())

    assert lopsided(thorough=False) > 3
    assert lopsided(thorough=True) <= 1


def test_it_stops_at_the_next_tile(tmp_path: Path) -> None:
    """Whoever asked to stop does not wait for the rest of the picture."""
    upscaler = _toy(tmp_path, 4)
    seen = 0

    def stop(done: int, total: int) -> None:
        nonlocal seen
        seen = done
        assert total > 4
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        upscaler.upscale(Image.new("RGB", (400, 300)), 4, on_tile=stop)
    assert seen == 2
    assert upscaler.upscale(Image.new("RGB", (10, 10)), 4).size == (40, 40)


def test_a_network_of_fixed_size_is_tiled_in_that_size(tmp_path: Path) -> None:
    """Some networks were exported for one size of picture; they enlarge any picture still."""
    models = tmp_path / "models"
    write_toy(models / "toy" / "x2.xml", 2, size=(64, 48))
    write_card(models / "toy")
    networks = Networks.read((models,), shipped=models / "nothing")
    upscaler = Upscaler(networks, cache=tmp_path / "cache")
    picture = motley(200)[:130]
    enlarged = upscaler.upscale(Image.fromarray(picture), 2)
    free = write_toy(tmp_path / "free" / "x2.xml", 2)
    assert enlarged.size == (400, 260)
    assert _difference(enlarged, _whole(free, picture, 2)).max() <= 1
    assert upscaler.upscale(Image.fromarray(picture), 2, thorough=True).size == (400, 260)


def _write_onnx(file: Path, scale: int) -> None:
    """The toy once more, as ONNX."""
    side = 2 * REACH + 1
    weights = np.zeros((3 * scale * scale, 3, side, side), np.float32)
    for colour in range(3):
        weights[colour * scale**2 : (colour + 1) * scale**2, colour] = 1 / side**2
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["spread"], pads=[REACH] * 4),
        helper.make_node("DepthToSpace", ["spread"], ["large"], blocksize=scale, mode="CRD"),
    ]
    sides = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3, n + "h", n + "w"])
        for n in ("image", "large")
    ]
    graph = helper.make_graph(
        nodes, "toy", sides[:1], sides[1:], [numpy_helper.from_array(weights, "weights")]
    )
    file.parent.mkdir(parents=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), file)


def test_onnx_is_enlarged_with_as_it_is(tmp_path: Path) -> None:
    """A network may be an ONNX file; nothing has to be converted."""
    _write_onnx(tmp_path / "models" / "toy" / "x3.onnx", 3)
    write_card(tmp_path / "models" / "toy")
    networks = Networks.read((tmp_path / "models",), shipped=tmp_path / "nothing")
    remember(tmp_path / "cache", networks.get("toy").files[3], SMALL)
    upscaler = Upscaler(networks, cache=tmp_path / "cache")
    assert upscaler.upscale(Image.new("RGB", (40, 120), "plum"), 3).size == (120, 360)
    assert upscaler.upscale(Image.new("RGB", (40, 30), "plum"), 4).size == (160, 120)


def _broken(tmp_path: Path, name: str) -> str:
    networks = Networks.read((tmp_path,), shipped=tmp_path / "nothing")
    upscaler = Upscaler(networks, cache=tmp_path / "cache")
    with pytest.raises(BrokenModel) as caught:
        upscaler.upscale(Image.new("RGB", (20, 20)), 2, name)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def test_what_is_no_such_network_says_so(tmp_path: Path) -> None:
    """Rubbish, a wrong scale, colours that leave their range: one clear line each."""
    for name in ("rubbish", "liar", "loud"):
        write_card(tmp_path / name)
    (tmp_path / "rubbish" / "x2.xml").write_text("<net>", encoding="utf-8")
    (tmp_path / "rubbish" / "x2.bin").touch()
    write_toy(tmp_path / "liar" / "x4.xml", 4)
    for ending in ("xml", "bin"):
        (tmp_path / "liar" / f"x4.{ending}").rename(tmp_path / "liar" / f"x2.{ending}")
    write_toy(tmp_path / "loud" / "x2.xml", 2, gain=255.0)
    assert "cannot be read" in _broken(tmp_path, "rubbish")
    assert "enlarges by 4" in _broken(tmp_path, "liar")
    assert "between 0 and 1" in _broken(tmp_path, "loud")
    with pytest.raises(UnknownModel):
        Upscaler(Networks(), cache=tmp_path).upscale(Image.new("RGB", (9, 9)), 2)


@pytest.mark.slow
def test_what_was_measured_is_remembered(tmp_path: Path) -> None:
    """Once per network and machine; a damaged memory costs another measurement, no more."""
    networks = toys(tmp_path / "models", 2)
    network = networks.get("toy")

    def fresh(threads: int | None = None, *, busy: bool = False) -> Upscaler:
        return Upscaler(networks, cache=tmp_path, threads=threads, busy=lambda: busy)

    memory = tmp_path / FILE
    found = fresh(busy=True).tempo(network, 2)
    assert found.sound
    assert found.margin == 4, "the toy looks three pixels far"
    assert not memory.exists(), "what was measured on a busy machine says little of it"
    found = fresh().tempo(network, 2)
    written = memory.read_bytes()
    assert fresh().tempo(network, 2) == found
    assert memory.read_bytes() == written
    for damage in (b"", b"[]", b"\xff\x00", written.replace(b'"side"', b'"sode"')):
        memory.write_bytes(damage)
        assert fresh().tempo(network, 2).margin == 4
    kept = memory.read_bytes()
    fresh(threads=1).tempo(network, 2)
    assert memory.read_bytes() != kept, "other limits, another measurement"


def test_little_memory_means_small_tiles(tmp_path: Path) -> None:
    """What tiles may take bounds how large they are, whatever would be quicker."""
    networks = toys(tmp_path / "models", 4)
    upscaler = Upscaler(networks, cache=tmp_path, memory_bytes=10_000_000)
    tempo = upscaler.tempo(networks.get("toy"), 4)
    needed = Lens(networks.get("toy").files[4], name="toy").bytes_per_pixel()
    assert tempo.together * tempo.side**2 * needed <= 10_000_000
