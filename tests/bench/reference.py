"""The models that speed is measured on: known architectures with random weights, made right here.

How long a network takes depends on its shapes, not on what it has learned, so nothing needs to be
downloaded. `python -m tests.bench.reference FOLDER` makes them (some minutes, 10 GB of memory) and
leaves alone what is there already:

- `turbo/`: SD-Turbo's architecture with 16-bit weights and a tiny decoder, as optimum-intel saves
  it: what the usual CPU front ends load;
- `lcm/`: the same of an LCM of the Stable Diffusion 1.5 class;
- `turbo-int8/`, `lcm-int8/`: what `atelier models build` makes of those.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.cards import write_card
from engine.quiet import silence

ROOT = Path(__file__).parents[2]
HERE = ROOT / "data" / "bench" / "reference"
STARTER = ROOT / "engine" / "starter" / "model"
EIGHT_BITS = "-int8"
SIDE = 512
SHAPES = {
    "sample": [1, 4, SIDE // 8, SIDE // 8],
    "timestep": [],
    "encoder_hidden_states": [1, 77, 1024],
}
"""What `turbo`'s denoiser is given for a picture of that size."""
UNET: dict[str, Any] = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
}
TEXT: dict[str, Any] = {"vocab_size": 49408, "max_position_embeddings": 77}
ARCHITECTURES: dict[str, dict[str, dict[str, Any]]] = {
    "turbo": {
        "unet": {
            **UNET,
            "cross_attention_dim": 1024,
            "attention_head_dim": (5, 10, 20, 20),
            "use_linear_projection": True,
        },
        "text": {
            **TEXT,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 23,
            "num_attention_heads": 16,
            "hidden_act": "gelu",
            "projection_dim": 512,
        },
    },
    "lcm": {
        "unet": {
            **UNET,
            "cross_attention_dim": 768,
            "attention_head_dim": 8,
            "time_cond_proj_dim": 256,
        },
        "text": {
            **TEXT,
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "hidden_act": "quick_gelu",
            "projection_dim": 768,
        },
    },
}
"""As their configurations on the hub say."""
NAMES = tuple(name + kind for name in ARCHITECTURES for kind in ("", EIGHT_BITS))


def make(name: str, folder: Path = HERE) -> Path:
    """Make the model of that name in `folder`, unless it is there; returns where it stands."""
    made = folder / name
    if not made.is_dir():
        if name.endswith(EIGHT_BITS):
            make(name.removesuffix(EIGHT_BITS), folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}.") as fresh:
            # A process of its own gives back the memory that making it took.
            program = (sys.executable, "-m", "tests.bench.reference", str(folder))
            subprocess.run([*program, "--one", name, "--into", fresh], check=True, cwd=ROOT)
            (Path(fresh) / name).rename(made)
    return made


def _write(name: str, folder: Path) -> None:
    """The model as optimum-intel exports it, its decoder replaced by a tiny one."""
    silence()
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        LatentConsistencyModelPipeline,
        LCMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from optimum.exporters.openvino import main_export
    from optimum.intel import OVConfig
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    parts = ARCHITECTURES[name]
    tokenizer = CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    scheduler: Any = EulerDiscreteScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        timestep_spacing="trailing",
    )
    kind: Any = StableDiffusionPipeline
    if name == "lcm":
        kind, scheduler = (
            LatentConsistencyModelPipeline,
            LCMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
        )
    whole = kind(
        unet=UNet2DConditionModel(**parts["unet"]),
        text_encoder=CLIPTextModel(CLIPTextConfig(**parts["text"], **ends)),
        tokenizer=tokenizer,
        scheduler=scheduler,
        # The exporter wants a full autoencoder; the smallest there is, since it is replaced.
        vae=AutoencoderKL(block_out_channels=(32,), norm_num_groups=8, latent_channels=4),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    weights = folder / "weights"
    whole.to(dtype=torch.float16).save_pretrained(weights)
    del whole
    made = folder / name
    main_export(
        weights,
        made,
        task="text-to-image",
        library_name="diffusers",
        ov_config=OVConfig(dtype="fp16"),
    )
    shutil.rmtree(weights)
    _attach_tiny(made)
    _write_card(name, made)


def _attach_tiny(folder: Path) -> None:
    """TAESD's architecture as decoder and encoder."""
    import openvino
    import torch
    from diffusers import AutoencoderTiny

    tiny = AutoencoderTiny().eval().requires_grad_(False)
    latents, pixels = torch.zeros(1, 4, 64, 64), torch.zeros(1, 3, SIDE, SIDE)

    for part, network, example, given, out in (
        ("vae_decoder", tiny.decoder, latents, "latent_sample", "sample"),
        ("vae_encoder", tiny.encoder, pixels, "sample", "latent_sample"),
    ):
        shutil.rmtree(folder / part)
        (folder / part).mkdir()
        shape = [-1, example.shape[1], -1, -1]
        converted = openvino.convert_model(network, example_input=example, input=shape)
        converted.inputs[0].get_tensor().set_names({given})
        converted.outputs[0].get_tensor().set_names({out})
        openvino.save_model(converted, folder / part / "openvino_model.xml", compress_to_fp16=True)
        config = {**tiny.config, "_class_name": "AutoencoderTiny"}
        (folder / part / "config.json").write_text(json.dumps(config, indent=1), "utf-8")


def _write_eight_bits(name: str, plain: Path, folder: Path) -> None:
    """What is computed with in 8 bits: denoiser and tiny decoder whole, the text's weights only.

    The ranges of numbers are taken from one random input, which makes pictures of no model worse:
    these never had any. The operations are those that `atelier models build` leads to.
    """
    silence()
    import nncf
    import openvino

    made = folder / name
    shutil.copytree(plain, made, ignore=shutil.ignore_patterns("openvino_model.*"))
    core = openvino.Core()
    for part in ("text_encoder", "unet", "vae_decoder", "vae_encoder"):
        network = core.read_model(plain / part / "openvino_model.xml")
        if part == "text_encoder":
            network = nncf.compress_weights(network, mode=nncf.CompressWeightsMode.INT8_ASYM)
        elif part != "vae_encoder":
            network = _quantized(network, attention=part == "unet")
        openvino.save_model(network, made / part / "openvino_model.xml")
    _write_card(name, made)


def _quantized(network: Any, *, attention: bool) -> Any:
    import nncf
    import numpy as np
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters

    rng = np.random.default_rng(0)
    config = {"encoder_hidden_states": 77, "timestep_cond": 0}
    inputs = {}
    for each in network.inputs:
        name, shape = each.get_any_name(), each.get_partial_shape()
        lengths = [
            16 if name.endswith("sample") and axis > 1 else config.get(name, 1) if axis == 1 else 1
            for axis in range(shape.rank.get_length())
        ]
        lengths = [
            known.get_length() if known.is_static else length
            for known, length in zip(shape, lengths, strict=True)
        ]
        inputs[name] = (
            np.full(lengths, 500, each.get_element_type().to_dtype())
            if name == "timestep"
            else rng.normal(size=lengths).astype(np.float32)
        )
    return nncf.quantize(
        network,
        nncf.Dataset([inputs]),
        subset_size=1,
        model_type=nncf.ModelType.TRANSFORMER if attention else None,
        advanced_parameters=AdvancedQuantizationParameters(disable_bias_correction=True),
    )


def _write_card(name: str, folder: Path) -> None:
    lcm = name.startswith("lcm")
    write_card(
        folder,
        name=name,
        title=f"Reference {name}",
        family="latent-consistency" if lcm else "stable-diffusion",
        sizes=[[SIDE, SIDE]],
        default_steps=4 if lcm else 1,
        max_steps=8,
        default_guidance=1.0,
        image_to_image=True,
        pooling=name.endswith(EIGHT_BITS),
        licence="none: random numbers",
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reference", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=HERE)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.one:
        if chosen.one.endswith(EIGHT_BITS):
            plain = chosen.folder / chosen.one.removesuffix(EIGHT_BITS)
            _write_eight_bits(chosen.one, plain, chosen.into)
        else:
            _write(chosen.one, chosen.into)
        return 0
    for name in NAMES:
        started = time.monotonic()
        print(make(name, chosen.folder), f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
