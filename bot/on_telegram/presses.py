"""Owns what buttons do: every press is answered at once, then done, whoever asks and however late.

A button knows nothing but its text (`desk/actions`), so those of last year work as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import structlog
from telegram.error import TelegramError

from bot.desk.actions import Verb, parse
from bot.desk.texts import chat
from bot.desk.texts import on_telegram as words
from bot.on_telegram import albums, keyboards, mine, showing, tuning
from bot.on_telegram.asking import Open, order, question
from bot.on_telegram.pressing import Press
from engine.errors import Refusal
from storage.errors import NotYours

if TYPE_CHECKING:
    from telegram import CallbackQuery

    from bot.desk.answers import Asker, JobView, Ticket
    from bot.on_telegram.visit import Visit

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def press(visit: Visit, query: CallbackQuery, check: Callable[[Visit], None]) -> None:
    """Do what a button says, if `check` lets them.

    Every refusal is told; the button never goes on waiting.
    """
    action = parse(query.data or "")
    pressed = Press(visit, query, "" if action is None else action.target)
    ending = asyncio.create_task(pressed.end_waiting())
    try:
        check(visit)
        if action is None or action.verb not in DOES:
            await pressed.answer(chat.stale_button(visit.lang), alert=True)
        elif action.verb in TALKATIVE and visit.parts.notices.needed(visit.chat.id):
            await pressed.answer(words.crowded(visit.lang), alert=True)
        else:
            await DOES[action.verb](pressed)
    except Refusal as error:
        await pressed.refuse(error)
    finally:
        ending.cancel()
        with suppress(TelegramError):
            await pressed.answer()


async def cancel(pressed: Press) -> None:
    """The asker's own job, or anybody's for those who administer the chat."""
    job = await _ruling(
        pressed, lambda asker: pressed.visit.parts.studio.cancel(asker, pressed.target)
    )
    over = job.state.final and job.delivered_at is not None
    await pressed.answer(chat.is_over(pressed.lang) if over else words.cancelling(pressed.lang))


async def again(pressed: Press) -> None:
    """The same request with a new seed; anybody may, on their own budget."""
    studio = pressed.visit.parts.studio

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        return await studio.again(asker, pressed.target, key=key, message=where)

    await _order(pressed, take, pressed.target)


async def vary(pressed: Press, *, strong: bool) -> None:
    """A variation of one picture."""
    studio = pressed.visit.parts.studio

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        return await studio.vary(asker, pressed.target, strong=strong, key=key, message=where)

    await _order(pressed, take, None)


async def upscale(pressed: Press, *, scale: int) -> None:
    """Enlarge one picture so many times."""
    studio, source = pressed.visit.parts.studio, f"picture:{pressed.target}"

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        return await studio.upscale(asker, source, scale=scale, key=key, message=where)

    await _order(pressed, take, None)


async def second_look(pressed: Press) -> None:
    """Decode one picture again, with the full decoder."""
    studio = pressed.visit.parts.studio

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        return await studio.second_look(asker, pressed.target, key=key, message=where)

    await _order(pressed, take, None)


async def tune(pressed: Press) -> None:
    """Show the settings of a job instead of its buttons, or change what is chosen there."""
    view = await _view(pressed)
    picked = tuning.Choice.read(pressed.target) or tuning.Choice.of(view.job)
    models = pressed.visit.parts.studio.models()
    await pressed.answer()
    await pressed.keyboard(tuning.panel(view.job, picked, models, pressed.lang))


async def tuned(pressed: Press) -> None:
    """Paint a job again with what was chosen, and put its buttons back."""
    view, picked = await _view(pressed), tuning.Choice.read(pressed.target)
    studio = pressed.visit.parts.studio
    model = None if picked is None else tuning.find(studio.models(), picked.model)
    changes = {} if picked is None or model is None else picked.changes(view.job, model)

    async def take(asker: Asker, key: str, where: str) -> Ticket:
        return await studio.again(asker, view.job.public, key=key, message=where, changes=changes)

    await _order(pressed, take, view.job.public)
    await pressed.keyboard(keyboards.finished(view.job, pressed.lang, view.pictures))


async def other_words(pressed: Press) -> None:
    """Ask for another prompt, and put the buttons back."""
    view = await _view(pressed)
    await pressed.answer()
    await question(pressed.visit, Open(job=view.job.public))
    await pressed.keyboard(keyboards.finished(view.job, pressed.lang, view.pictures))


async def keep(pressed: Press) -> None:
    """Put the buttons back."""
    view = await _view(pressed)
    await pressed.answer()
    await pressed.keyboard(keyboards.finished(view.job, pressed.lang, view.pictures))


async def delete(pressed: Press) -> None:
    """Ask whether the pictures shall go; only whose they are, or who administers the chat, may."""
    view = await _view(pressed)
    visit = pressed.visit
    if view.job.person != (await visit.asker()).person.id:
        asker = await visit.asker(ruling=True)
        if not (asker.moderator or asker.operator):
            raise NotYours()
    await pressed.answer(chat.sure(len(view.pictures), pressed.lang))
    await pressed.keyboard(keyboards.sure(view.job, pressed.lang))


async def delete_sure(pressed: Press) -> None:
    """Delete all pictures of a job, and what shows them."""
    view, studio = await _view(pressed), pressed.visit.parts.studio
    office = pressed.visit.parts.office
    try:
        asker = await pressed.visit.asker()
        for picture in view.pictures:
            await studio.delete_picture(asker, picture.id)
    except NotYours:
        await office.moderate_delete(await pressed.visit.asker(ruling=True), view.job.public)
    await pressed.answer(chat.deleted(pressed.lang))
    await showing.remove(pressed.query, pressed.lang)


async def details(pressed: Press) -> None:
    """Everything that made a picture, and the words to paint it again."""
    view = await _view(pressed)
    await pressed.answer()
    said, keyboard = (
        showing.details(pressed.visit, view),
        keyboards.pins(view.pictures, pressed.lang),
    )
    await pressed.visit.reply(said, keyboard, quote=True)


async def show(pressed: Press) -> None:
    """Show a job again, as a new message."""
    view = await _view(pressed)
    await pressed.answer()
    await showing.show(pressed.visit, view)


async def album(pressed: Press) -> None:
    """The pictures of a job, each for itself."""
    view = await _view(pressed)
    await pressed.answer()
    await albums.send_singles(pressed.visit, view)


async def original(pressed: Press) -> None:
    """The files as they were painted."""
    view = await _view(pressed)
    await pressed.answer()
    await albums.send_originals(pressed.visit, view)


async def _order(
    pressed: Press, take: Callable[[Asker, str, str], Awaitable[Ticket]], public: str | None
) -> None:
    """Take on a job from a press; what was hidden before is hidden again."""

    message = pressed.query.message
    spoiler = bool(getattr(message, "has_media_spoiler", False))
    await order(pressed.visit, take, spoiler=spoiler, answer=pressed.answer)


async def _view(pressed: Press) -> JobView:
    public = pressed.target.partition(".")[0]
    return await pressed.visit.parts.studio.view(await pressed.visit.asker(), public)


async def _ruling(pressed: Press, do: Callable[[Asker], Awaitable[T]]) -> T:
    """Do something as oneself; if it is somebody else's, as who administers the chat."""
    try:
        return await do(await pressed.visit.asker())
    except NotYours:
        return await do(await pressed.visit.asker(ruling=True))


DOES: Mapping[Verb, Callable[[Press], Awaitable[None]]] = {
    Verb.CANCEL: cancel,
    Verb.AGAIN: again,
    Verb.PROMPT: other_words,
    Verb.VARY_SUBTLE: lambda pressed: vary(pressed, strong=False),
    Verb.VARY_STRONG: lambda pressed: vary(pressed, strong=True),
    Verb.UPSCALE2: lambda pressed: upscale(pressed, scale=2),
    Verb.UPSCALE4: lambda pressed: upscale(pressed, scale=4),
    Verb.HD: second_look,
    Verb.TUNE: tune,
    Verb.TUNED: tuned,
    Verb.KEEP: keep,
    Verb.DELETE: delete,
    Verb.DELETE_SURE: delete_sure,
    Verb.DETAILS: details,
    Verb.SHOW: show,
    Verb.ALBUM: album,
    Verb.ORIGINAL: original,
    Verb.PAGE: mine.page,
    Verb.SET: mine.set_default,
    Verb.CLEAR: mine.clear,
    Verb.PIN: mine.pin,
    Verb.FORGET: mine.forget,
    Verb.STAY: mine.stay,
}
"""What each button does."""

TALKATIVE = frozenset(
    {
        Verb.PROMPT,
        Verb.TUNE,
        Verb.DETAILS,
        Verb.SHOW,
        Verb.ALBUM,
        Verb.ORIGINAL,
        Verb.PAGE,
        Verb.SET,
        Verb.CLEAR,
    }
)
"""What a group that has no room for more messages may ask for again later."""
