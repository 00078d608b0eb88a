"""Small random models in one file each, spelled the way their first publishers did."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from engine.building.lora_names import original_name

TOKENIZER = Path(__file__).parents[2] / "engine" / "starter" / "model" / "tokenizer"
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def stable_diffusion(*, second: bool = False, condition: int | None = None) -> Any:
    """A small SD 1 (or 2): eight heads (or heads of 64), groups of 32, as all of them have."""
    torch.manual_seed(1)
    return StableDiffusionPipeline(
        vae=_vae(0.18215),
        text_encoder=_clip(128 if second else 64, 2, CLIPTextModel, exact=second),
        tokenizer=CLIPTokenizer.from_pretrained(TOKENIZER),
        unet=_unet(
            cross_attention_dim=128 if second else 64,
            attention_head_dim=[1, 1] if second else 8,
            use_linear_projection=second,
            time_cond_proj_dim=condition,
        ),
        scheduler=DPMSolverMultistepScheduler(**BETAS, steps_offset=1, timestep_spacing="trailing"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_xl() -> Any:
    torch.manual_seed(2)
    return StableDiffusionXLPipeline(
        vae=_vae(0.13025),
        text_encoder=_clip(64, 2, CLIPTextModel),
        text_encoder_2=_clip(128, 2, CLIPTextModelWithProjection, exact=True),
        tokenizer=CLIPTokenizer.from_pretrained(TOKENIZER),
        tokenizer_2=CLIPTokenizer.from_pretrained(TOKENIZER, pad_token="!"),
        unet=_unet(
            cross_attention_dim=192, attention_head_dim=[1, 1], use_linear_projection=True,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=[1, 2], addition_embed_type="text_time",
            addition_time_embed_dim=256, projection_class_embeddings_input_dim=6 * 256 + 128,
        ),
        scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1),
    )  # fmt: skip


def write(pipeline: Any, file: Path) -> Path:
    """Write all of it into one file, under the names that such files have."""
    found: dict[str, torch.Tensor] = {}
    for name, tensor in pipeline.unet.state_dict().items():
        layer, _, what = name.rpartition(".")
        found[f"model.diffusion_model.{original_name(pipeline.unet, layer)}.{what}"] = tensor
    for name, tensor in pipeline.vae.state_dict().items():
        found[f"first_stage_model.{_vae_name(pipeline.vae, name)}"] = (
            tensor[:, :, None, None] if _is_vae_attention(name, tensor) else tensor
        )
    first = pipeline.text_encoder
    if hasattr(pipeline, "text_encoder_2"):
        found |= _plain(first, "conditioner.embedders.0.transformer.")
        found |= _open(pipeline.text_encoder_2, "conditioner.embedders.1.model.")
    elif first.config.hidden_act == "gelu":
        found |= _open(first, "cond_stage_model.model.", spare_layer=True)
    else:
        found |= _plain(first, "cond_stage_model.transformer.")
    save_file({name: tensor.contiguous().clone() for name, tensor in found.items()}, file)
    return file


def _unet(**given: Any) -> Any:
    values: dict[str, Any] = {
        "sample_size": 8, "in_channels": 4, "out_channels": 4, "block_out_channels": (32, 64),
        "layers_per_block": 2, "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }  # fmt: skip
    return UNet2DConditionModel(**(values | given)).eval()


def _vae(scaling: float) -> Any:
    return AutoencoderKL(
        block_out_channels=(32, 32, 32, 64), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, scaling_factor=scaling,
        latent_channels=4,
    ).eval()  # fmt: skip


def _clip(width: int, layers: int, kind: Any, *, exact: bool = False) -> Any:
    config = CLIPTextConfig(
        vocab_size=1627, hidden_size=width, intermediate_size=96, num_hidden_layers=layers,
        num_attention_heads=width // 64, projection_dim=width, bos_token_id=1625,
        eos_token_id=1626, pad_token_id=1626, hidden_act="gelu" if exact else "quick_gelu",
    )  # fmt: skip
    return kind(config).eval()


def _plain(encoder: Any, prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in encoder.state_dict().items()}


def _open(encoder: Any, prefix: str, *, spare_layer: bool = False) -> dict[str, torch.Tensor]:
    """The other spelling: queries, keys and values in one; a last layer that nobody uses."""
    said = encoder.state_dict()
    model = "text_model."
    found = {
        "token_embedding.weight": said[f"{model}embeddings.token_embedding.weight"],
        "positional_embedding": said[f"{model}embeddings.position_embedding.weight"],
        "ln_final.weight": said[f"{model}final_layer_norm.weight"],
        "ln_final.bias": said[f"{model}final_layer_norm.bias"],
    }
    if "text_projection.weight" in said:
        found["text_projection"] = said["text_projection.weight"].T
    count = encoder.config.num_hidden_layers
    for index in range(count + spare_layer):
        ours = f"{model}encoder.layers.{min(index, count - 1)}."
        theirs = f"transformer.resblocks.{index}."
        for what in ("weight", "bias"):
            heads = [said[f"{ours}self_attn.{each}_proj.{what}"] for each in "qkv"]
            found[f"{theirs}attn.in_proj_{what}"] = torch.cat(heads)
            for one, other in (
                ("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"),
                ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
            ):  # fmt: skip
                found[f"{theirs}{other}.{what}"] = said[f"{ours}{one}.{what}"]
    return {f"{prefix}{name}": tensor for name, tensor in found.items()}


def _vae_name(vae: Any, name: str) -> str:
    levels = len(vae.config.block_out_channels)

    def up(found: re.Match[str]) -> str:
        return f"up.{levels - 1 - int(found[1])}."

    name = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d+)\.", up, name)
    name = name.replace("upsamplers.0.", "upsample.").replace(".resnets.", ".block.")
    name = name.replace("mid_block.block.0", "mid.block_1").replace(
        "mid_block.block.1", "mid.block_2"
    )
    name = name.replace("mid_block.attentions.0.", "mid.attn_1.")
    for ours, theirs in (
        ("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"),
        ("to_out.0", "proj_out"), ("conv_norm_out", "norm_out"), ("conv_shortcut", "nin_shortcut"),
    ):  # fmt: skip
        name = name.replace(f".{ours}.", f".{theirs}.")
    return name


def _is_vae_attention(name: str, tensor: torch.Tensor) -> bool:
    return ".attentions." in name and tensor.ndim == 2
