"""What everybody may say to the bot: each command builds a request, asks the studio, answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from telegram import InlineKeyboardMarkup

from bot.desk import flags
from bot.desk.actions import Verb
from bot.desk.errors import NoPicture, UnreadableValue
from bot.desk.texts import chat, farewell, office
from bot.desk.texts import on_telegram as words
from bot.on_telegram import admin, asking, enlarging, keyboards, people, sheets, showing
from bot.on_telegram.captions import title as title_of
from bot.on_telegram.sources import job_of
from bot.on_telegram.visit import replied
from bot.on_telegram.wording import cut
from storage.errors import NotFound, NotYours
from storage.jobs import JobState

if TYPE_CHECKING:
    from telegram import Message

    from bot.desk.answers import JobView
    from bot.on_telegram.visit import Visit

ME = frozenset({"", "me", "mich"})
"""What may stand behind `/forget`."""
ALL = frozenset({"all", "alle", "alles"})
SEARCHED = 20
"""So many of the newest jobs are looked at for one that is finished or still waits."""


async def imagine(visit: Visit) -> None:
    """Paint what the words say, or ask for them."""
    await asking.paint(visit, visit.words)


async def no_picture(visit: Visit) -> None:
    """A file that is no picture."""
    raise NoPicture()


async def start(visit: Visit) -> None:
    """The first words to somebody new; a link may bring a job to be shown."""
    if visit.words.startswith("show"):
        await show(_with(visit, visit.words.removeprefix("show").lstrip("_- ")))
        return
    name = visit.name.partition(" ")[0] if visit.private else ""
    await visit.reply(sheets.helping(visit.lang, private=visit.private, ruler=False, greeting=name))


async def helping(visit: Visit) -> None:
    """How everything works; those who administer the group read what they can do."""
    ruler = await visit.rights.rules(visit.bot, visit.chat.id, visit.person)
    await visit.reply(sheets.helping(visit.lang, private=visit.private, ruler=ruler))


async def queue(visit: Visit) -> None:
    """Who is in line."""
    view = await visit.parts.studio.queue(await visit.asker())
    await visit.reply(sheets.queue(view, visit.lang))


async def usage(visit: Visit) -> None:
    """What was used, and when it comes back; of somebody else by those who may know."""
    asker = await visit.asker(ruling=visit.message is not None and _elses(visit.message))
    if asker.admin and (whom := await people.meant(visit, asker)) is not None:
        await visit.reply(await admin.standing(visit, asker, whom))
        return
    found = await visit.parts.studio.usage(asker)
    await visit.reply(sheets.usage(found, visit.lang, now=visit.parts.clock()))


async def history(visit: Visit) -> None:
    """One's own pictures, page by page; or the newest with certain words."""
    said, keyboard = await showing.history(visit, 0, search=visit.words or None)
    await visit.reply(said, keyboard)


async def show(visit: Visit) -> None:
    """The job with this id, the one that is replied to, or one's latest finished one."""
    await showing.show(visit, await _meant(visit, JobState.DONE))


async def models(visit: Visit) -> None:
    """What there is to paint with."""
    offered = visit.parts.studio.models(await visit.asker())
    await visit.reply(sheets.models(offered, visit.lang))


async def styles(visit: Visit) -> None:
    """The styles there are."""
    await visit.reply(sheets.styles(visit.parts.studio.styles(), visit.lang))


async def settings(visit: Visit) -> None:
    """One's own defaults: by keyboard, or all at once with flags."""
    if visit.words:
        asker = await visit.asker()
        mine = flags.parse(visit.words, showing.defaults_of(asker))
        await visit.parts.studio.save_defaults(asker, replace(mine, prompt=""))
    said, keyboard = await showing.settings(visit)
    await visit.reply(said, keyboard)


async def forget(visit: Visit) -> None:
    """Ask whether everything of somebody's shall go."""
    if visit.words.lower() not in ME:
        raise UnreadableValue("forget", visit.words[:60], "me")
    keyboard = keyboards.farewell(visit.person, visit.lang)
    await visit.reply(farewell.ask(visit.lang), keyboard, quote=True)


async def cancel(visit: Visit) -> None:
    """One's job: the one with this id, the one that is replied to, or the only one under way."""
    if visit.words.lower() in ALL:
        await _cancel_all(visit)
        return
    if visit.words or _pointed(visit) is not None:
        view = await _meant(visit, None)
        await visit.reply(await _cancelled(visit, view))
        return
    found = await _under_way(visit)
    if len(found) > 1:
        await visit.reply(words.which_to_cancel(visit.lang), _each(found, visit.lang))
    elif found:
        await visit.reply(await _cancelled(visit, found[0]))
    else:
        await visit.reply(words.nothing_to_cancel(visit.lang))


async def _cancelled(visit: Visit, view: JobView) -> str:
    """Cancel one job, somebody else's with the right to do so; what to say about it."""
    if view.job.state.final:
        return chat.is_over(visit.lang)
    try:
        await visit.parts.studio.cancel(await visit.asker(), view.job.public)
    except NotYours:
        asker = await visit.asker(ruling=True)
        if not (asker.admin or asker.operator):
            raise
        await visit.parts.office.cancel(asker, view.job.public)
    return words.cancelling(visit.lang)


async def _cancel_all(visit: Visit) -> None:
    """Everything of one's own; in a group, by those who administer it, everything of everybody."""
    asker = await visit.asker(ruling=True)
    if asker.admin:
        count = await visit.parts.office.cancel_all(asker)
    else:
        found = await _under_way(visit)
        count = len(found)
        for view in found:
            await visit.parts.studio.cancel(asker, view.job.public)
    await visit.reply(office.cancelled_all(count, visit.lang))


async def _under_way(visit: Visit) -> list[JobView]:
    views = await visit.parts.studio.history(await visit.asker(), limit=SEARCHED)
    return [view for view in views if not view.job.state.final]


def _elses(message: Message) -> bool:
    return replied(message) is not None


def _each(views: list[JobView], lang: str) -> InlineKeyboardMarkup:
    rows = [
        [keyboards.button(Verb.CANCEL, v.job.public, lang, text=cut(title_of(v.job, lang), 40))]
        for v in views
    ]
    return InlineKeyboardMarkup(rows)


def _pointed(visit: Visit) -> str | None:
    """The job shown by the message that somebody replied to."""
    answered = None if visit.message is None else replied(visit.message)
    return None if answered is None else job_of(answered, visit.bot.id)


async def _meant(visit: Visit, state: JobState | None) -> JobView:
    """The job somebody means; without any hint their latest one in `state`. Raises `NotFound`."""
    studio, asker = visit.parts.studio, await visit.asker()
    public = visit.words.strip().strip("`").lower() or _pointed(visit)
    if public:
        return await studio.view(asker, public)
    for view in await studio.history(asker, limit=SEARCHED):
        if view.job.state is state and view.pictures:
            return view
    raise NotFound("picture")


def _with(visit: Visit, said: str) -> Visit:
    return replace(visit, words=said)


COMMANDS: Mapping[str, Callable[[Visit], Awaitable[None]]] = {
    "imagine": imagine,
    "start": start,
    "help": helping,
    "queue": queue,
    "usage": usage,
    "history": history,
    "show": show,
    "models": models,
    "styles": styles,
    "settings": settings,
    "cancel": cancel,
    "upscale": enlarging.upscale,
    "forget": forget,
}
