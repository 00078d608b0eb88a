"""The sentences about files: what was brought along, that a chat shows less, where the whole is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.desk.texts.language import SOURCE, number, translations

if TYPE_CHECKING:
    from bot.desk.parcel import Packed

FORMS = {"png": "PNG", "webp": "WebP", "jpeg": "JPEG"}


def megabytes(size: int, lang: str = SOURCE) -> str:
    """A number of bytes as people read it."""
    if size < 100_000:
        return f"{number(max(1, round(size / 1000)), lang)} kB"
    return f"{number(round(size / 1e6, 1), lang)} MB"


def smaller(packed: Packed, lang: str = SOURCE) -> str:
    """That a picture is shown in another file, which this chat takes."""
    gettext = translations(lang).gettext
    form = FORMS.get(packed.form, packed.form)
    if (packed.width, packed.height) != (packed.row.width, packed.row.height):
        form = f"{form}, {packed.width}×{packed.height}"
    sentence = gettext("Shown as {form} with {shown}; the picture itself has {whole}.")
    return sentence.format(
        form=form,
        shown=megabytes(len(packed.data), lang),
        whole=megabytes(packed.row.bytes, lang),
    )


def several_smaller(lang: str = SOURCE) -> str:
    """The same of more than one."""
    gettext = translations(lang).gettext
    return gettext("Shown in smaller files, as large as this chat takes.")


def whole(lang: str = SOURCE) -> str:
    """The link to the file as it was painted."""
    gettext = translations(lang).gettext
    return gettext("the whole file")


def too_large(size: int, lang: str = SOURCE) -> str:
    """On Telegram: that a file of so many bytes cannot be sent there."""
    gettext = translations(lang).gettext
    sentence = gettext("The picture itself has {whole}, more than Telegram takes.")
    return sentence.format(whole=megabytes(size, lang))


def enlargement(scale: int, lang: str = SOURCE) -> str:
    """What a picture is called that somebody brought along and had enlarged."""
    gettext = translations(lang).gettext
    return gettext("A picture, enlarged ×{scale}").format(scale=scale)


def shown_smaller(lang: str = SOURCE) -> str:
    """On Telegram: that the photo is not all there is."""
    gettext = translations(lang).gettext
    return gettext("Telegram shows it smaller than it is; 📄 sends the file.")
