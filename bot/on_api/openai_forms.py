"""Owns the JSON and the forms of OpenAI's images API, as far as they mean something here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.errors import InvalidRequest
from engine.images import Form

_SIZE = re.compile(r"\s*([0-9]{1,6})\s*[x×]\s*([0-9]{1,6})\s*")


def _open(value: object) -> object:
    """An empty field of a form is one that was left open."""
    return None if value == "" else value


Open = BeforeValidator(_open)
Whole = Annotated[Annotated[int, Field(ge=-(2**53), le=2**53)] | None, Open]
Number = Annotated[float | None, Open]
Words = Annotated[str | None, Field(max_length=10_000)]
Name = Annotated[Annotated[str, Field(max_length=200)] | None, Open]


class WishIn(BaseModel):
    """A request for pictures; what is new or unknown in it is passed over.

    `seed`, `steps`, `guidance`, `negative_prompt`, `strength`, `scheduler` and `upscale` are ours.
    A `style` may be one of ours, too.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    prompt: str = Field(max_length=10_000, examples=["a lighthouse on the sea at sunset"])
    model: Name = None
    n: Whole = None
    size: Name = Field(default=None, examples=["1024x1024"])
    quality: Name = None
    background: Name = None
    style: Name = None
    response_format: Annotated[Literal["url", "b64_json"] | None, Open] = None
    output_format: Annotated[Literal["png", "jpeg", "webp"] | None, Open] = None
    output_compression: Whole = None
    stream: Annotated[bool | None, Open] = None
    partial_images: Whole = None
    user: Words = None
    seed: Whole = None
    steps: Whole = None
    guidance: Number = None
    negative_prompt: Words = None
    strength: Number = None
    scheduler: Name = None
    upscale: Whole = None

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Width and height, if there are any. Raises `InvalidRequest`."""
        if self.size is None or self.size.strip().lower() == "auto":
            return None
        match = _SIZE.fullmatch(self.size)
        if match is None or not int(match[1]) or not int(match[2]):
            raise InvalidRequest("size", self.size[:60], "1024x1024, auto")
        return int(match[1]), int(match[2])

    @property
    def form(self) -> Form:
        """How the files are to be written."""
        return Form(self.output_format or Form.PNG.value)

    @property
    def quality_of_form(self) -> int:
        """0 to 100, as JPEG and WebP have it."""
        return 90 if self.output_compression is None else max(1, min(self.output_compression, 100))


class VariationIn(WishIn):
    """A request for variations: the words are those in the file, if none come with it."""

    prompt: str = Field(default="", max_length=10_000)


class ImageOut(BaseModel):
    """One picture: its bytes, where they can be fetched, or both.

    One that is `veiled` may be harmful, and should be shown to those only who want to see it.
    """

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    veiled: bool = False


class ImagesOut(BaseModel):
    """What was painted. What was changed of the request stands in X-Atelier-Adjusted."""

    created: int
    data: list[ImageOut]
    size: str
    output_format: str
    background: str = "opaque"


class ServedModelOut(BaseModel):
    """A model on offer."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ServedModelsOut(BaseModel):
    """All of them, the default one first."""

    object: Literal["list"] = "list"
    data: list[ServedModelOut]


class OpenAIErrorOut(BaseModel):
    """Why not: `message` for people, `code` for programs, `param` the field it is about."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIRefusedOut(BaseModel):
    """Every "no"."""

    error: OpenAIErrorOut


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": OpenAIRefusedOut}
    for status in (400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 504, 507)
}


def form_body(model: type[WishIn], *, masked: bool) -> dict[str, Any]:
    """The description of a multipart body: the fields of `model` and its pictures."""
    schema = model.model_json_schema()
    file = {"type": "string", "format": "binary"}
    schema["properties"] |= {"image": file} | ({"mask": file} if masked else {})
    schema["required"] = [*schema.get("required", ()), "image"]
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }
