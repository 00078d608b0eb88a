"""A tiny random model of each family: as a diffusers folder, and as the OpenVINO IR made of it.

They paint noise, but in every layer that a real one of their family has: two text encoders, time
ids, packed latents, guidance embeddings, decoders that shrink by 8 or 32. Weights are drawn from a
fixed seed, so that the same family gives the same pictures on the same machine.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.cards import write_card
from engine.quiet import silence

STARTER = Path(__file__).parents[1] / "engine" / "starter" / "model"
FAMILIES = (
    "stable-diffusion",
    "latent-consistency",
    "stable-diffusion-xl",
    "flux",
    "sana-sprint",
)
SIDE = 64
"""Pixels of a side of what they paint."""
CARDS: dict[str, dict[str, Any]] = {
    "stable-diffusion": {
        "default_steps": 4,
        "default_guidance": 3.0,
        "negative": True,
        "guidance": True,
        "schedulers": ("dpm++", "euler", "lcm", "tcd"),
        "chunks": 3,
    },
    "latent-consistency": {
        "default_steps": 4,
        "default_guidance": 8.0,
        "guidance": True,
        "schedulers": ("lcm", "tcd"),
        "scheduler": "lcm",
        "chunks": 3,
    },
    "stable-diffusion-xl": {
        "default_steps": 2,
        "default_guidance": 0.0,
        "negative": True,
        "guidance": True,
        "schedulers": ("euler", "dpm++", "lcm", "tcd"),
        "scheduler": "euler",
        "chunks": 3,
    },
    "flux": {"default_steps": 2},
    "sana-sprint": {"default_steps": 2, "default_guidance": 4.5, "guidance": True},
}
"""What the card of each says beside its name, family and sizes."""


def make(family: str, folder: Path) -> Path:
    """Write a tiny random model of `family` as a diffusers folder, and return it."""
    silence()
    import torch

    if family not in FAMILIES:
        raise ValueError(f"no family {family!r}")
    torch.manual_seed(FAMILIES.index(family))
    with _quiet():
        _MAKERS[family]().save_pretrained(folder, safe_serialization=True)
    return folder


def widen_unet(folder: Path) -> None:
    """Make the UNet in a model folder one for painting into pictures, with nine channels.

    These are latents, mask, and the latents of what is not masked; they are mixed into its four.
    """
    import openvino
    from openvino import opset13 as ops

    network = openvino.Core().read_model(folder / "openvino_model.xml")
    (sample,) = (each for each in network.get_parameters() if each.get_friendly_name() == "sample")
    mixing = np.zeros((4, 9, 1, 1), np.float32)
    mixing[range(4), range(4)] = 1
    mixing[:, 4] = 0.5
    mixing[range(4), range(5, 9)] = 0.5
    wide = ops.parameter([-1, 9, -1, -1], np.float32, name="wide")
    mixed = ops.convolution(wide, ops.constant(mixing), [1, 1], [0, 0], [0, 0], [1, 1])
    sample.output(0).replace(mixed.output(0))
    others = [each for each in network.get_parameters() if each is not sample]
    wide.output(0).set_names({"sample"})
    others = [each for each in others if each.get_friendly_name() != "sample"]
    made = openvino.Model(network.get_results(), [wide, *others], "wide")
    openvino.save_model(made, folder / "wide.xml", compress_to_fp16=False)
    del made, network
    for kind in ("xml", "bin"):
        (folder / f"wide.{kind}").replace(folder / f"openvino_model.{kind}")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"in_channels": 9}), "utf-8")


def make_tiny_decoder(folder: Path, *, channels: int = 4) -> Path:
    """Write a tiny autoencoder (of TAESD's kind) for latents of so many channels, and return it."""
    silence()
    import torch
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    torch.manual_seed(channels)
    AutoencoderTiny(
        latent_channels=channels,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    ).eval().save_pretrained(folder)
    return folder


def export(family: str, folder: Path, *, name: str = "", source: Path | None = None) -> Path:
    """Write the IR of a tiny model of `family` with its card, as a model folder, and return it.

    `source` is the diffusers folder that it is made of; without one, one is made on the way.
    """
    silence()
    from optimum.exporters.openvino import main_export

    gc.freeze()  # it looks for garbage a dozen times, and no library is any
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        source = source or make(family, Path(scratch) / "source")
        # The pipelines' own way leaves a temporary folder to the interpreter's end, with a warning.
        main_export(
            model_name_or_path=str(source),
            output=folder,
            task="text-to-image",
            library_name="diffusers",
            no_post_process=True,
            convert_tokenizer=False,
        )
    for file in folder.rglob("*.json"):  # where on this machine it came from is nobody's business
        told = json.loads(file.read_text("utf-8"))
        if isinstance(told, dict) and told.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    write_card(
        folder,
        name=name or folder.name,
        title=f"Tiny {family}",
        family=family,
        sizes=((SIDE, SIDE), (2 * SIDE, SIDE)),
        max_steps=20,
        image_to_image=True,
        inpainting=True,
        licence="Apache-2.0",
        **CARDS[family],
    )
    return folder


def _clip(*, dimensions: int = 16, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=1627,
        hidden_size=dimensions,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        projection_dim=dimensions,
        max_position_embeddings=77,
        bos_token_id=1625,
        eos_token_id=1626,
        pad_token_id=1626,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def _clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(STARTER / "tokenizer")


def _unet(**given: Any) -> Any:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    values: dict[str, Any] = {
        "sample_size": SIDE // 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 16,
        "attention_head_dim": 2,
        "norm_num_groups": 4,
    }
    return UNet2DConditionModel(**(values | given)).eval()


def _vae(*, channels: int = 4, **given: Any) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    values: dict[str, Any] = {
        "latent_channels": channels,
        "block_out_channels": (8, 8, 8, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 2,
        "sample_size": SIDE,
    }
    return AutoencoderKL(**(values | given)).eval()


def _stable_diffusion() -> Any:
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=_clip_tokenizer(),
        unet=_unet(),
        scheduler=DPMSolverMultistepScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _latent_consistency() -> Any:
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    return LatentConsistencyModelPipeline(
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=_clip_tokenizer(),
        unet=_unet(time_cond_proj_dim=8),
        scheduler=LCMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _stable_diffusion_xl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    return StableDiffusionXLPipeline(
        vae=_vae(scaling_factor=0.13025),
        text_encoder=_clip(),
        text_encoder_2=_clip(dimensions=24, projected=True),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_clip_tokenizer(),
        unet=_unet(
            cross_attention_dim=40,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=72,
            transformer_layers_per_block=(1, 2),
            use_linear_projection=True,
        ),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            timestep_spacing="trailing",
            steps_offset=1,
        ),
    )


def _flux() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    tokenizer = _words_tokenizer(pad="<pad>", end="</s>")
    second = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    return FluxPipeline(
        vae=_vae(
            channels=16,
            scaling_factor=0.3611,
            shift_factor=0.1159,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=_clip(),
        text_encoder_2=T5EncoderModel(second).eval(),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=tokenizer,
        transformer=FluxTransformer2DModel(
            in_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=16,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=False,
        ).eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
    )


def _sana_sprint() -> Any:
    from diffusers import SanaSprintPipeline, SCMScheduler
    from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
    from diffusers.models.transformers.sana_transformer import SanaTransformer2DModel
    from transformers import Gemma2Config, Gemma2Model

    tokenizer = _words_tokenizer(pad="<pad>", end="<eos>", begin="<bos>")
    config = Gemma2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=1024,
    )
    blocks = {
        "encoder_block_types": ("ResBlock",) * 5 + ("EfficientViTBlock",),
        "decoder_block_types": ("ResBlock",) * 5 + ("EfficientViTBlock",),
        "encoder_block_out_channels": (8,) * 5 + (32,),
        "decoder_block_out_channels": (8,) * 5 + (32,),
        "encoder_layers_per_block": (1,) * 6,
        "decoder_layers_per_block": (1,) * 6,
        "encoder_qkv_multiscales": ((),) * 5 + ((5,),),
        "decoder_qkv_multiscales": ((),) * 5 + ((5,),),
    }
    return SanaSprintPipeline(
        tokenizer=tokenizer,
        text_encoder=Gemma2Model(config).eval(),
        vae=AutoencoderDC(
            latent_channels=32, attention_head_dim=8, scaling_factor=0.41407, **blocks
        ).eval(),
        transformer=SanaTransformer2DModel(
            in_channels=32,
            out_channels=32,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            num_cross_attention_heads=2,
            cross_attention_head_dim=8,
            cross_attention_dim=16,
            caption_channels=16,
            sample_size=2,
            patch_size=1,
            guidance_embeds=True,
            guidance_embeds_scale=0.1,
            qk_norm="rms_norm_across_heads",
            timestep_scale=1.0,
        ).eval(),
        scheduler=SCMScheduler(),
    )


def _words_tokenizer(*, pad: str, end: str, begin: str = "") -> Any:
    """Pieces of words with the marks of T5 (an end) or Gemma (a beginning)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = [each for each in (pad, end, begin, "<unk>") if each]
    letters = [chr(code) for code in range(33, 127)]
    words = ("fox", "red", "house", "sea", "sunset", "lighthouse", "a", "the", "of", "in", "style")
    pieces = [(each, 0.0) for each in marks]
    pieces += [("▁", -3.0)] + [(each, -6.0) for each in letters]
    pieces += [(f"▁{each}", -4.0) for each in words]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=marks.index("<unk>")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    mark = begin or end
    single = f"{begin} $A" if begin else f"$A {end}"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[(mark, tokenizer.token_to_id(mark))]
    )
    given = {"bos_token": begin} if begin else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        eos_token=end,
        unk_token="<unk>",
        model_max_length=512,
        **given,
    )


_MAKERS: dict[str, Callable[[], Any]] = {
    "stable-diffusion": _stable_diffusion,
    "latent-consistency": _latent_consistency,
    "stable-diffusion-xl": _stable_diffusion_xl,
    "flux": _flux,
    "sana-sprint": _sana_sprint,
}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The libraries speak to the terminal while they write files."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


def copy(folder: Path, to: Path, *, name: str = "") -> Path:
    """A copy of a model folder under another name, and return it."""
    shutil.copytree(folder, to)
    card = (to / "atelier.toml").read_text(encoding="utf-8")
    lines = [
        f'name = "{name or to.name}"' if line.startswith("name = ") else line
        for line in card.splitlines()
    ]
    (to / "atelier.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return to
