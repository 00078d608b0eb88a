"""Says which act each press and each form of the admins is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.desk.spans import DAY
from bot.desk.texts import chat
from bot.on_discord import reports
from bot.on_discord.asking import tell
from bot.on_discord.commands import admin_acts as acts
from bot.on_discord.commands import admin_jobs as jobs
from bot.on_discord.commands import admin_people as people
from bot.on_discord.commands.admin_knobs import FORM
from bot.on_discord.commands.admin_visit import Visit, visit_of

Act = Callable[[Visit, str, tuple[str, ...]], Awaitable[None]]
"""What is done: who pressed, the target in the custom id, the values that were chosen."""


async def admin_press(interaction: discord.Interaction[Any], text: str) -> None:
    """Do what a knob or a form with this custom id is for. Raises `Refusal`."""
    match = FORM.fullmatch(text)
    act = None if match is None else ACTS.get(match["verb"])
    visit = await visit_of(interaction)
    if match is None or act is None:
        await tell(interaction, chat.stale_button(visit.lang))
        return
    data: Any = interaction.data or {}
    await act(visit, match["target"] or "", tuple(data.get("values", ())))


def _panel(name: str) -> Act:
    return lambda visit, _target, _values: acts.see(visit, name)


def _rule(name: str) -> Act:
    """The menu of a rule was used: what is chosen holds; nothing chosen allows all."""
    return lambda visit, _target, values: acts.change(visit, name, **{name: frozenset(values)})


def _all(name: str) -> Act:
    return lambda visit, _target, _values: acts.change(visit, name, **{name: frozenset()})


def _visit(act: Callable[[Visit], Awaitable[None]]) -> Act:
    return lambda visit, _target, _values: act(visit)


def _target(act: Callable[[Visit, str], Awaitable[None]]) -> Act:
    return lambda visit, target, _values: act(visit, target)


ACTS: dict[str, Act] = {
    **{name: _panel(name) for name in acts.PANELS},
    **{f"{name}-set": _rule(name) for name in ("channels", "roles", "models")},
    **{f"{name}-all": _all(name) for name in ("channels", "roles", "models")},
    "pause": lambda visit, _target, _values: acts.pause(visit, True),
    "resume": lambda visit, _target, _values: acts.pause(visit, False),
    "defaults-edit": _visit(acts.edit_defaults),
    "defaults-form": _visit(acts.defaults_edited),
    "words-edit": _visit(acts.edit_words),
    "words-form": _visit(acts.words_edited),
    "log-set": lambda visit, _target, values: acts.set_log(
        visit, int(values[0]) if values else None
    ),
    "log-none": lambda visit, _target, _values: acts.set_log(visit, None),
    "changes": _visit(acts.see_changes),
    "jobs": lambda visit, target, _values: jobs.see(visit, everywhere=bool(target)),
    "cancel": _target(jobs.cancel),
    "cancel-any": lambda visit, target, _values: jobs.cancel(visit, target, everywhere=True),
    "cancel-all": lambda visit, target, _values: jobs.ask_all(visit, everywhere=bool(target)),
    "cancel-all-sure": lambda visit, target, _values: jobs.cancel_all(
        visit, everywhere=bool(target)
    ),
    "give": _target(people.ask_gift),
    "give-form": _target(people.gift_named),
    "own-budget": _target(people.ask_budget),
    "budget-form": _target(people.budget_named),
    "reset": _target(people.reset),
    "ban-day": lambda visit, target, _values: people.ban(visit, target, DAY),
    "ban-good": lambda visit, target, _values: people.ban(visit, target, None),
    "unban": _target(people.unban),
    "report-form": _target(reports.reported),
    **{verb: _target(reports.acting(verb)) for verb in reports.LABELS},
}
