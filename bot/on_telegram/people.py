"""Finds whom and which topic somebody means, and says their names without calling them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram import MessageEntity, User

from bot.desk.texts import on_telegram as words
from bot.desk.texts.office import Marks
from bot.on_telegram.sources import job_of
from bot.on_telegram.visit import PLATFORM, replied
from bot.on_telegram.wording import cut, plain
from storage.errors import NotFound

if TYPE_CHECKING:
    from telegram import Message

    from bot.desk.answers import Asker
    from bot.on_telegram.visit import Visit
    from storage.audit import AuditEntry

NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """Somebody an admin means: their id on Telegram, their name, and what else was typed."""

    external: str
    name: str
    rest: str


async def meant(visit: Visit, asker: Asker) -> Whom | None:
    """Whoever is replied to, named by a mention, or whose id comes first; None if nobody is.

    A reply to one of our pictures means who asked for it.
    """
    message = visit.message
    first, _, rest = visit.words.partition(" ")
    if first.lstrip("-").isdecimal() and len(first) > 4:
        person = await visit.parts.people.known(PLATFORM, first)
        return Whom(external=first, name=_name(person.name, first), rest=rest.strip())
    if message is None:
        return None
    for entity, text in message.parse_entities([MessageEntity.TEXT_MENTION]).items():
        if entity.user is not None:
            rest = visit.words.replace(text, "", 1).strip()
            return Whom(external=str(entity.user.id), name=_name(text, ""), rest=rest)
    answered = replied(message)
    return None if answered is None else await _behind(visit, asker, answered)


async def names(visit: Visit, people: Iterable[int]) -> dict[int, str]:
    """The names of people by their numbers in the storage."""
    found = {}
    for each in set(people):
        person = await visit.parts.people.get(each)
        found[each] = _name(person.name, person.external)
    return found


async def marks(visit: Visit, entries: Sequence[AuditEntry]) -> Marks:
    """How the people and topics of these entries are named."""
    known = {}
    for each in entries:
        if each.action in ("ban", "unban", "give", "reset", "budget"):
            person = await visit.parts.people.known(PLATFORM, each.subject)
            known[each.subject] = _name(person.name, each.subject)
    return Marks(
        person=lambda external: known.get(external, external),
        channel=lambda topic: words.topic(topic, visit.lang),
        text=lambda text: cut(plain(text), 200),
    )


async def _behind(visit: Visit, asker: Asker, message: Message) -> Whom | None:
    public = job_of(message, visit.bot.id)
    if public is not None:
        try:
            job = (await visit.parts.studio.view(asker, public)).job
        except NotFound:
            return None
        person = await visit.parts.people.get(job.person)
        name = _name(person.name, person.external)
        return Whom(external=person.external, name=name, rest=visit.words)
    speaker = message.sender_chat or message.from_user
    if speaker is None or (isinstance(speaker, User) and speaker.is_bot):
        return None
    name = (speaker.full_name if isinstance(speaker, User) else speaker.effective_name) or ""
    person = await visit.parts.people.known(PLATFORM, str(speaker.id), name)
    shown = _name(person.name, person.external)
    return Whom(external=person.external, name=shown, rest=visit.words)


def _name(name: str, otherwise: str) -> str:
    return cut(plain(name), NAME) or otherwise
