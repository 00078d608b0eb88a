"""Owns what buttons do with what is one's own: history, defaults, pins, being forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.desk.actions import unpacked
from bot.desk.texts import farewell
from bot.on_telegram import leaving, showing, tuning
from bot.on_telegram.pressing import unless_same
from engine.request import Ask

if TYPE_CHECKING:
    from bot.on_telegram.pressing import Press


async def page(pressed: Press) -> None:
    """Turn to another page of one's own history."""
    owner, _, rest = pressed.target.partition(".")
    await pressed.own(owner)
    nth, _, sought = rest.partition(".")
    said, keyboard = await showing.history(
        pressed.visit, int(nth) if nth.isdecimal() else 0, search=unpacked(sought)
    )
    await pressed.answer()
    await unless_same(pressed.query.edit_message_text(reply_markup=keyboard, **said.as_text))


async def set_default(pressed: Press) -> None:
    """Choose one of one's own defaults."""
    owner, _, rest = pressed.target.partition(".")
    await pressed.own(owner)
    field, _, value = rest.partition(".")
    visit = pressed.visit
    mine = showing.defaults_of(await visit.asker())
    changed = tuning.changed(mine, field, value, visit.parts.studio.models())
    await _save(pressed, changed)


async def clear(pressed: Press) -> None:
    """Forget one's defaults."""
    await pressed.own(pressed.target)
    await _save(pressed, Ask(prompt=""))


async def pin(pressed: Press) -> None:
    """Keep a picture, or let one go that was kept."""
    studio, asker = pressed.visit.parts.studio, await pressed.visit.asker()
    row, _ = await studio.picture(asker, pressed.target)
    row = await studio.pin(asker, pressed.target, pinned=not row.pinned)
    said = farewell.pinned(pressed.lang) if row.pinned else farewell.unpinned(pressed.lang)
    await pressed.answer(said, alert=True)


async def forget(pressed: Press) -> None:
    """Forget whoever pressed, and say what went."""
    await pressed.own(pressed.target)
    visit = pressed.visit
    await pressed.answer()
    gone = await leaving.forget(visit)
    await unless_same(pressed.query.edit_message_text(gone))


async def stay(pressed: Press) -> None:
    """Nobody is forgotten after all."""
    await pressed.own(pressed.target)
    await pressed.answer()
    await unless_same(pressed.query.delete_message())


async def _save(pressed: Press, mine: Ask) -> None:
    visit = pressed.visit
    empty = mine == Ask(prompt="")
    await visit.parts.studio.save_defaults(await visit.asker(), None if empty else mine)
    await pressed.answer()
    said, keyboard = await showing.settings(visit)
    await unless_same(pressed.query.edit_message_text(reply_markup=keyboard, **said.as_text))
