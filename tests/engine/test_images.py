"""Reading what people upload, and writing what they get."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import BadSource
from engine.images import Form, decode_source, encode, encode_png, fit, open_picture, size_of
from engine.metadata import ORIENTATION
from engine.request import Paint

CONTACT = Path(engine.__path__[0], "starter", "pictures.png")
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


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (65, 33), (320, 192), (513, 511)])
def test_a_written_picture_has_every_pixel(size: tuple[int, int]) -> None:
    """Smooth or wild, small ones by our own filter, larger ones and others by Pillow's."""
    rng = np.random.default_rng(3)
    wild = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8))
    smooth = Image.radial_gradient("L").resize(size).convert("RGB")
    for image in (wild, smooth, wild.convert("L"), smooth.convert("RGBA")):
        for paint in (PAINT, None):
            data = encode_png(image, paint)
            with Image.open(io.BytesIO(data)) as found:
                assert found.mode == image.mode
                assert np.array_equal(np.asarray(found), np.asarray(image))
                assert ("parameters" in found.info) == (paint is not None)


def test_a_small_picture_s_file_is_as_small_as_pillow_makes_it() -> None:
    """Among those that are coded without a search for repetitions."""
    with Image.open(CONTACT) as sheet:
        image = sheet.convert("RGB").crop((0, 0, 320, 320))
    theirs = io.BytesIO()
    image.save(theirs, "PNG", compress_type=zlib.Z_HUFFMAN_ONLY)
    assert len(encode_png(image, None)) < 1.05 * len(theirs.getvalue())


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


def test_a_file_that_lies_about_its_own_fields_is_refused() -> None:
    """Where its pixels lie is no fraction: decoders stumble over that in ways of their own."""
    data = _bytes(Image.new("RGB", (8, 8)), "TIFF")
    offsets, lying = struct.pack("<HH", 273, 4), struct.pack("<HH", 273, 11)
    assert data.count(offsets) == 1
    with pytest.raises(BadSource, match="damaged"):
        decode_source(data.replace(offsets, lying))


def test_bytes_and_pixels_are_limited_before_decoding() -> None:
    """A small file of huge size (a decompression bomb) is refused by its header alone."""
    for side in (8_000, 30_000):
        bomb = _bytes(Image.new("1", (side, side)))
        assert len(bomb) < 300_000
        with pytest.raises(BadSource, match="pixels"):
            decode_source(bomb)
    with pytest.raises(BadSource, match="bytes"):
        decode_source(bytes(100), max_bytes=50)


def test_a_stripe_of_pixels_is_refused_by_its_header() -> None:
    """Each of its millions of rows would cost time of its own."""
    stripe = _bytes(Image.new("1", (1, 40_000)))
    for look in (decode_source, size_of):
        with pytest.raises(BadSource, match="pixels"):
            look(stripe)


def test_the_size_of_a_picture_is_known_without_decoding_it() -> None:
    """As it stands upright; a file whose pixels are missing still has one."""
    turned = Image.Exif()
    turned[0x0112] = 6
    for form in ("PNG", "JPEG", "WEBP", "TIFF"):
        out = io.BytesIO()
        Image.new("RGB", (30, 10)).save(out, form, exif=turned.tobytes())
        assert size_of(out.getvalue()) == decode_source(out.getvalue()).size == (10, 30)
    noise = _bytes(Image.effect_noise((200, 100), 50))
    assert size_of(noise[: len(noise) // 2]) == (200, 100)


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [(0x011A, 1, 8), (0xA005, 1, 8), (0x0131, 5, 8), (0x011A, 6, 0xFFFFFFFF)],
)
def test_a_camera_that_wrote_nonsense_took_a_picture(tag: int, kind: int, value: int) -> None:
    """Fields of wrong types, which cannot be written again, keep no picture from being turned."""
    turned = struct.pack(">HHI4s", 0x0112, 3, 1, b"\0\6\0\0")
    wrong = struct.pack(">HHII", tag, kind, 1, value)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + turned + wrong + bytes(4)
    out = io.BytesIO()
    Image.new("RGB", (4, 2)).save(out, "JPEG", exif=exif)
    assert decode_source(out.getvalue()).size == (2, 4)
    image, metadata = open_picture(out.getvalue())
    for form in Form:
        with Image.open(io.BytesIO(encode(image, form, metadata=metadata))) as written:
            assert written.size == (2, 4)
            assert ORIENTATION not in written.getexif()


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


@pytest.mark.parametrize("form", list(Form))
def test_pictures_are_written_in_every_form(form: Form) -> None:
    """The right kind of file, grey or in colours; transparency where the form knows it."""
    for mode in ("L", "RGB", "RGBA", "LA"):
        data = encode(Image.new(mode, (40, 30), 128), form, quality=95)
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == (form.name, (40, 30))
            assert image.has_transparency_data == ("A" in mode and form is not Form.JPEG)
    glass = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    with Image.open(io.BytesIO(encode(glass, Form.JPEG))) as image:
        assert image.convert("L").getextrema() == (255, 255), "transparent is white, not black"


def test_quality_decides_the_size_and_at_its_best_nothing_is_lost() -> None:
    """WebP at 100 is lossless; below, smaller."""
    image = Image.effect_noise((64, 64), 60).convert("RGB")
    best, good, poor = (encode(image, Form.WEBP, quality=q) for q in (100, 90, 20))
    assert len(best) > len(good) > len(poor)
    with Image.open(io.BytesIO(best)) as opened:
        assert opened.convert("RGB").tobytes() == image.tobytes()


def test_an_opened_picture_stays_what_it_is() -> None:
    """Grey stays grey, transparent transparent; a camera's turn is done, 16 bits become 8."""
    for mode in ("L", "RGB", "RGBA"):
        image, _ = open_picture(_bytes(Image.new(mode, (9, 7))))
        assert (image.mode, image.size) == (mode, (9, 7))
    turned = Image.Exif()
    turned[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (30, 10)).save(out, "JPEG", exif=turned.tobytes())
    assert open_picture(out.getvalue())[0].size == (10, 30)
    deep = Image.fromarray(np.full((8, 8), 128 * 256, np.uint16))
    image, _ = open_picture(_bytes(deep))
    assert (image.mode, image.getpixel((3, 3))) == ("L", 128)
    with pytest.raises(BadSource, match="pixels"):
        open_picture(_bytes(Image.new("L", (100, 100))), max_pixels=9999)
    with pytest.raises(BadSource):
        open_picture(b"rubbish")
