"""Owns the JSON of the A1111 API, as far as it means something here.

Programs send dozens of fields of which a model here needs ten; the others are passed over.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Whole = Annotated[int | None, Field(ge=-(2**53), le=2**53)]
Text = Annotated[str | None, Field(max_length=10_000)]
Name = Annotated[str | None, Field(max_length=200)]
Picture = Annotated[str, Field(description="Base64, also as a data URL.")]

CHECKPOINT = "sd_model_checkpoint"
_EXTRA_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>]{1,200}>", re.IGNORECASE)
_HASH = re.compile(r"\s*\[[0-9a-fA-F]{6,64}\]\s*$")


class Lenient(BaseModel):
    """What is unknown is passed over; numbers are numbers."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class PaintIn(Lenient):
    """A request for pictures."""

    prompt: Text = ""
    negative_prompt: Text = ""
    styles: Annotated[list[Any] | None, Field(max_length=100)] = None
    seed: Whole = -1
    sampler_name: Name = None
    sampler_index: Name = None
    batch_size: Whole = 1
    n_iter: Whole = 1
    steps: Whole = None
    cfg_scale: float | None = None
    width: Whole = None
    height: Whole = None
    denoising_strength: float | None = None
    override_settings: dict[str, Any] | None = None
    send_images: bool | None = True

    @property
    def words(self) -> tuple[str, tuple[str, ...]]:
        """The prompt without what names networks that are not here, and these."""
        prompt = self.prompt or ""
        found = tuple(_EXTRA_NETWORK.findall(prompt))
        return _EXTRA_NETWORK.sub("", prompt), found

    @property
    def count(self) -> int:
        """How many pictures: so many at once, so many times."""
        return max(1, self.batch_size or 1) * max(1, self.n_iter or 1)

    @property
    def sampler(self) -> str | None:
        return self.sampler_name or self.sampler_index

    @property
    def checkpoint(self) -> str | None:
        """The model that this request alone is for."""
        return checkpoint_in(self.override_settings)

    @property
    def style_names(self) -> tuple[str, ...]:
        return tuple(each for each in self.styles or () if isinstance(each, str) and each)


class TextToImageIn(PaintIn):
    """The same with nothing to start from."""

    enable_hr: bool | None = False
    hr_scale: float | None = None
    hr_upscaler: Name = None


class ImageToImageIn(PaintIn):
    """The same from a picture, and perhaps only where a mask is white."""

    init_images: list[Picture] | None = None
    mask: Picture | None = None
    mask_blur: float | None = None
    inpainting_mask_invert: Whole = 0


class EnlargeIn(Lenient):
    """A picture to enlarge: by a factor, or (mode 1) to a size."""

    image: Picture = ""
    resize_mode: Whole = 0
    upscaling_resize: float | None = 2
    upscaling_resize_w: Whole = None
    upscaling_resize_h: Whole = None
    upscaler_1: Name = None


class NamedPictureIn(Lenient):
    data: Picture
    name: Name = ""


class EnlargeAllIn(Lenient):
    """The same for several."""

    imageList: Annotated[list[NamedPictureIn], Field(max_length=16)] = []  # noqa: N815 - its name there
    resize_mode: Whole = 0
    upscaling_resize: float | None = 2
    upscaling_resize_w: Whole = None
    upscaling_resize_h: Whole = None
    upscaler_1: Name = None


class PngInfoIn(Lenient):
    image: Picture = ""


class PaintedOut(BaseModel):
    """The pictures, what was asked for, and (as JSON in a text) how they were made."""

    images: list[str]
    parameters: dict[str, Any]
    info: str


class EnlargedOut(BaseModel):
    html_info: str = ""
    image: str


class AllEnlargedOut(BaseModel):
    html_info: str = ""
    images: list[str]


class PngInfoOut(BaseModel):
    """What a file says of how its picture was made."""

    info: str
    items: dict[str, str]
    parameters: dict[str, Any]


class StateOut(BaseModel):
    """What is being worked on."""

    skipped: bool = False
    interrupted: bool = False
    stopping_generation: bool = False
    job: str = ""
    job_count: int = 0
    job_timestamp: str = "0"
    job_no: int = 0
    sampling_step: int = 0
    sampling_steps: int = 0


class A1111ProgressOut(BaseModel):
    """How far the caller's first request is; 0 with nothing to do, or while it waits in line."""

    progress: float
    eta_relative: float
    state: StateOut
    current_image: str | None = None
    textinfo: str | None = None


class A1111RefusedOut(BaseModel):
    """Every "no"."""

    error: str
    detail: str
    body: str
    errors: str


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": A1111RefusedOut}
    for status in (400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 504, 507)
}


def checkpoint_in(options: dict[str, Any] | None) -> str | None:
    """The model that these options name, without the hash that programs know it by."""
    named = (options or {}).get(CHECKPOINT)
    return _HASH.sub("", named) or None if isinstance(named, str) else None
