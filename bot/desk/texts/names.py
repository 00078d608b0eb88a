"""What people call the fields of a request."""

from __future__ import annotations

from bot.desk.texts.language import SOURCE, translations


def field_name(field: str, lang: str = SOURCE) -> str:
    """The name of a field of `Ask` or of a place's rules, within a sentence."""
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
        "duration": gettext("duration"),
        "style": gettext("style"),
        "upscale": gettext("enlargement"),
        "upscaler": gettext("enlarging network"),
        "creative": gettext("creativity"),
        "scheduler": gettext("scheduler"),
        "mask": gettext("mask"),
        "second_look": gettext("second look (HD)"),
        "flagged": gettext("flagged pictures"),
        "metadata": gettext("words in files"),
        "credits": gettext("credits"),
        "budget": gettext("budget of each person"),
        "place_budget": gettext("budget of everybody"),
        "role_budgets": gettext("budget of a role"),
        "role_waiting": gettext("waiting jobs of a role"),
    }
    return names.get(field, field)
