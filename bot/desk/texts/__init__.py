"""Every sentence a person reads: facts go in, one short sentence in their language comes out.

Sentences are written in English where they are used and translated in `locale/`; `language` is the
seam. The words of the page stand in `page`.
"""

import bot.desk.texts.chat
import bot.desk.texts.house
import bot.desk.texts.on_discord
import bot.desk.texts.on_telegram  # noqa: F401 - their refusals are explained, too
from bot.desk.texts.language import LANGUAGES, duration, number, ordinal, pick_language
from bot.desk.texts.refusals import explain
from bot.desk.texts.states import (
    about_note,
    cancelled,
    failed,
    painting,
    used,
    waiting,
)

__all__ = [
    "LANGUAGES",
    "about_note",
    "cancelled",
    "duration",
    "explain",
    "failed",
    "number",
    "ordinal",
    "painting",
    "pick_language",
    "used",
    "waiting",
]
