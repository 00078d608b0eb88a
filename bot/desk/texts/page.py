"""The words of the page and of the HTTP API, by key; the sentences of refusals stand apart.

The page's scripts hold no sentence of their own: they get these with the page. What stands in
{braces} is filled in where the sentence is used. The catalogues are `locale/<language>/page.toml`
and, for the admin view, `admin.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache

from bot.desk.texts.language import LANGUAGES, LOCALE, SOURCE

EXAMPLES = (
    "a lighthouse on the sea at sunset",
    "a fox in the snow under northern lights",
    "a hot air balloon over lavender fields at dawn",
    "a castle in the mountains at night",
    "a sailboat on the ocean in fog, as a watercolour painting",
    "a windmill in a meadow under a rainbow --ar 3:2",
)
"""Prompts to click. In English whatever the language of the page: it is what the models read."""


@cache
def page_messages(language: str) -> Mapping[str, str]:
    """All sentences of the page in `language`, or in English."""
    return _catalogue(language, "page.toml")


@cache
def admin_messages(language: str) -> Mapping[str, str]:
    """The sentences of the admin view, and those of the page."""
    return {**page_messages(language), **_catalogue(language, "admin.toml")}


def _catalogue(language: str, file: str) -> dict[str, str]:
    known = language if language in LANGUAGES else SOURCE
    return tomllib.loads((LOCALE / known / file).read_text(encoding="utf-8"))
