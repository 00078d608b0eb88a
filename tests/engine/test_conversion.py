"""Weights as others publish them: found out, converted, and never trusted."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.conversion import RRDBNet, SRVGGNetCompact, build, read_weights, to_openvino
from engine.errors import BrokenModel
from engine.installing import Card, install, remove
from engine.lens import Lens
from engine.networks import Networks
from engine.upscaler import Upscaler
from tests.engine.networks import write_toy


def _tame(network: nn.Module) -> nn.Module:
    """Random weights whose colours stay in their range."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.4)
        if isinstance(network, RRDBNet):
            network.conv_last.bias.fill_(0.5)
    return network.eval()


def _network(name: str) -> nn.Module:
    torch.manual_seed(len(name))
    sizes: dict[str, Any] = {"width": 16, "growth": 8, "blocks": 2}
    make: dict[str, Callable[[], nn.Module]] = {
        "compact-2": lambda: SRVGGNetCompact(scale=2, width=12, layers=3),
        "compact-4": lambda: SRVGGNetCompact(scale=4, width=16, layers=2),
        "rrdb-4": lambda: RRDBNet(scale=4, doublings=2, **sizes),
        "rrdb-2": lambda: RRDBNet(scale=2, doublings=2, **sizes),
        "rrdb-1-doubling": lambda: RRDBNet(scale=2, doublings=1, **sizes),
    }
    return _tame(make[name]())


NAMES = ("compact-2", "compact-4", "rrdb-4", "rrdb-2", "rrdb-1-doubling")


def _save(weights: Mapping[str, Tensor], file: Path, nest: str | None = None) -> Path:
    if file.suffix == ".safetensors":
        save_file(dict(weights), file)
    else:
        torch.save({nest: dict(weights), "step": 7} if nest else dict(weights), file)
    return file


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", [("pth", "params_ema"), ("pth", None), ("safetensors", None)])
def test_architecture_size_and_scale_are_found_from_the_weights(
    tmp_path: Path, name: str, form: tuple[str, str | None]
) -> None:
    """The network built from a file gives what the one gave whose weights it holds."""
    original = _network(name)
    file = _save(original.state_dict(), tmp_path / f"weights.{form[0]}", form[1])
    found = build(read_weights(file), file.name)
    assert type(found) is type(original)
    assert found.scale == original.scale
    picture = torch.rand(1, 3, 24, 32)
    with torch.no_grad():
        assert torch.equal(found(picture), original(picture))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_openvino_gives_what_torch_gives(tmp_path: Path, name: str) -> None:
    """Converted, in half precision, for tiles of any size: the same picture."""
    original = _network(name)
    network = install(
        [_save(original.state_dict(), tmp_path / "w.pth", "params")], Card(name="mine"), tmp_path
    )
    (scale,) = network.files
    assert scale == original.scale
    lens = Lens(network.files[scale], name="mine")
    picture = np.random.default_rng(3).integers(0, 256, (40, 56, 3), np.uint8)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        wanted = original(tensor).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    (found,) = lens.grind(56, 40).look([picture])
    assert np.abs(found - wanted).max() < 3  # bf16, where the processor has it
    assert np.abs(found - wanted).mean() < 0.6


def test_names_of_the_first_esrgan_are_understood(tmp_path: Path) -> None:
    """The oldest files call every layer differently; the network is the same."""
    original = _network("rrdb-4")
    blocks = len(original.body)
    old: dict[str, Tensor] = {}
    places = {
        "conv_first": "0",
        "conv_up1": "3",
        "conv_up2": "6",
        "conv_hr": "8",
        "conv_last": "10",
    }
    for name, weight in original.state_dict().items():
        layer, _, what = name.rpartition(".")
        if layer in places:
            old[f"model.{places[layer]}.{what}"] = weight
        elif layer == "conv_body":
            old[f"model.1.sub.{blocks}.{what}"] = weight
        else:
            _, block, dense, conv = layer.split(".")
            old[f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{what}"] = weight
    assert old.keys().isdisjoint(original.state_dict())
    found = build(read_weights(_save(old, tmp_path / "old.pth")), "old.pth")
    picture = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(found(picture), original(picture))


class _Trap:
    """What a malicious file holds: code that runs when it is loaded carelessly."""

    def __init__(self, witness: Path) -> None:
        self._witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._witness,)


def test_code_in_a_file_is_never_run(tmp_path: Path) -> None:
    """A pickle that would do something on loading is refused, and does nothing."""
    witness = tmp_path / "it ran"
    file = tmp_path / "trap.pth"
    torch.save({"params": {"conv_first.weight": _Trap(witness)}}, file)
    with pytest.raises(BrokenModel, match="no file of weights"):
        read_weights(file)
    file.write_bytes(pickle.dumps(_Trap(witness)))
    with pytest.raises(BrokenModel):
        read_weights(file)
    assert not witness.exists()
    pickle.loads(file.read_bytes())
    assert witness.exists(), "the trap works where nobody minds it"


def _refused(weights: Mapping[str, Tensor], word: str) -> None:
    with pytest.raises(BrokenModel, match=word) as caught:
        build(weights, "some.pth")
    assert "\n" not in caught.value.reason


def test_what_does_not_fit_is_one_clear_line(tmp_path: Path) -> None:
    """Another architecture, missing layers, odd sizes, a text file."""
    compact, rrdb = (dict(_network(name).state_dict()) for name in ("compact-4", "rrdb-4"))
    _refused({"layers.0.weight": torch.zeros(3)}, "neither")
    _refused({n: w for n, w in compact.items() if n != "body.2.weight"}, "fit")
    _refused(compact | {"extra.weight": torch.zeros(1)}, "fit")
    _refused({n: w for n, w in rrdb.items() if not n.startswith("conv_up")}, "fit")
    _refused(rrdb | {"conv_first.weight": torch.zeros(16, 7, 3, 3)}, "fit")
    (tmp_path / "text.pth").write_text("hello", encoding="utf-8")
    (tmp_path / "text.safetensors").write_text("hello", encoding="utf-8")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("text.pth", "text.safetensors", "list.pth", "nowhere.pth"):
        with pytest.raises(BrokenModel):
            read_weights(tmp_path / name)


@pytest.mark.slow
def test_eight_bits_stay_close(tmp_path: Path) -> None:
    """The 8-bit network enlarges, and is not far from the exact one."""
    weights = _save(_network("compact-4").state_dict(), tmp_path / "w.pth", "params")
    exact = install([weights], Card(name="exact"), tmp_path / "models")
    small = install([weights], Card(name="small"), tmp_path / "models", int8=True)
    bytes_of = [each.files[4].with_suffix(".bin").stat().st_size for each in (small, exact)]
    assert bytes_of[0] < bytes_of[1]
    picture = np.asarray(Image.linear_gradient("L").resize((96, 96)).convert("RGB"))
    looks = [Lens(e.files[4], name="x").grind(96, 96).look([picture])[0] for e in (exact, small)]
    difference = np.abs(looks[0].astype(int) - looks[1].astype(int))
    assert 0 < difference.mean() < 4


def test_a_network_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that cannot be used leaves nothing behind, and replaces nothing."""
    models = tmp_path / "models"
    toy = write_toy(tmp_path / "toy.xml", 2)
    (tmp_path / "rubbish.onnx").write_text("rubbish", encoding="utf-8")
    installed = install([toy], Card(name="mine", title='My "toy"', licence="MIT"), models)
    assert installed.title == 'My "toy"'
    assert installed.files.keys() == {2}
    other = write_toy(tmp_path / "other.xml", 4)
    for files, name in (
        ([tmp_path / "rubbish.onnx"], "new"),
        ([toy, tmp_path / "rubbish.onnx"], "new"),
        ([toy, write_toy(tmp_path / "twice.xml", 2)], "new"),
        ([tmp_path / "nowhere.xml"], "new"),
        ([tmp_path], "new"),
        ([other], "mine"),
        ([other], "../mine"),
        ([other], "Mine"),
    ):
        with pytest.raises(BrokenModel):
            install(files, Card(name=name), models)
        assert [each.name for each in models.iterdir()] == ["mine"]
    networks = Networks.read((models,), shipped=tmp_path / "nothing")
    assert networks.get("mine").licence == "MIT"
    assert networks.get("mine").files.keys() == {2}
    assert set(install([toy, other], Card(name="mine"), models, replacing=True).files) == {2, 4}
    with pytest.raises(BrokenModel):
        remove("nobody", models)
    with pytest.raises(BrokenModel):
        remove("../models/mine", models)
    remove("mine", models)
    assert list(models.iterdir()) == []


@pytest.mark.slow
def test_a_converted_network_enlarges_a_picture(tmp_path: Path) -> None:
    """From a published file to a picture, with transparency, at a scale it was not made for."""
    weights = _save(_network("rrdb-2").state_dict(), tmp_path / "w.safetensors")
    install([weights], Card(name="mine"), tmp_path / "models")
    networks = Networks.read((tmp_path / "models",), shipped=tmp_path / "nothing")
    upscaler = Upscaler(networks, cache=tmp_path)
    image = Image.new("RGBA", (70, 41), (9, 99, 199, 128))
    assert upscaler.upscale(image, 3).size == (210, 123)


def test_conversion_takes_any_size(tmp_path: Path) -> None:
    """The converted network has no size of its own."""
    model = to_openvino(_network("rrdb-2"))
    shape = model.inputs[0].get_partial_shape()
    assert shape[1].get_length() == 3
    assert shape[0].is_dynamic
    assert shape[2].is_dynamic
    assert shape[3].is_dynamic
