"""LoRAs: every spelling and every form of product ends in the same weights, or changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.building.lora_names import original_name
from engine.building.loras import fuse
from engine.building.sources import scaled
from engine.errors import BrokenModel
from tests.engine import published

LAYER = "down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k"
CONV = "up_blocks.1.resnets.0.conv1"
TEXT = "text_model.encoder.layers.1.self_attn.q_proj"
RANK = 3


@pytest.fixture
def pipeline() -> Any:
    return published.stable_diffusion()


def _layer(pipeline: Any, name: str = LAYER) -> Any:
    return pipeline.unet.get_submodule(name)


def _low_rank(layer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(7)
    out, given = layer.weight.shape[:2]
    if layer.weight.ndim == 2:
        return torch.randn(RANK, given), torch.randn(out, RANK)
    return torch.randn(RANK, given, *layer.weight.shape[2:]), torch.randn(out, RANK, 1, 1)


SPELLINGS = {
    "kohya": ("lora_unet_{flat}.lora_down.weight", "lora_unet_{flat}.lora_up.weight"),
    "kohya, first names": (
        "lora_unet_{first}.lora_down.weight", "lora_unet_{first}.lora_up.weight",
    ),
    "peft": ("unet.{name}.lora_A.weight", "unet.{name}.lora_B.weight"),
    "peft, wrapped": (
        "base_model.model.{name}.lora_A.weight", "base_model.model.{name}.lora_B.weight",
    ),
    "diffusers": ("unet.{name}.lora.down.weight", "unet.{name}.lora.up.weight"),
    "diffusers, early": (
        "unet.{block}.processor.{last}_lora.down.weight",
        "unet.{block}.processor.{last}_lora.up.weight",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_means_the_same_layer(pipeline: Any, spelling: str, tmp_path: Path) -> None:
    """Trainers name layers in their own ways; the product is added to the one that is meant."""
    layer = _layer(pipeline)
    before = {name: each.clone() for name, each in pipeline.unet.state_dict().items()}
    down, up = _low_rank(layer)
    block, _, last = LAYER.rpartition(".")
    names = {
        "flat": LAYER.replace(".", "_"), "name": LAYER, "block": block, "last": last,
        "first": original_name(pipeline.unet, LAYER).replace(".", "_"),
    }  # fmt: skip
    lower, upper = (each.format(**names) for each in SPELLINGS[spelling])
    file = tmp_path / "style.safetensors"
    save_file({lower: down, upper: up}, file)
    fused = fuse(pipeline, file, 0.5)
    assert fused.layers == 1
    assert not fused.strangers
    after = pipeline.unet.state_dict()
    expected = before[f"{LAYER}.weight"] + 0.5 * up @ down
    assert torch.allclose(after[f"{LAYER}.weight"], expected, atol=1e-5)
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == [f"{LAYER}.weight"]


def test_a_number_beside_it_scales_by_the_rank(pipeline: Any, tmp_path: Path) -> None:
    """`alpha` is divided by the rank, as its trainer did."""
    layer = _layer(pipeline)
    before, (down, up) = layer.weight.clone(), _low_rank(layer)
    stem = f"lora_unet_{LAYER.replace('.', '_')}"
    file = tmp_path / "style.safetensors"
    save_file(
        {
            f"{stem}.lora_down.weight": down,
            f"{stem}.lora_up.weight": up,
            f"{stem}.alpha": torch.tensor(1.5),
        },
        file,
    )
    fuse(pipeline, file)
    assert torch.allclose(layer.weight, before + 1.5 / RANK * up @ down, atol=1e-5)


def test_convolutions_and_text_encoders_are_changed_too(pipeline: Any, tmp_path: Path) -> None:
    """Convolutions with and without a middle, and the text encoder's layers."""
    conv, text = _layer(pipeline, CONV), pipeline.text_encoder.get_submodule(TEXT)
    before, words = conv.weight.clone(), text.weight.clone()
    out, given = conv.weight.shape[:2]
    torch.manual_seed(3)
    up, mid, down = torch.randn(out, RANK), torch.randn(RANK, RANK, 3, 3), torch.randn(RANK, given)
    lower, upper = _low_rank(text)
    stem, said = f"lora_unet_{CONV.replace('.', '_')}", f"lora_te_{TEXT.replace('.', '_')}"
    file = tmp_path / "style.safetensors"
    save_file(
        {
            f"{stem}.lora_down.weight": down[:, :, None, None],
            f"{stem}.lora_mid.weight": mid,
            f"{stem}.lora_up.weight": up[:, :, None, None],
            f"{said}.lora_down.weight": lower,
            f"{said}.lora_up.weight": upper,
        },
        file,
    )
    assert fuse(pipeline, file).layers == 2
    for row in range(3):
        for column in range(3):
            whole = up @ mid[:, :, row, column] @ down
            found = (conv.weight - before)[:, :, row, column]
            assert torch.allclose(found, whole, atol=1e-4)
    assert torch.allclose(text.weight - words, upper @ lower, atol=1e-4)


def test_products_of_products_are_fused(pipeline: Any, tmp_path: Path) -> None:
    """LoHa multiplies two low-rank products, LoKr takes their Kronecker product."""
    layer = _layer(pipeline)
    out, given = layer.weight.shape
    torch.manual_seed(5)
    parts = [torch.randn(*shape) for shape in ((out, 2), (2, given), (out, 2), (2, given))]
    stem = f"lora_unet_{LAYER.replace('.', '_')}"
    names = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")
    file = tmp_path / "loha.safetensors"
    save_file({f"{stem}.{name}": each for name, each in zip(names, parts, strict=True)}, file)
    before = layer.weight.clone()
    fuse(pipeline, file)
    expected = (parts[0] @ parts[1]) * (parts[2] @ parts[3])
    assert torch.allclose(layer.weight - before, expected, atol=1e-4)

    small, low, high = torch.randn(4, 4), torch.randn(out // 4, 2), torch.randn(2, given // 4)
    file = tmp_path / "lokr.safetensors"
    save_file(
        {
            f"{stem}.lokr_w1": small,
            f"{stem}.lokr_w2_a": low,
            f"{stem}.lokr_w2_b": high,
            f"{stem}.alpha": torch.tensor(1.0),
        },
        file,
    )
    before = layer.weight.clone()
    fuse(pipeline, file)
    expected = torch.kron(small, low @ high) / 2
    assert torch.allclose(layer.weight - before, expected, atol=1e-4)


def test_strangers_are_counted_and_named(pipeline: Any, tmp_path: Path) -> None:
    """What the model has not is told, not dropped in silence."""
    down, up = _low_rank(_layer(pipeline))
    stem = f"lora_unet_{LAYER.replace('.', '_')}"
    file = tmp_path / "style.safetensors"
    save_file(
        {
            f"{stem}.lora_down.weight": down,
            f"{stem}.lora_up.weight": up,
            "lora_unet_down_blocks_9_x.lora_down.weight": down.clone(),
            "lora_unet_down_blocks_9_x.lora_up.weight": up.clone(),
        },
        file,
    )
    fused = fuse(pipeline, file)
    assert fused.strangers == ("lora_unet_down_blocks_9_x",)
    assert "down_blocks_9_x" in fused.said


@pytest.mark.parametrize(
    "fault", ["shape", "none of it", "no lora", "magnitudes", "half", "damaged"]
)
def test_what_does_not_fit_changes_nothing(pipeline: Any, fault: str, tmp_path: Path) -> None:
    """Refused as a whole: also the layers that would have fitted stay as they were."""
    down, up = _low_rank(_layer(pipeline))
    stem = f"lora_unet_{LAYER.replace('.', '_')}"
    good = {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}
    other = f"lora_unet_{LAYER.replace('to_k', 'to_v').replace('.', '_')}"
    tensors = {
        "shape": good | {f"{other}.lora_down.weight": down[:, :5], f"{other}.lora_up.weight": up},
        "none of it": {"lora_unet_x.lora_down.weight": down, "lora_unet_x.lora_up.weight": up},
        "no lora": {"model.weight": down},
        "magnitudes": good | {f"{stem}.dora_scale": torch.ones(4)},
        "half": {f"{stem}.lora_down.weight": down},
        "damaged": good,
    }[fault]
    file = tmp_path / "style.safetensors"
    save_file({name: each.contiguous().clone() for name, each in tensors.items()}, file)
    if fault == "damaged":
        file.write_bytes(file.read_bytes()[:-9])
    before = {name: each.clone() for name, each in pipeline.unet.state_dict().items()}
    with pytest.raises(BrokenModel):
        fuse(pipeline, file)
    after = pipeline.unet.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_scale_stands_after_the_file() -> None:
    """`file:0.8`; a colon elsewhere belongs to the name."""
    assert scaled("a.safetensors:0.8") == ("a.safetensors", 0.8)
    assert scaled("owner/name") == ("owner/name", 1.0)
    assert scaled("a:b.safetensors") == ("a:b.safetensors", 1.0)
    assert scaled("a.safetensors:-1") == ("a.safetensors", -1.0)
