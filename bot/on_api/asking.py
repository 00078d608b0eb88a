"""Owns how a program's request becomes a job: which model it means, what it comes to, the wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.desk.texts import about_note
from bot.desk.veils import CODES
from bot.on_api import errors
from bot.on_api.courier import KEPT
from bot.on_api.nearest import Adjusted, nearest, told
from engine.errors import UnknownModel, Unusable
from engine.request import Ask
from storage.errors import TooManyWaiting
from storage.picture import Veil

if TYPE_CHECKING:
    from bot.desk.answers import JobView, Ticket
    from bot.on_api.calling import Call
    from bot.on_api.waiting import Ongoing
    from engine.catalogue import Model
    from engine.request import Note

ADJUSTED = "X-Atelier-Adjusted"
JOB = "X-Atelier-Job"
KEY = "Idempotency-Key"
LONGEST_KEY = 200
WITHHELD = CODES[Veil.WITHHELD]
WHOLE = Adjusted(field="mask", given="a mask", used="the whole picture")
"""What is told where a model cannot paint parts of a picture anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job that was taken on for a program, and what was changed of its request for that."""

    ticket: Ticket
    adjusted: tuple[Adjusted, ...]
    kept: bool

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of it."""
        headers = {JOB: self.ticket.job.public}
        if self.adjusted:
            headers[ADJUSTED] = told(self.adjusted)
        return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A job that is done, and all there is to say about it."""

    taken: Taken
    view: JobView
    notes: tuple[str, ...]


async def take(call: Call, ask: Ask, model: Model, adjusted: tuple[Adjusted, ...] = ()) -> Taken:
    """Queue what is nearest to `ask` with this model; its prompt and source are as they are.

    Raises what `Studio.paint` raises, and `Unusable` where a picture is given to a model that
    starts from none.
    """
    if ask.source is not None and not model.image_to_image:
        raise Unusable("source", model.name)
    ask = replace(ask, model=model.name)
    fitted, more = nearest(ask, model, networks=call.studio.upscalers())
    key = (call.request.headers.get(KEY) or "")[:LONGEST_KEY] or None
    message = None if key is None else KEPT
    ticket = await in_line(
        call,
        lambda: call.studio.paint(call.asker, fitted, key=key, private=True, message=message),
    )
    unused = tuple(
        Adjusted(field=note.field, given=note.given)
        for note in ticket.notes
        if note.code == "unused"
    )
    return Taken(ticket=ticket, adjusted=adjusted + more + unused, kept=key is not None)


async def in_line(call: Call, ask: Callable[[], Awaitable[Ticket]]) -> Ticket:
    """What `ask` takes on. Where too many jobs of the caller wait, it is held back until fewer do.

    These programs ask for many pictures at once and know no line. Raises what `ask` raises.
    """
    while True:
        try:
            return await ask()
        except TooManyWaiting as full:
            await call.waiting.for_room(call.asker.person.id, call.request, call.since, full)


async def finished(
    call: Call, taken: Taken, on_news: Callable[[Ongoing], None] | None = None
) -> Painted:
    """The same once its pictures are there. Raises `Unserved`."""
    view, notes = await call.waiting.until_over(
        call.asker, taken.ticket, call.request, since=call.since, kept=taken.kept, on_news=on_news
    )
    notes = tuple(dict.fromkeys(view.job.notes + notes))
    if not view.pictures:
        hidden = any(note.code == WITHHELD for note in notes)
        raise errors.withheld() if hidden else errors.pictures_gone()
    return Painted(taken=taken, view=view, notes=_sentences(call, notes))


def model_called(call: Call, name: str | None) -> Model:
    """The model on offer that is called so; without a name, the caller's own default.

    Raises `UnknownModel`.
    """
    models = call.studio.models(call.asker)
    wanted = name or default_name(call)
    for model in models:
        if wanted is not None and wanted.lower() in (model.name.lower(), model.title.lower()):
            return model
    if name is None and models:
        return models[0]
    raise UnknownModel(name or "", tuple(model.name for model in models))


def default_name(call: Call) -> str | None:
    """The model that the caller chose for all requests that name none."""
    defaults = call.asker.person.defaults
    try:
        return None if defaults is None else Ask.from_json(defaults).model
    except (ValueError, TypeError):
        return None


def _sentences(call: Call, notes: tuple[Note, ...]) -> tuple[str, ...]:
    return tuple(about_note(note, call.ear.language) for note in notes)
