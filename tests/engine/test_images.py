"""Reading what people upload, and writing what they get."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from engine.errors import BadSource
from engine.images import decode_source, encode_png, fit
from engine.request import Paint

PAINT = Paint(
    prompt="a fox, “quoted”",
    negative="rain",
    model="starter",
    width=64,
    height=32,
    steps=8,
    guidance=3.0,
    seed=7,
)


def _bytes(image: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def test_a_written_picture_says_how_it_was_made() -> None:
    """The PNG carries its parameters as text, in the form other tools read."""
    data = encode_png(Image.new("RGB", (64, 32), "red"), PAINT)
    with Image.open(io.BytesIO(data)) as image:
        text = str(image.info["parameters"])
    first, negative, facts = text.split("\n")
    assert first == PAINT.prompt
    assert negative == "Negative prompt: rain"
    assert "Seed: 7" in facts
    assert "Size: 64x32" in facts


def test_a_strength_is_noted_only_with_a_source() -> None:
    """Pictures from text have no denoising strength to speak of."""
    image = Image.new("RGB", (8, 8))
    assert b"Denoising" not in encode_png(image, PAINT)
    assert b"Denoising" in encode_png(image, replace(PAINT, source="picture:x"))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\nrubbish", b"GIF89a"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Rubbish gets a reason, never a traceback."""
    with pytest.raises(BadSource):
        decode_source(data)


def test_truncated_files_are_refused() -> None:
    """Half an upload is not painted from."""
    data = _bytes(Image.effect_noise((200, 200), 50).convert("RGB"))
    with pytest.raises(BadSource):
        decode_source(data[: len(data) // 2])


def test_bytes_and_pixels_are_limited_before_decoding() -> None:
    """A small file of huge size (a decompression bomb) is refused by its header alone."""
    for side in (8_000, 30_000):
        bomb = _bytes(Image.new("1", (side, side)))
        assert len(bomb) < 300_000
        with pytest.raises(BadSource, match="pixels"):
            decode_source(bomb)
    with pytest.raises(BadSource, match="bytes"):
        decode_source(bytes(100), max_bytes=50)


def test_transparency_is_laid_on_white() -> None:
    """A transparent sticker does not become a black box."""
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert decode_source(_bytes(image)).getpixel((0, 0)) == (255, 255, 255)


def test_fit_covers_the_target_without_stretching() -> None:
    """What sticks out is cut off evenly on both sides."""
    image = Image.new("RGB", (300, 100), "blue")
    image.paste("red", (100, 0, 200, 100))
    fitted = fit(image, 100, 100)
    assert fitted.size == (100, 100)
    assert fitted.getpixel((50, 50)) == (255, 0, 0)
