"""What admins do to the rules of their server, by a command or on a panel: both end here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.desk import texts
from bot.desk.errors import MissingPermissions
from bot.desk.texts import office as says
from bot.desk.texts.changes import change as change_of
from bot.on_discord import logbook
from bot.on_discord.asking import tell
from bot.on_discord.commands import admin_modals as modals
from bot.on_discord.commands import admin_panels as panels
from bot.on_discord.escaping import sentence
from bot.on_discord.marks import MARKS, listing
from bot.on_discord.modals import filled_in
from engine.errors import Refusal

if TYPE_CHECKING:
    from discord import ui

    from bot.on_discord.commands.admin_visit import Visit
    from storage.places import Place

CHANGES = 25
"""So many of the latest changes are shown."""
TYPED = 1500
"""Characters of a refused list that are given back."""

PANELS: dict[str, Callable[[Visit, Place], ui.LayoutView]] = {
    "rules": lambda visit, place: panels.overview(place, visit.lang),
    "budgets": lambda visit, place: panels.budgets(place, visit.lang),
    "channels": lambda visit, place: panels.channels(place, visit.lang),
    "roles": lambda visit, place: panels.roles(place, visit.lang),
    "models": lambda visit, place: panels.models(place, visit.counter.studio.models(), visit.lang),
    "defaults": lambda visit, place: panels.defaults(place, visit.lang),
    "words": lambda visit, place: panels.words(place, visit.lang),
    "log": lambda visit, place: panels.log(place, visit.lang),
}


async def see(visit: Visit, panel: str) -> None:
    """Show what holds now."""
    await visit.show(PANELS[panel](visit, await visit.office.place(visit.asker)))


async def change(visit: Visit, panel: str, **changes: Any) -> None:
    """Change rules, show what holds now, and tell the log channel; what holds already stays."""
    place = await visit.office.place(visit.asker)
    new = {name: value for name, value in changes.items() if value != _held(place, name)}
    if new:
        place = await visit.office.change(visit.asker, **new)
    await visit.done(PANELS[panel](visit, place), len(new))


async def allow(visit: Visit, rule: str, more: str | None, less: str | None) -> None:
    """Add one to the channels or roles that are allowed, or take one away; neither: show them."""
    allowed: frozenset[str] = getattr((await visit.office.place(visit.asker)).rules, rule)
    added = frozenset(each for each in (more,) if each is not None)
    await change(visit, rule, **{rule: (allowed | added) - {less}})


async def grant(visit: Visit, rule: str, role: str, value: float | None) -> None:
    """Set what people with a role get, `role_budgets` or `role_waiting`; None lifts it."""
    place = await visit.office.place(visit.asker)
    granted = {each: n for each, n in getattr(place.rules, rule).items() if each != role}
    if value is not None:
        granted[role] = value
    await change(visit, "budgets", **{rule: granted})


async def pause(visit: Visit, paused: bool) -> None:
    """Take no jobs from here for now, or take them again."""
    place = await visit.office.pause(visit.asker, paused)
    await visit.done(panels.overview(place, visit.lang))


async def set_log(visit: Visit, channel: int | None) -> None:
    """Tell reports and changes there from now on; None: nowhere. Raises `MissingPermissions`."""
    await visit.office.place(visit.asker)
    guild = visit.interaction.guild
    missing = () if channel is None or guild is None else logbook.missing(guild, channel)
    if missing:
        raise MissingPermissions(missing)
    await change(visit, "log", log_channel=None if channel is None else str(channel))


async def see_changes(visit: Visit, *, everywhere: bool = False) -> None:
    """Show who changed what lately."""
    entries = await visit.office.audit(visit.asker, limit=CHANGES, everywhere=everywhere)
    lines = [
        f"<t:{int(entry.at)}:R> {change_of(entry, visit.lang, marks=MARKS)}" for entry in entries
    ]
    await visit.show(panels.changes(lines, visit.lang))


async def change_words(visit: Visit, add: str | None, remove: str | None) -> None:
    """Forbid one more word or pattern, or one less."""
    known = (await visit.office.place(visit.asker)).rules.words
    kept = tuple(word for word in known if word != remove)
    await change(visit, "words", words=kept if add is None else (*kept, add))


async def edit_words(visit: Visit) -> None:
    """Open the whole list to be edited."""
    place = await visit.office.place(visit.asker)
    if modals.too_long(place):
        await tell(visit.interaction, says.too_many_words(visit.lang))
        return
    await visit.interaction.response.send_modal(modals.words(place, visit.lang))


async def words_edited(visit: Visit) -> None:
    """Forbid what stands in the form, and nothing else; what is refused is given back."""
    typed = filled_in(visit.interaction).get("words", "")
    try:
        await change(visit, "words", words=tuple(typed.splitlines()))
    except Refusal as refusal:
        reason = sentence(texts.explain(refusal, visit.lang, now=visit.counter.clock()))
        await tell(visit.interaction, f"{reason}\n{listing(typed.splitlines(), TYPED)}")


async def edit_defaults(visit: Visit) -> None:
    """Open the defaults to be edited."""
    place = await visit.office.place(visit.asker)
    models = [model.name for model in visit.counter.studio.models()]
    styles = [style.name for style in visit.counter.studio.styles()]
    form = modals.defaults(place, models, styles, visit.lang)
    await visit.interaction.response.send_modal(form)


async def defaults_edited(visit: Visit) -> None:
    """Let what stands in the form hold."""
    written = filled_in(visit.interaction)
    given = {name: written.get(name, "").strip() for name in ("model", "style", "negative")}
    none = ("", modals.NONE)
    wanted = {name: None if value in none else value for name, value in given.items()}
    await change(visit, "defaults", **wanted)


def _held(place: Place, rule: str) -> object:
    held: object = getattr(place if rule in ("budget", "place_budget") else place.rules, rule)
    return held
