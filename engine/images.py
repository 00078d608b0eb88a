"""Picture files: reading a source picture safely, writing a PNG that says how it was made."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from engine.errors import BadSource
from engine.request import Paint

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
FORMS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""The forms a source may have; decoders beyond these are never started."""


def decode_source(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """The picture in `data`, upright and RGB, transparency laid on white.

    Bytes and pixels are checked before anything is decoded. Raises `BadSource`. Blocking: a
    40-megapixel file takes about a second.
    """
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
                if opened.width * opened.height > max_pixels:
                    raise BadSource("pixels", allowed, f"{opened.width}×{opened.height}")
                upright = ImageOps.exif_transpose(opened)
                if upright.has_transparency_data:
                    rgba = upright.convert("RGBA")
                    white = Image.new("RGBA", rgba.size, "white")
                    return Image.alpha_composite(white, rgba).convert("RGB")
                return upright.convert("RGB")
    except UnidentifiedImageError:
        raise BadSource("form", allowed) from None
    except Image.DecompressionBombError:
        raise BadSource("pixels", allowed) from None
    except (OSError, ValueError, SyntaxError):
        raise BadSource("damaged", allowed) from None


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """`image` scaled to cover width × height pixels, what sticks out cut off evenly."""
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def parameters(paint: Paint) -> str:
    """How a picture was made, in the text form that A1111-style tools read."""
    lines = [paint.prompt]
    if paint.negative:
        lines.append(f"Negative prompt: {paint.negative}")
    facts = {
        "Steps": paint.steps,
        "CFG scale": f"{paint.guidance:g}",
        "Seed": paint.seed,
        "Size": f"{paint.width}x{paint.height}",
        "Model": paint.model,
    }
    if paint.source is not None:
        facts["Denoising strength"] = f"{paint.strength:g}"
    lines.append(", ".join(f"{name}: {value}" for name, value in facts.items()))
    return "\n".join(lines)


def encode_png(image: Image.Image, paint: Paint) -> bytes:
    """`image` as a PNG file with its parameters as text; about 10 ms for 512×512 pixels."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("parameters", parameters(paint))
    info.add_text("Software", "Atelier")
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info, compress_level=6)
    return out.getvalue()
