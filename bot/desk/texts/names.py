"""What people call the fields of a request."""

from __future__ import annotations

from bot.desk.texts.language import SOURCE, translations


def field_name(field: str, lang: str = SOURCE) -> str:
    """The name of a field of `Ask`, within a sentence."""
    gettext = translations(lang).gettext
    names = {
        "prompt": gettext("prompt"),
        "negative": gettext("negative prompt"),
        "model": gettext("model"),
        "size": gettext("size"),
        "width": gettext("width"),
        "height": gettext("height"),
        "aspect": gettext("shape"),
        "steps": gettext("number of steps"),
        "guidance": gettext("guidance"),
        "seed": gettext("seed"),
        "count": gettext("number of pictures"),
        "source": gettext("source picture"),
        "strength": gettext("strength"),
    }
    return names.get(field, field)
