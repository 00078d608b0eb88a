"""Owns what the commands get to work with, and what the menu of commands shows to whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram import BotCommand, BotCommandScope

if TYPE_CHECKING:
    from bot.desk.office import Office
    from bot.desk.parcel import Parcels
    from bot.desk.studio import Studio
    from bot.on_telegram.notices import Notices
    from bot.on_telegram.status import Status
    from bot.on_telegram.where import Where
    from bot.settings import Settings
    from storage.jobs import Job, Jobs
    from storage.people import People
    from storage.pictures import Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a handler may touch; `commands.install(application, parts)` gets it once.

    `works_for(chat, user)` is whether the bot serves this chat and person at all (the operator's
    list); whoever it does not serve gets no answer but to /start and /help.
    """

    studio: Studio
    office: Office
    status: Status
    notices: Notices
    jobs: Jobs
    people: People
    pictures: Pictures
    settings: Settings
    parcels: Parcels
    keep: Callable[[Job, Callable[[Where], Where]], Awaitable[Where]]
    """The one way to change what is kept with a job."""
    works_for: Callable[[int, int | None], bool]
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """The commands that one kind of chat offers in one language (None: to everybody else)."""

    scope: BotCommandScope
    lang: str | None
    commands: tuple[BotCommand, ...]
