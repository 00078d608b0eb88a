"""What goes to which place: the file as it is, or the best that fits there, found quickly."""

from __future__ import annotations

import io
import random
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bot.desk.fitting import JPEG, QUALITIES, WEBP, Fitted, fit, fit_image
from bot.desk.links import Links
from bot.desk.parcel import MIB, TELEGRAM_FILE, TELEGRAM_PHOTO, Parcels, Room, discord_room
from engine.images import encode_png
from engine.metadata import read
from engine.request import Paint
from storage.database import Database
from storage.errors import NotFound
from storage.pictures import PictureRow, Pictures
from tests.storage.house import Clock, House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    db = await Database.open(tmp_path)
    try:
        yield House(db, Clock())
    finally:
        await db.close()


def scene(width: int, height: int, *, grain: int = 0) -> Image.Image:
    """Hills, a sun and some grain: something between a flat picture and noise."""
    drawn = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    pen = ImageDraw.Draw(drawn)
    rng = random.Random(3)
    for _ in range(60):
        x, y, size = rng.randrange(width), rng.randrange(height), rng.randrange(8, width // 6)
        fill = tuple(rng.randrange(256) for _ in range(3))
        pen.ellipse((x, y, x + size, y + size), fill=fill)
    if grain:
        noise = Image.effect_noise((width, height), grain).convert("RGB")
        drawn = Image.blend(drawn, noise, 0.3)
    return drawn


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def opened(fitted: Fitted) -> Image.Image:
    with Image.open(io.BytesIO(fitted.data)) as image:
        image.load()
        assert (image.format or "").lower() == fitted.form
        assert image.size == (fitted.width, fitted.height)
        return image


def test_what_fits_stays_as_it_is() -> None:
    """The very bytes, parameters and all."""
    data = png(scene(64, 32))
    fitted = fit(data, len(data))
    assert fitted.data is data
    assert (fitted.form, fitted.quality, fitted.tries) == ("png", None, 0)


def test_how_it_was_made_travels_along() -> None:
    """A file of another form tells the same words, steps and seed as the one that was painted."""
    paint = Paint(
        prompt="a fox, in snow",
        model="squares",
        width=640,
        height=480,
        steps=4,
        guidance=2.0,
        seed=7,
    )
    data = encode_png(scene(640, 480, grain=60), paint)
    for forms in ((WEBP,), (JPEG,)):
        fitted = fit(data, len(data) // 4, forms=forms)
        asked = read(fitted.data)
        assert fitted.form in forms
        assert asked is not None
        assert (asked.prompt, asked.seed, asked.steps) == ("a fox, in snow", 7, 4)


def test_without_loss_if_that_is_enough() -> None:
    """A little too large becomes another form of the same pixels."""
    image = scene(512, 384)
    data = png(image)
    fitted = fit(data, len(data) - 1)
    assert fitted.form == WEBP
    assert fitted.quality is None
    assert opened(fitted).convert("RGB").tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("size", "share"),
    [((900, 600), 0.5), ((900, 600), 0.2), ((2000, 1400), 0.25), ((2000, 1400), 0.12)],
)
def test_the_highest_quality_that_fits(size: tuple[int, int], share: float) -> None:
    """One step of quality more would be too large; it is found in four encodings at most."""
    image = scene(*size, grain=40)
    data = png(image)
    limit = int(len(data) * share)
    fitted = fit(data, limit)
    assert opened(fitted).size == size
    assert len(fitted.data) <= limit
    assert fitted.quality is not None
    assert fitted.tries <= 4
    if fitted.quality < QUALITIES[fitted.form][1]:
        more = io.BytesIO()
        kind = {"subsampling": 0 if fitted.quality + 2 >= 85 else 2}
        how = kind if fitted.form == JPEG else {"method": 4}
        image.save(more, fitted.form.upper(), quality=fitted.quality + 2, **how)
        assert more.tell() > limit


@pytest.mark.parametrize("limit", [9_000, 700])
def test_smaller_at_last(limit: int) -> None:
    """Where no quality is low enough, the picture has fewer pixels, of its own shape."""
    noise = Image.frombytes("RGB", (512, 256), random.Random(7).randbytes(512 * 256 * 3))
    fitted = fit(png(noise), limit)
    assert limit * 0.3 < len(fitted.data) <= limit
    assert fitted.width < 512
    assert fitted.width / fitted.height == pytest.approx(2, rel=0.1)
    opened(fitted)


def test_nothing_fits_into_nothing() -> None:
    """Said, not looped over for ever."""
    with pytest.raises(ValueError, match="10 bytes"):
        fit(png(scene(64, 32)), 10)


def test_transparency_is_kept_or_laid_on_white() -> None:
    """WebP keeps it; where only JPEG is taken, what was clear is white."""
    image = scene(400, 300, grain=60).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 200, 300))
    data = png(image)
    kept = opened(fit(data, len(data) // 4))
    assert kept.format == "WEBP"
    assert kept.getpixel((20, 20))[3] == 0  # type: ignore[index]  # of an image with alpha
    white = opened(fit(data, len(data) // 4, forms=(JPEG,)))
    assert white.convert("L").crop((10, 10, 60, 60)).getextrema()[0] > 240  # type: ignore[operator]  # one band


def test_very_large_pictures_become_jpeg() -> None:
    """WebP would take many seconds for them; JPEG takes one, at the quality that fits."""
    fitted = fit_image(scene(5200, 5200), 2_000_000)
    assert fitted.form == JPEG
    assert fitted.tries <= 4
    assert 1_000_000 < len(fitted.data) <= 2_000_000


def test_rooms_of_telegram() -> None:
    """10 MB, 10000 pixels of width and height together, twenty to one; else it is a document."""
    assert TELEGRAM_PHOTO.shows(5000, 5000)
    assert not TELEGRAM_PHOTO.shows(5001, 5000)
    assert TELEGRAM_PHOTO.shows(2000, 100)
    assert not TELEGRAM_PHOTO.shows(2001, 100)
    assert (TELEGRAM_PHOTO.bytes, TELEGRAM_FILE.bytes) == (10_000_000, 50_000_000)
    assert WEBP not in TELEGRAM_PHOTO.forms | TELEGRAM_PHOTO.as_is


@pytest.mark.parametrize("limit", [10 * MIB, 50 * MIB, 100 * MIB])
def test_rooms_of_discord(limit: int) -> None:
    """One file may be as large as the server takes; several share what a message may have."""
    alone = discord_room(limit, [400 * MIB]).bytes
    assert limit - MIB < alone <= limit
    each = discord_room(limit, [400 * MIB] * 4).bytes
    assert 4 * each <= max(25 * MIB, limit)
    small = discord_room(limit, [MIB, 2 * MIB, MIB, 9 * MIB]).bytes
    assert small >= 9 * MIB


async def stored(
    house: House, folder: Path, data: bytes, size: tuple[int, int]
) -> tuple[PictureRow, Pictures]:
    """One finished picture of somebody's, in the database and on the disk."""
    pictures = Pictures(house.db, folder)
    job = await house.running()
    made = pictures.write(data, index=0, seed=1, width=size[0], height=size[1])
    await house.jobs.finish(job.id, [made])
    (row,) = await pictures.of_job(job.id)
    return row, pictures


async def test_a_picture_is_packed_off_the_loop(house: House, tmp_path: Path) -> None:
    """As it is where it fits; smaller where it does not, with the way to the whole file."""
    data = png(scene(700, 500, grain=40))
    row, pictures = await stored(house, tmp_path, data, (700, 500))
    links = Links(base="https://paint.example.org/", secret=b"s" * 32, pictures=pictures)
    with ThreadPoolExecutor(1) as files, ThreadPoolExecutor(1) as fitting:
        parcels = Parcels(pictures=pictures, files=files, fitting=fitting, links=links)
        same = await parcels.pack(row, Room(bytes=len(data)))
        less = await parcels.pack(row, Room(bytes=len(data) // 3))
        assert same is not None and less is not None
        assert same.data == data
        assert not same.smaller
        assert same.name("k3v9-1") == "k3v9-1.png"
        assert less.smaller
        assert len(less.data) <= len(data) // 3
        assert less.name("k3v9-1") in ("k3v9-1.webp", "k3v9-1.jpg")
        assert less.whole is not None
        assert less.whole.startswith("https://paint.example.org/whole/")
        pictures.path(row).unlink()
        assert await parcels.pack(row, Room(bytes=10)) is None


async def test_an_address_opens_its_own_picture_alone(house: House, tmp_path: Path) -> None:
    """An id without our signature grants nothing, nor does one made with another secret."""
    row, pictures = await stored(house, tmp_path, b"png", (8, 8))
    links = Links(base="https://paint.example.org", secret=b"s" * 32, pictures=pictures)
    url = links.to(row.id)
    assert url is not None
    picture_id, signature = url.rsplit("/", 2)[1:]
    assert (await links.open(picture_id, signature)).read_bytes() == b"png"
    other = Links(base="https://paint.example.org", secret=b"t" * 32, pictures=pictures)
    strange = other.to(row.id)
    assert strange is not None
    for wrong in (strange.rsplit("/", 1)[1], "", "ünder", signature[:-1]):
        with pytest.raises(NotFound):
            await links.open(picture_id, wrong)
    await pictures.delete(row.id)
    with pytest.raises(NotFound):
        await links.open(picture_id, signature)
    assert Links(base=None, secret=b"s" * 32, pictures=pictures).to(row.id) is None
