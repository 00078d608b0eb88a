"""The families of models, as far as they differ: shapes, latents, and how a denoiser is asked.

Each is a `Family`: latents stand as (1, channels, height, width) everywhere outside; what a
network wants instead is its own business.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from engine.conditioning import ClipText, FluxText, SanaText, Text, Told
from engine.errors import BrokenModel
from engine.parts import Form
from engine.reusing import DEEP, reuses

if TYPE_CHECKING:
    from engine.compiled import Compiled
    from engine.parts import Array, Parts
    from engine.samplers import Sampler


class Shape(NamedTuple):
    """What a session is compiled for: one key of the painter's small cache."""

    model: str
    width: int
    height: int
    guided: bool
    pieces: int = 1


class Family(ABC):
    """One family's denoiser for one shape."""

    part: ClassVar[str]
    text: ClassVar[type[Text]]

    def __init__(self, parts: Parts, shape: Shape) -> None:
        self.parts = parts
        self.shape = shape
        self.words = self.text(parts)
        self.scale = scale_of(parts)
        for length in (shape.width, shape.height):
            if length % self.least:
                reason = f"{length} pixels is no multiple of {self.least}"
                raise BrokenModel(parts.model.name, reason)
        self._network: Compiled | None = None
        self._takes: frozenset[str] = frozenset()
        self._step = 0

    @classmethod
    def guides(cls, parts: Parts) -> bool:
        """Whether it can be guided by looking twice, with the words and without."""
        del parts
        return False

    @property
    def least(self) -> int:
        """Sides are multiples of so many pixels."""
        return self.scale

    @property
    def channels(self) -> int:
        """Channels of the latents."""
        return int(self.parts.config("vae_decoder")["latent_channels"])

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        height, width = self.shape.height // self.scale, self.shape.width // self.scale
        return 1, self.channels, height, width

    @property
    def places(self) -> int:
        """Positions that the denoiser compares with each other."""
        return math.prod(self.latent_shape[2:])

    def load(self) -> None:
        """Compile the denoiser."""
        self._network = self.parts.network(self.part, self._fixed)
        self._takes = _names(self._network)

    def begin(self) -> None:
        """Another picture begins."""
        self._step = 0

    @property
    def network(self) -> Compiled:
        assert self._network is not None, "load comes first"
        return self._network

    def takes(self, name: str) -> bool:
        """Whether the denoiser has that input."""
        return name in self._takes

    @property
    def masked_channels(self) -> int:
        """Channels for mask and masked picture, of those made for painting into pictures."""
        return 0

    @abstractmethod
    def sizes(self) -> dict[str, list[int]]:
        """The fixed shape of every input it may have."""

    @abstractmethod
    def predict(
        self, sampler: Sampler, latents: Array, time: Array, told: Told, beside: Array | None
    ) -> Array:
        """What the denoiser says of `latents`; `beside` goes with them where it is made for it."""

    def _fixed(self, name: str, rank: int) -> list[int]:
        known = self.sizes()
        if name == "timestep":
            return [1] if rank == 1 else []
        if name not in known:
            reason = f"its {self.part} wants an unknown input, {name!r}"
            raise BrokenModel(self.parts.model.name, reason)
        return known[name]


class UNet(Family):
    """Stable Diffusion and its children: guided in batches of two, or by an embedding."""

    part = "unet"
    text = ClipText

    def __init__(self, parts: Parts, shape: Shape) -> None:
        super().__init__(parts, shape)
        self._above: Compiled | None = None
        self._above_takes: frozenset[str] = frozenset()
        self._deep: Array | None = None

    def load(self) -> None:
        """Compile the denoiser; of one that reuses what is deep in it, the upper part by itself."""
        if not self.parts.model.reusing:
            super().load()
            return
        self._network = self.parts.network(self.part, self._fixed, Form.telling)
        self._takes = _names(self._network)
        self._above = self.parts.network(self.part, self._fixed, Form.above)
        self._above_takes = _names(self._above)

    def begin(self) -> None:
        super().begin()
        self._deep = None

    @classmethod
    def guides(cls, parts: Parts) -> bool:
        return not parts.config("unet").get("time_cond_proj_dim")

    @property
    def batch(self) -> int:
        return 2 if self.shape.guided else 1

    @property
    def masked_channels(self) -> int:
        return max(0, int(self.parts.config("unet")["in_channels"]) - self.channels)

    def sizes(self) -> dict[str, list[int]]:
        config = self.parts.config("unet")
        _, _, *area = self.latent_shape
        tokens = self.words.length("text_encoder") * self.shape.pieces
        return {
            "sample": [self.batch, int(config["in_channels"]), *area],
            "encoder_hidden_states": [self.batch, tokens, int(config["cross_attention_dim"])],
            "timestep_cond": [self.batch, int(config.get("time_cond_proj_dim") or 1)],
            "text_embeds": [self.batch, self._pooled(config)],
            "time_ids": [self.batch, 6],
        }

    def predict(
        self, sampler: Sampler, latents: Array, time: Array, told: Told, beside: Array | None
    ) -> Array:
        seen = sampler.look(latents, time)
        if beside is not None:
            seen = np.concatenate((seen, beside), axis=1)
        given: dict[str, Any] = {"sample": seen, "timestep": time, **told.inputs}
        guidance = float(given.pop("guidance")[0])
        if self.takes("timestep_cond"):
            wide = int(self.parts.config("unet")["time_cond_proj_dim"])
            given["timestep_cond"] = guidance_embedding(guidance - 1.0, wide)
        said = self._said(given)
        if not self.shape.guided:
            return said
        without, with_words = said[:1], said[1:]
        found = with_words - without
        found *= np.float32(guidance)
        found += without
        return found

    def _said(self, given: dict[str, Any]) -> Array:
        """What the network says, or above what is deep in it, if that is known from before."""
        number, self._step = self._step, self._step + 1
        if self._above is None:
            return first(self.network(given))
        if self._deep is not None and reuses(number):
            given[DEEP] = self._deep
            taken = {name: each for name, each in given.items() if name in self._above_takes}
            return first(self._above(taken))
        said, self._deep = self.network(given).values()
        found: Array = said
        return found

    def _pooled(self, config: dict[str, Any]) -> int:
        ids = 6 * int(config.get("addition_time_embed_dim") or 0)
        return int(config.get("projection_class_embeddings_input_dim") or ids + 1) - ids


class Flux(Family):
    """Latents in packs of 2×2, with the place of each."""

    part = "transformer"
    text = FluxText

    @property
    def least(self) -> int:
        return 2 * self.scale

    @property
    def places(self) -> int:
        return super().places // 4

    def sizes(self) -> dict[str, list[int]]:
        config = self.parts.config("transformer")
        tokens = self.words.length("text_encoder_2")
        return {
            "hidden_states": [1, self.places, 4 * self.channels],
            "encoder_hidden_states": [1, tokens, int(config["joint_attention_dim"])],
            "pooled_projections": [1, int(config["pooled_projection_dim"])],
            "img_ids": [self.places, 3],
            "txt_ids": [tokens, 3],
            "guidance": [1],
        }

    def predict(
        self, sampler: Sampler, latents: Array, time: Array, told: Told, beside: Array | None
    ) -> Array:
        del sampler, beside
        _, channels, height, width = self.latent_shape
        packs = latents.reshape(1, channels, height // 2, 2, width // 2, 2)
        packs = packs.transpose(0, 2, 4, 1, 3, 5).reshape(1, self.places, 4 * channels)
        given = {"hidden_states": packs, "timestep": time / 1000, **told.inputs}
        given["img_ids"] = self._ids()
        if not self.takes("guidance"):
            del given["guidance"]
        said = first(self.network(given))
        said = said.reshape(1, height // 2, width // 2, channels, 2, 2)
        return said.transpose(0, 3, 1, 4, 2, 5).reshape(self.latent_shape)

    def _ids(self) -> Array:
        _, _, height, width = self.latent_shape
        down, across = np.mgrid[: height // 2, : width // 2]
        ids = np.stack([np.zeros_like(down), down, across], axis=-1)
        return ids.reshape(-1, 3).astype(np.float32)


class Sana(Family):
    """Sana-Sprint: times are angles, latents a thirty-second of the picture's side."""

    part = "transformer"
    text = SanaText

    def sizes(self) -> dict[str, list[int]]:
        config = self.parts.config("transformer")
        longest = SanaText.LONGEST
        return {
            "hidden_states": list(self.latent_shape),
            "encoder_hidden_states": [1, longest, int(config["caption_channels"])],
            "encoder_attention_mask": [1, longest],
            "guidance": [1],
        }

    def predict(
        self, sampler: Sampler, latents: Array, time: Array, told: Told, beside: Array | None
    ) -> Array:
        del beside
        sine, cosine = math.sin(float(time)), math.cos(float(time))
        share = sine / (cosine + sine)  # of noise, as it is counted between 0 and 1
        norm = math.hypot(share, 1 - share)
        seen = sampler.look(latents, time) * norm
        given: dict[str, Any] = {"hidden_states": seen, **told.inputs}
        given["timestep"] = np.float32(share)
        if not self.takes("guidance"):
            del given["guidance"]
        said = first(self.network(given))
        return ((1 - 2 * share) * seen + (1 - 2 * share + 2 * share**2) * said) / norm


KINDS: dict[str, type[Family]] = {
    "stable-diffusion": UNet,
    "latent-consistency": UNet,
    "stable-diffusion-xl": UNet,
    "flux": Flux,
    "sana-sprint": Sana,
}


def scale_of(parts: Parts) -> int:
    """Pixels of a side that become one latent position."""
    config = parts.config("vae_decoder")
    for name in ("block_out_channels", "decoder_block_out_channels", "encoder_block_out_channels"):
        if config.get(name):
            return int(2 ** (len(config[name]) - 1))
    raise BrokenModel(parts.model.name, "vae_decoder/config.json does not say how far it enlarges")


def guidance_embedding(guidance: float, wide: int) -> Array:
    """(1, wide): a number as waves, the way latent consistency models are told their guidance."""
    half = wide // 2
    pace = np.exp(np.arange(half, dtype=np.float32) * -(math.log(10000.0) / max(1, half - 1)))
    turns = np.float32(1000.0 * guidance) * pace
    waves = np.concatenate([np.sin(turns), np.cos(turns), np.zeros(wide % 2, np.float32)])
    return waves[None].astype(np.float32)


def _names(network: Compiled) -> frozenset[str]:
    """Those of its inputs."""
    return frozenset(name for each in network.inputs for name in each.names)


def first(outputs: Any) -> Array:
    """The one output of a network."""
    found: Array = next(iter(outputs.values()))
    return found
