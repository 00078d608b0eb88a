"""Picture files: reading a source picture safely, writing one that says how it was made."""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine import png
from engine.errors import BadSource, NothingMasked
from engine.metadata import ORIENTATION, Metadata
from engine.request import Paint

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 32_768
"""Every row costs time of its own: one pixel by 40 million takes ten seconds."""
SMALL = 512 * 512
"""Pixels up to which a picture's PNG file is written in the quickest way."""
FORMS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""The forms a source may have; decoders beyond these are never started."""


class Form(Enum):
    """The forms a picture is written in; the value is the file's ending."""

    PNG = "png"
    WEBP = "webp"
    JPEG = "jpeg"


QUALITY = 90
HARDLY = 200
"""A mask that keeps everything at least this much (of 255) marks nothing."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What EXIF says of how a picture is to be turned. Pillow's own way also writes the EXIF anew, and
fails where a camera wrote nonsense."""
LYING = (5, 6, 7, 8)
"""Those by a quarter."""


def decode_source(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    alpha: bool = False,
) -> Image.Image:
    """The picture in `data`, upright and RGB, transparency laid on white (or RGBA, with `alpha`).

    Bytes and pixels are checked before anything is decoded. Raises `BadSource`. Blocking: a
    40-megapixel file takes about a second.
    """
    with _opened(data, max_bytes, max_pixels) as opened:
        upright = _upright(opened)
        if upright.has_transparency_data:
            return upright.convert("RGBA") if alpha else _on_white(upright)
        return upright.convert("RGB")


def masked(
    source: bytes,
    mask: bytes | None,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """The source as RGBA: what is transparent is painted anew, what is opaque is kept.

    White in `mask` is painted anew, black is kept; without one the source's own transparency says
    it. Raises `BadSource`, `NothingMasked`.
    """
    picture = decode_source(source, max_bytes=max_bytes, max_pixels=max_pixels, alpha=True)
    if mask is not None:
        marked = decode_source(mask, max_bytes=max_bytes, max_pixels=max_pixels).convert("L")
        if marked.size != picture.size:
            marked = marked.resize(picture.size, Image.Resampling.BILINEAR)
        kept = marked.point(lambda level: 255 - level)
        picture = (_on_white(picture) if picture.mode == "RGBA" else picture).convert("RGBA")
        picture.putalpha(kept)
    if picture.mode != "RGBA" or np.asarray(picture.getchannel("A")).min() > HARDLY:
        raise NothingMasked
    return picture


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of the upright picture in `data`; nothing is decoded. Raises `BadSource`."""
    with _opened(data, MAX_BYTES, MAX_PIXELS) as opened:
        width, height = opened.size
        return (height, width) if _lies(opened) else (width, height)


def open_picture(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> tuple[Image.Image, Metadata]:
    """The picture in `data`, upright, grey or transparent if it was, and what its file says of it.

    Raises `BadSource`, as `decode_source` does.
    """
    with _opened(data, max_bytes, max_pixels) as opened:
        return _upright(opened).copy(), Metadata.read(opened)


@contextmanager
def _opened(data: bytes, max_bytes: int, max_pixels: int) -> Iterator[Image.Image]:
    """The file, opened and within the limits, not decoded; whatever is wrong is a `BadSource`."""
    allowed = (
        f"{', '.join(FORMS)}; {max_bytes // 1_000_000} MB; {max_pixels // 1_000_000} megapixels"
    )
    if not data:
        raise BadSource("empty", allowed)
    if len(data) > max_bytes:
        raise BadSource("bytes", allowed, f"{len(data) / 1e6:.1f} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken EXIF and the like are not the asker's concern
            with Image.open(io.BytesIO(data), formats=FORMS) as opened:
                if opened.width * opened.height > max_pixels or max(opened.size) > MAX_SIDE:
                    raise BadSource("pixels", allowed, f"{opened.width}×{opened.height}")
                yield opened
    except UnidentifiedImageError:
        raise BadSource("form", allowed) from None
    except Image.DecompressionBombError:
        raise BadSource("pixels", allowed) from None
    except (BadSource, MemoryError):
        raise
    except Exception:  # a damaged file fails in many ways, in its pixels or in its EXIF
        raise BadSource("damaged", allowed) from None


def _upright(opened: Image.Image) -> Image.Image:
    """The decoded picture, turned as its camera was; 16 bits of grey become 8."""
    if opened.mode.startswith("I"):
        levels = np.asarray(opened).clip(0, 65535) // 256
        return Image.fromarray(levels.astype(np.uint8))
    opened.load()
    turn = TURNS.get(opened.getexif().get(ORIENTATION, 1))
    return opened if turn is None else opened.transpose(turn)


def _lies(opened: Image.Image) -> bool:
    """Whether its camera was held sideways. That of a TIFF is in its size already."""
    if opened.format == "TIFF":
        return False
    exif = Image.Image.getexif(opened)  # a PNG's own would decode it all, to look behind it
    return exif.get(ORIENTATION) in LYING


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """`image` scaled to cover width × height pixels, what sticks out cut off evenly."""
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def encode_png(image: Image.Image, paint: Paint | None) -> bytes:
    """`image` as a PNG file that says how it was made, if it may (`paint`); some 10 ms at 512×512.

    Run lengths alone take a fifth of the usual search's time, and painted pictures become as small:
    after PNG's filters there is hardly a longer repetition to find. Small ones do without those,
    too (`png.quick`), and large ones not: enlarged pictures have long runs.
    """
    options = (Metadata() if paint is None else Metadata.of(paint)).options("PNG")
    if image.mode == "RGB" and not image.info and image.width * image.height <= SMALL:
        return png.quick(image, options["pnginfo"])
    out = io.BytesIO()
    image.save(out, "PNG", compress_type=zlib.Z_RLE, **options)
    return out.getvalue()


def encode(
    image: Image.Image,
    form: Form,
    *,
    quality: int = QUALITY,
    metadata: Metadata | None = None,
) -> bytes:
    """`image` as a file of that form. JPEG and WebP lose by `quality` (1–100; WebP at 100 nothing).

    JPEG knows no transparency: it is laid on white. Blocking: a second for a few megapixels.
    """
    options = (metadata or Metadata()).options(form.name)
    out = io.BytesIO()
    if form is Form.PNG:
        image.save(out, "PNG", compress_level=6, **options)
    elif form is Form.WEBP:
        image.save(out, "WEBP", quality=quality, lossless=quality == 100, method=4, **options)
    else:
        flat = _on_white(image) if image.has_transparency_data else image
        flat = flat if flat.mode in ("L", "RGB") else flat.convert("RGB")
        subsampling = "4:4:4" if quality >= 90 else "4:2:0"
        image_options = {"quality": quality, "subsampling": subsampling, "optimize": True}
        flat.save(out, "JPEG", **image_options, **options)
    return out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")  # a copy may be 268 MB
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")
