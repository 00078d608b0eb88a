"""Which networks are on offer, and how their scales make all others."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest

from engine.catalogue import Catalogue
from engine.errors import BrokenModel, UnknownModel
from engine.networks import SCALES, Network, Networks, Pass
from tests.engine.networks import write_card


def _network(*natives: int) -> Network:
    files = {native: Path(f"x{native}.xml") for native in natives}
    return Network(name="toy", title="Toy", folder=Path(), files=files)


def _folder(models: Path, name: str, *files: str, more: str = "") -> Path:
    folder = write_card(models / name, more)
    for file in files:
        (folder / file).touch()
    return folder


def test_a_network_ships_and_is_the_default() -> None:
    """With nothing configured pictures can be enlarged twice and four times."""
    networks = Networks.read()
    assert networks.broken == {}
    assert networks.default is not None
    assert set(networks.default.files) == {2, 4}
    assert networks.choose(None) is networks.default
    assert networks.ordered[0] is networks.default
    total = sum(f.stat().st_size for n in networks.networks.values() for f in n.folder.iterdir())
    assert total <= 3_000_000


def test_both_kinds_of_models_share_a_folder(tmp_path: Path) -> None:
    """Whoever looks for one kind passes over the other, silently."""
    _folder(tmp_path, "fine", "x2.xml", "x2.bin")
    (tmp_path / "painter").mkdir()
    (tmp_path / "painter" / "atelier.toml").write_text('name = "painter"\n', encoding="utf-8")
    networks, catalogue = Networks.read((tmp_path,)), Catalogue.read((tmp_path,))
    assert "fine" in networks.networks
    assert networks.broken == {}
    assert "fine" not in catalogue.models
    assert set(catalogue.broken) == {"painter"}


def test_onnx_counts_and_openvino_wins(tmp_path: Path) -> None:
    """A scale may be an ONNX file; where there are both, the one that loads faster is taken."""
    _folder(tmp_path, "both", "x2.onnx", "x4.onnx", "x4.xml", "x4.bin", "x1.onnx", "notes.txt")
    found = Networks.read((tmp_path,)).get("both")
    assert {scale: file.name for scale, file in found.files.items()} == {2: "x2.onnx", 4: "x4.xml"}


def test_broken_ones_have_a_reason_and_hide_nobody(tmp_path: Path) -> None:
    """Each folder that cannot be used is one clear line."""
    _folder(tmp_path, "fine", "x2.onnx")
    _folder(tmp_path, "empty")
    _folder(tmp_path, "half", "x2.xml")
    _folder(tmp_path, "dear", "x2.onnx", more='price = "much"\n')
    _folder(tmp_path, "odd", "x2.onnx", more="colour = 3\n")
    twin = _folder(tmp_path, "twin", "x2.onnx")
    (twin / "atelier.toml").write_text(
        'kind = "upscaler"\nname = "fine"\ntitle = "x"\n', encoding="utf-8"
    )
    networks = Networks.read((tmp_path,), shipped=tmp_path / "nothing")
    assert set(networks.networks) == {"fine"}
    assert len(networks.broken) == 5
    assert all(reason and "\n" not in reason for reason in networks.broken.values())
    with pytest.raises(BrokenModel, match=r"x2\.bin"):
        networks.get("half")
    with pytest.raises(UnknownModel, match="fine"):
        networks.get("nobody")
    with pytest.raises(UnknownModel):
        Networks().choose(None)
    assert Networks().default is None
    assert Networks().ordered == ()


@pytest.mark.parametrize("natives", [(2, 4), (4,), (2,), (3,), (2, 3, 4)])
@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_is_made_of_what_there_is(natives: tuple[int, ...], scale: int) -> None:
    """The passes come out at exactly the scale, and only the last one is reduced."""
    plan = _network(*natives).plan(scale)
    assert math.prod(Fraction(step.up, step.down) for step in plan) == scale
    assert all(step.native in natives for step in plan)
    assert all(step == Pass(step.native, step.native) for step in plan[:-1])
    assert plan[-1].up <= plan[-1].native * plan[-1].down


def test_the_plan_is_as_short_as_can_be() -> None:
    """A scale that a network was trained for is one pass, and eight is four, then two."""
    network = _network(2, 4)
    assert network.plan(2) == (Pass(2, 2),)
    assert network.plan(3) == (Pass(4, 3),)
    assert network.plan(8) == (Pass(4, 4), Pass(2, 2))
    assert network.plan(16) == (Pass(4, 4), Pass(4, 4))
    with pytest.raises(ValueError, match="enlarge"):
        network.plan(1)


def test_one_shipped_network_is_the_default() -> None:
    """Nobody has to choose, and what the papers call the default is it."""
    shipped = Networks.read()
    assert [name for name, each in shipped.networks.items() if each.default] == ["mend"]
    assert shipped.default is shipped.get("mend")
