"""Owns the shapes of the starter's four parts, untrained, and how they are put together."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    LCMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from engine.starter.words import POSITIONS

SIZES = ((256, 256), (320, 192), (192, 320))  # width, height
FACTOR = 16  # pixels to one latent, each way
CHANNELS = 16
TEXT_WIDTH = 192


def new_autoencoder() -> AutoencoderKL:
    """256x256x3 <-> 16x16x16, narrow where the picture is large: there the time goes."""
    model = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 5,
        up_block_types=("UpDecoderBlock2D",) * 5,
        block_out_channels=(16, 16, 32, 96, 128),
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=2,  # more would normalise flat colours away in so few channels
        mid_block_add_attention=False,
        sample_size=SIZES[0][0],
        scaling_factor=1.0,
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".conv2." in name:  # every block begins as the identity
                weight.zero_()
        assert model.quant_conv is not None and model.quant_conv.bias is not None
        model.quant_conv.bias[CHANNELS:] -= 6  # and latents begin almost without noise
    return model


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=TEXT_WIDTH * 4,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=POSITIONS,
            hidden_act="gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_denoiser() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SIZES[0][0] // FACTOR,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(128, 192, 192),
        layers_per_block=1,
        attention_head_dim=4,  # diffusers reads this as the number of heads
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=32,
    )


_NOISE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
}


def new_scheduler(**other: Any) -> DPMSolverMultistepScheduler:
    """The sampler of the denoiser that is not distilled; all training shares its noise schedule."""
    settings: dict[str, Any] = {
        **_NOISE,
        "timestep_spacing": "trailing",
        "algorithm_type": "dpmsolver++",
        "solver_order": 2,
        "final_sigmas_type": "zero",
    }
    return DPMSolverMultistepScheduler(**{**settings, **other})


def few_steps() -> LCMScheduler:
    """The sampler the starter is shipped with."""
    return LCMScheduler(**_NOISE)


def put_together(
    autoencoder: AutoencoderKL,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    denoiser: UNet2DConditionModel,
) -> StableDiffusionPipeline:
    """The four parts as the pipeline everybody knows how to load."""
    return StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=denoiser,
        scheduler=few_steps(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
