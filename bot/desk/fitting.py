"""Makes a picture file fit into a number of bytes, in the best form and quality that do.

A sample cut out of the picture says which form is nearer to it and at which quality; the whole is
then encoded a few times at most. Everything here blocks, for seconds with large pictures.
"""

from __future__ import annotations

import io
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageChops, ImageStat

from engine.metadata import Metadata

PNG, WEBP, JPEG = "png", "webp", "jpeg"
SAMPLE_PIXELS = 1_200_000
"""Pictures up to this are their own sample; of larger ones, tiles are cut out."""
TILE, TILES = 128, 49
"""The side of a tile in pixels, and how many are spread over the picture."""
WEBP_PIXELS = 16_000_000
"""WebP takes a second for five megapixels, and JPEG a moment: beyond this nobody shall wait."""
QUALITIES = {WEBP: (50, 100), JPEG: (50, 97)}
GOOD = 85
"""Rather than below the lowest quality, a picture is made smaller, so that it has this one."""
TRIES = 4
"""So many times the whole picture is encoded at most before it is made smaller."""
LEAST_SIDE = 16
ROOMY = 64 * 1024
"""Bytes below which the facts beside the pixels would take too much of the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A picture file, its form ("png", "webp", "jpeg"), its pixels, and what it took.

    `quality` is that of a file that loses something of the picture, `tries` are the encodings of
    the whole picture.
    """

    data: bytes
    form: str
    width: int
    height: int
    quality: int | None = None
    tries: int = 0


def fit(
    data: bytes,
    limit: int,
    *,
    forms: Collection[str] = (WEBP, JPEG),
    as_is: Collection[str] = (PNG, WEBP, JPEG),
) -> Fitted:
    """The file itself if it has at most `limit` bytes, else the best that has, in one of `forms`.

    Only a form in `as_is` stays as it is. Transparency is kept by WebP and laid on white for JPEG.
    Made smaller in pixels only if nothing else helps. Raises `ValueError` if the limit is too small
    for any picture.
    """
    with Image.open(io.BytesIO(data)) as opened:
        form, (width, height) = (opened.format or "").lower(), opened.size
        if len(data) <= limit and form in as_is:
            return Fitted(data=data, form=form, width=width, height=height)
        mode = "RGBA" if opened.has_transparency_data else "RGB"
        facts, image = Metadata.read(opened), opened.convert(mode)
    if form == PNG and WEBP in forms and width * height <= WEBP_PIXELS:
        found = _lossless(image, limit, facts)
        if found is not None:
            return found
    return fit_image(image, limit, forms=forms, facts=facts)


def fit_image(
    image: Image.Image,
    limit: int,
    *,
    forms: Collection[str] = (WEBP, JPEG),
    facts: Metadata | None = None,
) -> Fitted:
    """The best file of at most `limit` bytes for an image; raises as `fit` does.

    `facts` stand in the file beside the pixels, as long as there is room for them.
    """
    tries = 0
    while True:
        search = _Search(image, limit, _suitable(image, forms), facts)
        found = search.best()
        tries += search.tries
        if found is not None:
            form, quality, encoded = found
            return Fitted(
                data=encoded,
                form=form,
                width=image.width,
                height=image.height,
                quality=quality,
                tries=tries,
            )
        if min(image.size) < LEAST_SIDE:
            raise ValueError(f"no picture fits into {limit} bytes")
        image, facts = search.smaller(), facts if limit > ROOMY else None


def on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _suitable(image: Image.Image, forms: Collection[str]) -> tuple[str, ...]:
    """Those of the forms that keep what is in the picture and are fast enough for it."""
    if image.mode == "RGBA" and WEBP in forms:
        return (WEBP,)
    if JPEG in forms and image.width * image.height > WEBP_PIXELS:
        return (JPEG,)
    return tuple(form for form in (WEBP, JPEG) if form in forms)


def _lossless(image: Image.Image, limit: int, facts: Metadata) -> Fitted | None:
    """A WebP without any loss, if a sample says that it may fit and it does."""
    sample = _sample(image)
    share = image.width * image.height / (sample.width * sample.height)
    if len(_encoded(sample, WEBP, None)) * share > limit * 1.1:
        return None
    data = _encoded(image, WEBP, None, facts)
    if len(data) > limit:
        return None
    return Fitted(data=data, form=WEBP, width=image.width, height=image.height, tries=1)


@dataclass(slots=True)
class _Search:
    """The search for the best form and quality of one image; `tries` counts whole encodings."""

    image: Image.Image
    limit: int
    forms: tuple[str, ...]
    facts: Metadata | None = None
    tries: int = 0
    _sample: Image.Image = field(init=False)
    _share: float = field(init=False)
    _known: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.forms == (JPEG,):
            self.image = on_white(self.image)
        self._sample = _sample(self.image)
        pixels = self._sample.width * self._sample.height
        self._share = self.image.width * self.image.height / pixels

    def best(self) -> tuple[str, int, bytes] | None:
        """The form, the quality and the file; None if none of the lowest quality fits."""
        promising = []
        for form in self.forms:
            quality = self._highest(form, 1.0)
            if quality is not None:
                promising.append((self._error(form, quality), form, quality))
        for _, form, quality in sorted(promising):
            narrowed = self._narrow(form, quality)
            if narrowed is not None:
                return form, *narrowed
        return None

    def smaller(self) -> Image.Image:
        """The image in so many pixels that a good quality should fit."""
        size = self._estimate(self.forms[-1], GOOD)
        scale = min(0.9, 0.97 * math.sqrt(self.limit / size))
        width, height = (max(1, int(each * scale)) for each in self.image.size)
        return self.image.resize((width, height), Image.Resampling.LANCZOS)

    def _narrow(self, form: str, quality: int) -> tuple[int, bytes] | None:
        """Encode the whole; each time corrects what the sample has to say about the next."""
        best: tuple[int, bytes] | None = None
        least, most = QUALITIES[form]
        at = quality
        for _ in range(TRIES):
            data = self._whole(form, at)
            if len(data) <= self.limit:
                best, least = (at, data), at + 1
            else:
                most = at - 1
            better = self._highest(form, len(data) / self._estimate(form, at))
            if least > most or (best is not None and (better is None or better < least)):
                break
            at = least if better is None else min(most, max(better, least))
        return best

    def _highest(self, form: str, correction: float) -> int | None:
        """The highest quality of the form that should fit."""
        best, (low, high) = None, QUALITIES[form]
        while low <= high:
            quality = (low + high + 1) // 2
            if self._estimate(form, quality) * correction <= self.limit:
                best, low = quality, quality + 1
            else:
                high = quality - 1
        return best

    def _estimate(self, form: str, quality: int) -> float:
        """The bytes of the whole picture, by those of its sample."""
        return len(self._of_sample(form, quality)) * self._share

    def _of_sample(self, form: str, quality: int) -> bytes:
        key = (form, quality)
        if key not in self._known:
            self._known[key] = _encoded(self._sample, form, quality)
        return self._known[key]

    def _whole(self, form: str, quality: int) -> bytes:
        self.tries += 1
        if self._sample is self.image and self.facts is None:
            return self._of_sample(form, quality)
        return _encoded(self.image, form, quality, self.facts)

    def _error(self, form: str, quality: int) -> float:
        """How far the sample in this form is from what it was."""
        with Image.open(io.BytesIO(self._of_sample(form, quality))) as opened:
            shown = opened.convert("RGB")
        difference = ImageChops.difference(shown, on_white(self._sample))
        return float(sum(ImageStat.Stat(difference).sum2))


def _sample(image: Image.Image) -> Image.Image:
    """Tiles from all over the picture beside one another; a small picture itself."""
    if image.width * image.height <= SAMPLE_PIXELS or min(image.size) < TILE:
        return image
    aside = math.isqrt(TILES)
    sample = Image.new(image.mode, (aside * TILE, aside * TILE))
    for row in range(aside):
        for column in range(aside):
            left = (image.width - TILE) * column // (aside - 1)
            top = (image.height - TILE) * row // (aside - 1)
            tile = image.crop((left, top, left + TILE, top + TILE))
            sample.paste(tile, (column * TILE, row * TILE))
    return sample


def _encoded(
    image: Image.Image, form: str, quality: int | None, facts: Metadata | None = None
) -> bytes:
    """A file of this form and quality; without a quality, a WebP that loses nothing."""
    out, more = io.BytesIO(), dict[str, Any]()
    beside = {} if facts is None else facts.options(form.upper())
    if form == JPEG:
        more = {"quality": quality, "subsampling": 0 if (quality or 0) >= 85 else 2}
        image = on_white(image)
    elif quality is None:
        more = {"lossless": True, "quality": 50, "method": 2, "exact": True}
    else:
        more = {"quality": quality, "method": 4}
    image.save(out, form.upper(), **more, **beside)
    return out.getvalue()
