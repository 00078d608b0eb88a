"""What a picture file says of how its picture was made: writing it down, and reading it back.

The text has the form that A1111-style tools read: the prompt, the negative prompt, and a line of
facts. In PNG files it stands under `parameters`, in JPEG and WebP files in the EXIF field
UserComment; XMP beside it says in the words of the press that a machine made the picture.
"""

from __future__ import annotations

import io
import json
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image, PngImagePlugin

from engine.request import SEEDS, Ask, Paint, Upscale

SOFTWARE = "Atelier"
LONGEST = 100_000
"""Characters of text that are looked at: no prompt is longer."""
JPEG_LONGEST = 65_000
"""Bytes that fit into one piece of a JPEG file's head; what is longer is left out there."""
EXIF_IFD, USER_COMMENT, SOFTWARE_TAG, ORIENTATION = 0x8769, 0x9286, 0x0131, 0x0112
UNICODE = b"UNICODE\0"
XMP_TEXT = "XML:com.adobe.xmp"
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmp:CreatorTool="{tool}" Iptc4xmpExt:DigitalSourceType="{kind}">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
MACHINE_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What goes into a file beside the pixels.

    `parameters` is the A1111 text; `exif`, `xmp` and `profile` (colours) are taken over from
    another file as they are; `texts` are the other texts of a PNG file.
    """

    parameters: str = ""
    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""
    texts: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(cls, paint: Paint) -> Metadata:
        """What is said of a picture of our own."""
        text = parameters(paint)
        if not paint.prompt:  # brought along, and only enlarged
            return cls(texts=(("postprocessing", text), ("Software", SOFTWARE)))
        xmp = XMP.format(tool=SOFTWARE, kind=MACHINE_MADE, text=escape(paint.prompt))
        return cls(parameters=text, xmp=xmp.encode(), texts=(("Software", SOFTWARE),))

    @classmethod
    def read(cls, image: Image.Image) -> Metadata:
        """What an opened file says. The picture counts as upright: turn it before it is written."""
        found = {
            name: text
            for name, text in image.info.items()
            if isinstance(name, str) and isinstance(text, str) and len(text) <= LONGEST
        }
        exif = _copied(image.getexif())  # the picture keeps its own, with its turn
        comment = _comment(exif)
        exif.pop(ORIENTATION, None)
        known = {"parameters", XMP_TEXT}
        is_png = image.format == "PNG"
        xmp = image.info.get("xmp") or found.get(XMP_TEXT, "").encode()
        profile = image.info.get("icc_profile")
        return cls(
            parameters=(found.get("parameters", "") if is_png else "") or comment,
            exif=exif.tobytes() if len(exif) else b"",
            xmp=xmp if isinstance(xmp, bytes) else b"",
            profile=profile if isinstance(profile, bytes) else b"",
            texts=tuple((n, t) for n, t in found.items() if n not in known) if is_png else (),
        )

    def enlarged(self, wish: Upscale) -> Metadata:
        """The same of the picture after it was enlarged."""
        if not self.parameters:
            return self
        facts = ", ".join(f"{name}: {_quoted(value)}" for name, value in _by(wish, EXTRAS))
        return replace(self, parameters=f"{self.parameters.rstrip().rstrip(',')}, {facts}")

    def options(self, form: str) -> dict[str, Any]:
        """What `Image.save` needs to write all this into a file of `form`: PNG, JPEG or WEBP."""
        options: dict[str, Any] = {"icc_profile": self.profile} if self.profile else {}
        if form == "PNG":
            info = PngImagePlugin.PngInfo()
            if self.parameters:
                info.add_itxt("parameters", self.parameters)
            for name, text in self.texts:
                if 0 < len(name) < 80 and name.isascii():
                    info.add_itxt(name, text)
            if self.xmp:
                info.add_itxt(XMP_TEXT, self.xmp.decode("utf-8", "replace"))
            if self.exif:
                options["exif"] = self.exif
            return options | {"pnginfo": info}
        exif = Image.Exif()
        if self.exif:
            exif.load(self.exif)
        if self.parameters:
            exif[SOFTWARE_TAG] = SOFTWARE
            exif.get_ifd(EXIF_IFD)[USER_COMMENT] = UNICODE + self.parameters.encode("utf-16-be")
        written = exif.tobytes() if len(exif) else b""
        most = JPEG_LONGEST if form == "JPEG" else sys.maxsize
        pieces = {"exif": written, "xmp": self.xmp}
        return options | {name: data for name, data in pieces.items() if 0 < len(data) <= most}


def parameters(paint: Paint) -> str:
    """How a picture was made, in the text form that A1111-style tools read."""
    facts: dict[str, object] = {}
    lines = []
    if paint.prompt:
        lines.append(paint.prompt)
        if paint.negative:
            lines.append(f"Negative prompt: {paint.negative}")
        facts = {
            "Steps": paint.steps,
            "Sampler": SAMPLERS.get(paint.scheduler, "default"),
            "CFG scale": f"{paint.guidance:g}",
            "Seed": paint.seed,
            "Size": f"{paint.width}x{paint.height}",
            "Model": paint.model,
        }
        if paint.source is not None:
            facts["Denoising strength"] = f"{paint.strength:g}"
    if paint.upscale is not None:
        facts |= dict(_by(paint.upscale, HIRES if paint.prompt else EXTRAS))
    facts["Version"] = SOFTWARE
    lines.append(", ".join(f"{name}: {_quoted(str(value))}" for name, value in facts.items()))
    return "\n".join(lines)


SAMPLERS = {"lcm": "LCM", "euler": "Euler", "dpm++": "DPM++ 2M", "tcd": "TCD"}
"""What other tools call our schedulers."""
SCHEDULERS = {sampler: name for name, sampler in SAMPLERS.items()}
FACT = re.compile(r'(\w[\w /-]{0,40}?):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
HIRES = ("Hires upscale", "Hires upscaler")
EXTRAS = ("Postprocess upscale by", "Postprocess upscaler")


def read(data: bytes) -> Ask | None:
    """The request that made the picture in `data`, or None if the file says nothing of it.

    A picture of ours gives everything that can be asked for again. One of another tool gives what
    means the same here: the words, the seed, and the shape. Never raises, decodes no pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
                return parse(Metadata.read(image).parameters)
    except Exception:  # a damaged file fails in many ways, and none of them matters here
        return None


def parse(text: str) -> Ask | None:
    """The request told by an A1111 text; None if it is not one."""
    lines = text[:LONGEST].strip().split("\n")
    facts = {name.strip(): _unquoted(value) for name, value in FACT.findall(lines[-1])}
    if not {"Steps", "Seed"} <= facts.keys():
        return None
    words = "\n".join(lines[:-1])
    prompt, _, negative = words.partition("\nNegative prompt:")
    prompt, negative = " ".join(prompt.split()), " ".join(negative.split())
    if not prompt:
        return None
    seed = _whole(facts.get("Seed"))
    width, _, height = facts.get("Size", "").partition("x")
    size = (_whole(width), _whole(height))
    told: dict[str, Any] = {
        "prompt": prompt,
        "negative": negative or None,
        "seed": seed if seed is not None and seed < SEEDS else None,
    }
    if not facts.get("Version", "").startswith(SOFTWARE):
        if all(size):
            told["aspect"] = f"{size[0]}:{size[1]}"
        return Ask(**told)
    return Ask(
        **told,
        model=facts.get("Model"),
        width=size[0],
        height=size[1],
        steps=_whole(facts["Steps"]),
        guidance=_number(facts.get("CFG scale")),
        strength=_number(facts.get("Denoising strength")),
        upscale=_whole(facts.get(HIRES[0], facts.get(EXTRAS[0]))),
        upscaler=facts.get(HIRES[1], facts.get(EXTRAS[1])),
        creative=_number(facts.get("Creative strength")),
        scheduler=SCHEDULERS.get(facts.get("Sampler", "")),
    )


def _by(wish: Upscale, names: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield names[0], str(wish.scale)
    yield names[1], wish.network
    if wish.creative is not None:
        yield "Creative strength", f"{wish.creative:g}"


def _copied(exif: Image.Exif) -> Image.Exif:
    """A copy that can be written; an empty one where a camera wrote what cannot be again."""
    copy = Image.Exif()
    try:
        copy.load(exif.tobytes())
        copy.tobytes()
    except Exception:  # fields of wrong types fail in many ways
        return Image.Exif()
    return copy


def _comment(exif: Image.Exif) -> str:
    """The UserComment, if it is one that can be read."""
    found = exif.get_ifd(EXIF_IFD).get(USER_COMMENT)
    if isinstance(found, str):
        return found[:LONGEST]
    if not isinstance(found, bytes) or len(found) > 4 * LONGEST:
        return ""
    head, body = found[:8], found[8:]
    if head == UNICODE:
        # The standard leaves the order of bytes open. Spaces and the like decide: in these texts
        # most characters have a zero as their higher byte.
        low, high = body[0::2].count(0), body[1::2].count(0)
        return body.decode("utf-16-be" if low >= high else "utf-16-le", "replace")
    if head in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace")
    return ""


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if re.search(r'[,:\n"]', value) else value


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] != '"':
        return value
    try:
        # An escape may stand for half a character, which no text can hold.
        return str(json.loads(value)).encode("utf-8", "replace").decode()
    except ValueError:
        return value


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\s*[0-9]{1,10}\s*", text) else None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\s*[0-9]{1,6}(\.[0-9]{1,12})?\s*", text) else None
