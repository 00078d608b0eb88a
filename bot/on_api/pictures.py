"""Owns pictures on their way in and out of requests: base64, masks, forms, addresses."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter

from engine.errors import InvalidRequest
from engine.images import MAX_BYTES, Form, decode_source, encode, open_picture

if TYPE_CHECKING:
    from bot.desk.answers import JobView
    from bot.on_api.calling import Call
    from storage.pictures import PictureRow

BASE64 = "base64"
MOST_BLUR = 64


def from_base64(field: str, text: str) -> bytes:
    """The bytes of a picture in base64, perhaps as a data URL. Raises `InvalidRequest`."""
    head, comma, rest = text.partition(",")
    if comma and head.lstrip().startswith("data:"):
        text = rest
    elif text.startswith(("http://", "https://", "file:")):
        raise InvalidRequest(field, text[:60], BASE64)  # nothing is fetched for anybody
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(field, text[:60], BASE64) from None


def to_base64(data: bytes) -> str:
    """The same the other way round."""
    return base64.b64encode(data).decode("ascii")


def has_holes(data: bytes) -> bool:
    """Whether parts of the picture are transparent. Raises `BadSource`. Blocks: for a thread."""
    image = decode_source(data, alpha=True)
    return image.mode == "RGBA" and _least(image.getchannel("A")) < 255


def mask_of_holes(data: bytes) -> bytes:
    """A mask as OpenAI has them, as one of ours: what is transparent there is white here.

    One without any transparency is taken as it is: white ones are painted anew.
    """
    image = decode_source(data, alpha=True)
    if image.mode != "RGBA":
        return _png(image.convert("L"))
    return _png(ImageChops.invert(image.getchannel("A")))


def mask_of_whites(data: bytes, *, inverted: bool = False, blur: float = 0) -> bytes:
    """A mask as A1111 has them: white ones are painted anew; the black ones if `inverted`."""
    image = decode_source(data).convert("L")
    if inverted:
        image = ImageChops.invert(image)
    if blur > 0:
        image = image.filter(ImageFilter.GaussianBlur(min(blur, MOST_BLUR)))
    return _png(image)


def small_png(preview: bytes) -> bytes:
    """A preview as PNG, which is all that some programs read."""
    with Image.open(io.BytesIO(preview)) as image:
        return _png(image.convert("RGB"))


async def read_all(call: Call, view: JobView) -> list[tuple[PictureRow, bytes]]:
    """The files of a job, in order."""
    found = []
    for row in sorted(view.pictures, key=lambda row: row.index):
        _, path = await call.studio.picture(call.asker, row.id)
        found.append((row, await asyncio.to_thread(path.read_bytes)))
    return found


def in_form(png: bytes, form: Form, quality: int) -> bytes:
    """One of our files in another form, with what it says of itself. Blocks: for a thread."""
    if form is Form.PNG:
        return png
    image, metadata = open_picture(png, max_bytes=20 * MAX_BYTES, max_pixels=8192**2)
    return encode(image, form, quality=max(1, min(quality, 100)), metadata=metadata)


def address_of(call: Call, picture_id: str) -> str | None:
    """Where a picture can be fetched without a key; None where no such addresses are made."""
    links = call.web.links
    if links is None:
        return None
    public = links.to(picture_id)
    if public is not None:
        return public
    return f"{str(call.request.base_url).rstrip('/')}{links.path(picture_id)}"


def _least(channel: Image.Image) -> int:
    low = channel.getextrema()[0]
    assert isinstance(low, int)  # a channel of eight bits
    return low


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
