"""The sentences for somebody who wants to be forgotten, and about pictures that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.desk.texts.language import SOURCE, number, translations

if TYPE_CHECKING:
    from bot.desk.answers import Forgotten


def ask(lang: str = SOURCE) -> str:
    """Asks once; there is no way back."""
    gettext = translations(lang).gettext
    return gettext(
        "Forget you? What waits is cancelled, your pictures are deleted, and what you wrote, your "
        "name and your defaults are blanked. This cannot be undone."
    )


def forgotten(found: Forgotten, lang: str = SOURCE) -> str:
    """What went."""
    t = translations(lang)
    pictures = t.ngettext("{n} picture is deleted", "{n} pictures are deleted", found.pictures)
    jobs = t.ngettext("{n} request is blanked", "{n} requests are blanked", found.jobs)
    return t.gettext("You are forgotten: {pictures}, {jobs}.").format(
        pictures=pictures.format(n=number(found.pictures, lang)),
        jobs=jobs.format(n=number(found.jobs, lang)),
    )


def posts_follow(count: int, lang: str = SOURCE) -> str:
    """That the pictures posted in chats are being taken down, the newest of them."""
    t = translations(lang)
    return t.ngettext(
        "The last {n} post I made for you is taken down as well.",
        "The last {n} posts I made for you are taken down as well.",
        count,
    ).format(n=number(count, lang))


def pinned(lang: str = SOURCE) -> str:
    """That a picture stays."""
    gettext = translations(lang).gettext
    return gettext("Pinned: this picture stays until you delete it.")


def unpinned(lang: str = SOURCE) -> str:
    """That a picture is like the others again."""
    gettext = translations(lang).gettext
    return gettext("No longer pinned: it goes in its time, like the others.")
