"""Owns who may see and do what: pure questions about an asker, answered without a look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.desk.errors import ChannelNotAllowed, NotAllowed, RoleNotAllowed
from storage.errors import NotYours

if TYPE_CHECKING:
    from bot.desk.answers import Asker

UNSHARED = frozenset({"web", "api"})
"""Platforms whose places are no chats: being there does not mean to see what others asked for."""


def may_see(asker: Asker, person: int, place: int, private: bool) -> bool:
    """Their own, or posted where they are; on the page, a place of strangers, nothing is.

    What is private is seen by its owner and by operators alone.
    """
    if asker.operator or person == asker.person.id:
        return True
    return not private and is_here(asker, place)


def is_here(asker: Asker, place: int) -> bool:
    """Whether it was asked for in the chat where the asker is."""
    return place == asker.place.id and asker.place.platform not in UNSHARED


def check_own(asker: Asker, person: int, place: int, private: bool) -> None:
    """Let owners pass, and those who moderate where it was posted. Raises `NotYours`."""
    if asker.operator or person == asker.person.id:
        return
    moderates = asker.moderator or asker.admin
    if private or not moderates or not is_here(asker, place):
        raise NotYours()


def check_admin(asker: Asker, *, everywhere: bool = False) -> None:
    """Let those pass who decide about the place, or everywhere. Raises `NotAllowed`."""
    if asker.operator:
        return
    if everywhere:
        raise NotAllowed("operator")
    if not asker.admin:
        raise NotAllowed("admin")


def check_moderator(asker: Asker, *, everywhere: bool = False) -> None:
    """The same for what moderators may do, too. Raises `NotAllowed`."""
    if asker.moderator and not everywhere:
        return
    if not asker.admin and not asker.operator and not everywhere:
        raise NotAllowed("moderator")
    check_admin(asker, everywhere=everywhere)


def check_whereabouts(asker: Asker) -> None:
    """Let those pass who ask in an allowed channel, with an allowed role (admins need none).

    Raises `ChannelNotAllowed` or `RoleNotAllowed`.
    """
    rules = asker.place.rules
    here = asker.channels | ({asker.channel} if asker.channel is not None else set())
    if rules.channels and not rules.channels & here:
        raise ChannelNotAllowed(tuple(sorted(rules.channels)), asker.place.platform)
    if rules.roles and not (rules.roles & asker.roles or asker.admin or asker.operator):
        raise RoleNotAllowed(tuple(sorted(rules.roles)), asker.place.platform)
