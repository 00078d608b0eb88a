"""What picture files say of how they were made, as we write it and as others read it."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sd_parsers import ParserManager
from sd_parsers.data import Generators

from engine.images import Form, encode, encode_png
from engine.metadata import EXIF_IFD, ORIENTATION, USER_COMMENT, Metadata, parameters, parse, read
from engine.request import Ask, Paint, Upscale

PAINT = Paint(
    prompt="a fox, “quoted”: sly — and 狐",
    negative="rain, clouds",
    model="starter",
    width=64,
    height=32,
    steps=8,
    guidance=3.5,
    seed=4294967295,
)
ASK = Ask(
    prompt=PAINT.prompt,
    negative="rain, clouds",
    model="starter",
    width=64,
    height=32,
    steps=8,
    guidance=3.5,
    seed=4294967295,
)
ENLARGED = replace(PAINT, upscale=Upscale(scale=4, network="crisp", creative=0.25))
IMAGE = Image.new("RGB", (64, 32), "red")
FOREIGN = """a castle on a hill,
by the sea
Negative prompt: people
Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 99, Size: 512x768, Model hash: 6ce0161689,
"""


@pytest.mark.parametrize("form", list(Form))
def test_a_third_party_parser_reads_what_we_write(form: Form) -> None:
    """The prompt, the negative prompt, seed, steps and model, in all three forms of file."""
    data = encode(IMAGE, form, metadata=Metadata.of(ENLARGED))
    found = ParserManager().parse(io.BytesIO(data))
    assert found is not None
    assert found.generator is Generators.AUTOMATIC1111
    (sampler,) = found.samplers
    assert [each.value for each in sampler.prompts] == [PAINT.prompt]
    assert [each.value for each in sampler.negative_prompts] == ["rain, clouds"]
    assert sampler.parameters["seed"] == str(PAINT.seed)
    assert sampler.parameters["steps"] == "8"
    assert sampler.model is not None
    assert sampler.model.name == "starter"
    assert found.metadata["Size"] == "64x32"
    assert found.metadata["Hires upscale"] == "4"


@pytest.mark.parametrize("form", list(Form))
def test_a_picture_of_ours_becomes_its_request_again(form: Form) -> None:
    """Nothing that can be asked for is lost on the way through a file."""
    assert read(encode(IMAGE, form, metadata=Metadata.of(PAINT))) == ASK
    again = read(encode(IMAGE, form, metadata=Metadata.of(ENLARGED)))
    assert again == replace(ASK, upscale=4, upscaler="crisp", creative=0.25)
    from_source = replace(PAINT, source="picture:secret", strength=0.4)
    data = encode(IMAGE, form, metadata=Metadata.of(from_source))
    assert read(data) == replace(ASK, strength=0.4)
    assert b"secret" not in data


@settings(max_examples=200, deadline=None)
@given(
    prompt=st.text(min_size=1).map(lambda t: " ".join(t.split())).filter(bool),
    negative=st.text().map(lambda t: " ".join(t.split())),
    model=st.text(alphabet='ab:,"\\ é', min_size=1).map(str.strip).filter(bool),
    seed=st.integers(0, 2**32 - 1),
)
def test_whatever_the_words_are(prompt: str, negative: str, model: str, seed: int) -> None:
    """Commas, colons, quotation marks and other tools' key words in a prompt change nothing."""
    paint = replace(PAINT, prompt=prompt, negative=negative, model=model, seed=seed)
    found = parse(parameters(paint))
    assert found is not None
    assert found.prompt == prompt
    assert (found.negative or "") == negative
    assert (found.model, found.seed) == (model, seed)


def test_key_words_inside_a_prompt_are_words() -> None:
    """Who writes "Steps: 3, Seed: 4" into a prompt gets neither."""
    paint = replace(PAINT, prompt="Steps: 3, Seed: 4, Negative prompt: fog", negative="")
    found = parse(parameters(paint))
    assert found is not None
    assert (found.prompt, found.negative) == (paint.prompt, None)
    assert (found.steps, found.seed) == (8, PAINT.seed)


def test_other_tools_pictures_give_what_means_the_same_here() -> None:
    """Words, seed and shape are taken over; another model's steps and sizes are not."""
    metadata = Metadata(parameters=FOREIGN)
    for form in Form:
        assert read(encode(IMAGE, form, metadata=metadata)) == Ask(
            prompt="a castle on a hill, by the sea", negative="people", seed=99, aspect="512:768"
        )
    assert parse(FOREIGN.replace("99", "99999999999")) == Ask(
        prompt="a castle on a hill, by the sea", negative="people", aspect="512:768"
    )


def test_a_comment_in_either_order_of_bytes_is_read() -> None:
    """The EXIF standard leaves it open, and writers differ."""
    for order in ("utf-16-be", "utf-16-le"):
        exif = Image.Exif()
        exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + FOREIGN.encode(order)
        out = io.BytesIO()
        IMAGE.save(out, "JPEG", exif=exif.tobytes())
        found = read(out.getvalue())
        assert found is not None
        assert found.seed == 99


def test_pictures_that_say_nothing_give_nothing() -> None:
    """Plain files, other comments, rubbish and half a file: None, and no exception."""
    png = encode_png(IMAGE, PAINT)
    comment = encode(IMAGE, Form.JPEG, metadata=Metadata(parameters="holiday 2019"))
    bare = [encode_png(IMAGE, None), *(encode(IMAGE, form) for form in Form)]
    for data in (
        b"",
        b"hello",
        png[:60],
        png[:8] + png[40:],
        comment,
        *bare,
        encode_png(IMAGE, None),
    ):
        assert read(data) is None
    source = random.Random(5)
    for _ in range(300):
        damaged = bytearray(png)
        for _ in range(3):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        read(bytes(damaged))
    assert parse("") is None
    assert parse("a" * 200_000) is None
    assert parse(":" * 200_000 + "\n" + "a " * 90_000) is None


def test_half_a_character_is_no_text() -> None:
    """An escaped one, as only a forger writes it, can be told on as anything else."""
    found = parse('a fox\nSteps: 8, Seed: 7, Model: "\\ud800", Version: Atelier')
    assert found is not None
    assert found.model == "?"


def test_what_was_only_enlarged_names_no_prompt() -> None:
    """An upload that was enlarged says so, and is no request of ours."""
    paint = replace(
        PAINT, prompt="", model="crisp", upscale=Upscale(scale=2, network="crisp", of="upload:x")
    )
    data = encode_png(IMAGE, paint)
    assert read(data) is None
    with Image.open(io.BytesIO(data)) as image:
        assert "Postprocess upscale by: 2" in str(image.info["postprocessing"])


def test_the_press_is_told_that_a_machine_made_it() -> None:
    """XMP carries the standard's word for it, and the prompt as description."""
    for form in (Form.JPEG, Form.WEBP):
        data = encode(IMAGE, form, metadata=Metadata.of(replace(PAINT, prompt="cats & <dogs>")))
        with Image.open(io.BytesIO(data)) as image:
            xmp = bytes(image.info["xmp"]).decode()
        assert "trainedAlgorithmicMedia" in xmp
        assert "cats &amp; &lt;dogs&gt;" in xmp


def test_metadata_travels_from_form_to_form() -> None:
    """What one file says, the next one says: parameters, colour profile, EXIF of a camera."""
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif[ORIENTATION] = 6
    exif.get_ifd(EXIF_IFD)[0x829A] = 0.5  # exposure time
    out = io.BytesIO()
    IMAGE.save(out, "JPEG", exif=exif.tobytes(), icc_profile=b"a profile")
    data = out.getvalue()
    with Image.open(io.BytesIO(data)) as image:
        carried = replace(Metadata.read(image), parameters=parameters(PAINT))
    for form in (Form.PNG, Form.WEBP, Form.JPEG, Form.PNG):
        data = encode(IMAGE, form, metadata=carried)
        with Image.open(io.BytesIO(data)) as image:
            carried = Metadata.read(image)
            found = image.getexif()
            assert found[0x010F] == "A camera"
            assert found.get_ifd(EXIF_IFD)[0x829A] == 0.5
            assert ORIENTATION not in found, "the picture was turned when it was read"
            assert image.info["icc_profile"] == b"a profile"
        assert read(data) == ASK


def test_texts_of_a_png_stay_in_a_png() -> None:
    """Other tools' texts (a workflow, say) survive enlarging."""
    png = encode(IMAGE, Form.PNG, metadata=Metadata(texts=(("workflow", '{"nodes": []}'),)))
    with Image.open(io.BytesIO(png)) as image:
        again = encode(IMAGE, Form.PNG, metadata=Metadata.read(image))
    with Image.open(io.BytesIO(again)) as image:
        assert image.info["workflow"] == '{"nodes": []}'


def test_what_does_not_fit_into_a_form_is_left_out() -> None:
    """A JPEG's head is short; a workflow of a hundred kilobytes must not spoil the picture."""
    long = Metadata(parameters=FOREIGN + "x" * 90_000, xmp=b"<x/>" * 30_000)
    for form in Form:
        with Image.open(io.BytesIO(encode(IMAGE, form, metadata=long))) as image:
            assert image.size == IMAGE.size


def test_reading_leaves_the_picture_as_it_is() -> None:
    """Its turn is still there for whoever turns it upright."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    out = io.BytesIO()
    IMAGE.save(out, "JPEG", exif=exif.tobytes())
    with Image.open(io.BytesIO(out.getvalue())) as image:
        assert Metadata.read(image).exif == b""
        assert image.getexif()[ORIENTATION] == 6
