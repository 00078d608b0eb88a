"""Owns who may ask for anything at the moment, and within which limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.desk import rights
from storage.errors import Banned, Paused
from storage.jobs import Rules

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from bot.desk.disk import Disk
    from bot.settings import Settings
    from storage.members import Members


class Admission:
    """Lets askers in: bans, pauses, room on the disk; and what they may spend here."""

    def __init__(
        self,
        *,
        members: Members,
        disk: Disk,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._members = members
        self._disk = disk
        self._settings = settings
        self._clock = clock

    async def check(self, asker: Asker) -> None:
        """Let those pass who may bring or ask for a picture. Raises `Banned`, `Paused`, `DiskFull`,
        `ChannelNotAllowed` or `RoleNotAllowed`."""
        await self.welcome(asker)
        rights.check_whereabouts(asker)

    async def welcome(self, asker: Asker) -> None:
        """The same wherever in the place they are, and whatever their roles."""
        member = await self._members.get(asker.person.id, asker.place.id)
        for until in (asker.person.banned_until, member.banned_until):
            if until is not None and until > self._clock():
                raise Banned(None if math.isinf(until) else until)
        if asker.place.paused:
            raise Paused()
        self._disk.check()

    def rules(self, asker: Asker) -> Rules:
        """The budgets and limits that hold for a request of theirs."""
        settings, place = self._settings, asker.place
        role = place.rules.budget(asker.roles)
        return Rules(
            budget=settings.budget,
            person_in_place=place.budget if role is None else role,
            place=place.place_budget,
            address=None if asker.address is None else settings.credits_per_address,
            waiting_per_person=settings.waiting_per_person,
            waiting_here=place.rules.waiting(asker.roles),
            queue_limit=settings.queue_limit,
        )
