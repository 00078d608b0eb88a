"""Owns how the admins' answers look: panels with native menus, as pure functions.

A panel is seen by one admin alone. It has at most 40 components and 4000 characters of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.desk import texts
from bot.desk.texts import office as says
from bot.on_discord.commands.admin_knobs import Knob, button, custom_id
from bot.on_discord.escaping import plain
from bot.on_discord.marks import MARKS, listing

if TYPE_CHECKING:
    from bot.desk.answers import JobView
    from engine.catalogue import Model
    from storage.places import Place

CHOICES = 25
"""So many entries Discord's menus take."""
JOBS_SHOWN = 9
EVERYWHERE = "everywhere"
"""The target of knobs that are about all servers at once."""
TEXT = 3400
"""Characters for what may become long, so that the rest of a panel still fits."""
PROMPT = 90

WRITTEN = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
)
"""Channels that pictures may be asked for in; threads count as the channel they hang on."""
LOGGED = (discord.ChannelType.text, discord.ChannelType.news)

RED, GREEN = discord.ButtonStyle.danger, discord.ButtonStyle.success


def overview(place: Place, lang: str) -> ui.LayoutView:
    """All rules at a glance, with a way to each of them."""
    pause = (
        button("resume", says.label("resume", lang), style=GREEN)
        if place.paused
        else button("pause", says.label("pause", lang))
    )
    first = ("channels", "roles", "models", "defaults")
    second = ("words", "log", "jobs", "changes")
    title = f"{says.label('rules', lang)} · {plain(place.name, 80)}" if place.name else None
    return _panel(
        title or says.label("rules", lang),
        "\n".join(says.rules_hold(place, lang, marks=MARKS)),
        rows=[
            ui.ActionRow(pause, *(_way(key, lang) for key in first)),
            ui.ActionRow(*(_way(key, lang) for key in second)),
        ],
    )


def budgets(place: Place, lang: str) -> ui.LayoutView:
    """What may be painted in a day, and how many jobs may wait."""
    return _panel(
        says.label("budgets", lang),
        says.budgets_hold(place, lang, marks=MARKS),
        says.waiting_holds(place, lang, marks=MARKS),
        rows=[ui.ActionRow(_back(lang))],
    )


def channels(place: Place, lang: str) -> ui.LayoutView:
    """Where pictures may be asked for, with Discord's own menu to choose."""
    menu: ui.ChannelSelect[Any] = ui.ChannelSelect(
        custom_id=custom_id("channels-set"),
        placeholder=says.label("choose-channels", lang),
        channel_types=list(WRITTEN),
        min_values=0,
        max_values=CHOICES,
        default_values=_defaults(place.rules.channels),
    )
    every = button("channels-all", says.label("every-channel", lang))
    return _panel(
        says.label("channels", lang),
        says.channels_hold(place, lang, marks=MARKS),
        rows=[ui.ActionRow(Knob(menu)), ui.ActionRow(every, _back(lang))],
    )


def roles(place: Place, lang: str) -> ui.LayoutView:
    """Who may ask for pictures, with Discord's own menu to choose."""
    menu: ui.RoleSelect[Any] = ui.RoleSelect(
        custom_id=custom_id("roles-set"),
        placeholder=says.label("choose-roles", lang),
        min_values=0,
        max_values=CHOICES,
        default_values=_defaults(place.rules.roles),
    )
    everybody = button("roles-all", says.label("everybody", lang))
    return _panel(
        says.label("roles", lang),
        says.roles_hold(place, lang, marks=MARKS),
        rows=[ui.ActionRow(Knob(menu)), ui.ActionRow(everybody, _back(lang))],
    )


def models(place: Place, offered: Sequence[Model], lang: str) -> ui.LayoutView:
    """Which models may be used; those on offer are in the menu."""
    listed = offered[:CHOICES]
    menu: ui.Select[Any] = ui.Select(
        custom_id=custom_id("models-set"),
        placeholder=says.label("choose-models", lang),
        min_values=0,
        max_values=len(listed),
        options=[
            discord.SelectOption(
                label=model.title[:100] or model.name,
                value=model.name,
                default=model.name in place.rules.models,
            )
            for model in listed
        ],
    )
    every = button("models-all", says.label("every-model", lang))
    return _panel(
        says.label("models", lang),
        says.models_hold(place, lang),
        rows=[ui.ActionRow(Knob(menu)), ui.ActionRow(every, _back(lang))],
    )


def defaults(place: Place, lang: str) -> ui.LayoutView:
    """What holds when people leave it open."""
    return _panel(
        says.label("defaults", lang),
        says.defaults_hold(place, lang, marks=MARKS),
        rows=[ui.ActionRow(button("defaults-edit", says.label("edit", lang)), _back(lang))],
    )


def words(place: Place, lang: str) -> ui.LayoutView:
    """The words and patterns that are refused."""
    listed = [listing(place.rules.words, TEXT)] if place.rules.words else []
    return _panel(
        says.label("words", lang),
        says.words_hold(place, lang),
        *listed,
        rows=[ui.ActionRow(button("words-edit", says.label("edit", lang)), _back(lang))],
    )


def log(place: Place, lang: str) -> ui.LayoutView:
    """Where reports and changes are told."""
    chosen = place.rules.log_channel
    menu: ui.ChannelSelect[Any] = ui.ChannelSelect(
        custom_id=custom_id("log-set"),
        placeholder=says.label("choose-log", lang),
        channel_types=list(LOGGED),
        min_values=0,
        max_values=1,
        default_values=_defaults(() if chosen is None else (chosen,)),
    )
    none = button("log-none", says.label("no-log", lang), disabled=chosen is None)
    return _panel(
        says.label("log", lang),
        says.log_holds(place, lang, marks=MARKS),
        rows=[ui.ActionRow(Knob(menu)), ui.ActionRow(none, _back(lang))],
    )


def jobs(
    entries: Sequence[tuple[JobView, str]],
    more: int,
    lang: str,
    *,
    said: str = "",
    everywhere: bool = False,
) -> ui.LayoutView:
    """The jobs that run or wait, each with whom asked for it and a button to cancel it.

    At most `JOBS_SHOWN` of them; `more` is how many others there are.
    """
    scope = EVERYWHERE if everywhere else ""
    rows: list[ui.Item[Any]] = [
        ui.Section(
            ui.TextDisplay(_job(view, person, lang)),
            accessory=button(
                "cancel-any" if everywhere else "cancel",
                says.label("cancel", lang),
                view.job.public,
                style=RED,
            ),
        )
        for view, person in entries
    ]
    if more > 0:
        rows.append(ui.TextDisplay(f"-# {says.more_jobs(more, lang)}"))
    again = button("jobs", says.label("refresh", lang), scope)
    every = button("cancel-all", says.label("cancel-all", lang), scope, disabled=not entries)
    rows.append(ui.ActionRow(again, every, _back(lang)))
    nothing = "" if entries else says.no_jobs(lang)
    return _panel(says.label("jobs", lang), said, nothing, rows=rows)


def cancel_all(n: int, lang: str, *, everywhere: bool = False) -> ui.LayoutView:
    """Asks once more before every job here, or everywhere, is cancelled."""
    scope = EVERYWHERE if everywhere else ""
    sure = button("cancel-all-sure", says.label("cancel-all-sure", lang), scope, style=RED)
    back = button("jobs", says.label("back", lang), scope)
    return _panel(
        says.label("jobs", lang), says.about_to_cancel(n, lang), rows=[ui.ActionRow(sure, back)]
    )


def changes(lines: Sequence[str], lang: str) -> ui.LayoutView:
    """Who changed what, the latest first."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > TEXT:
            break
        kept.append(line)
    text = "\n".join(kept) or says.no_changes(lang)
    return _panel(says.label("changes", lang), text, rows=[ui.ActionRow(_back(lang))])


def member(external: str, facts: Sequence[str], lang: str, *, banned: bool) -> ui.LayoutView:
    """Somebody's usage and standing here, with what can be done about it."""
    first = ("give", "own-budget", "reset")
    second = ("unban",) if banned else ("ban-day", "ban-good")
    return _panel(
        f"{says.label('member', lang)} · {MARKS.person(external)}",
        "\n".join(facts),
        rows=[
            ui.ActionRow(*(button(key, says.label(key, lang), external) for key in first)),
            ui.ActionRow(*(button(key, says.label(key, lang), external) for key in second)),
        ],
    )


def _job(view: JobView, person: str, lang: str) -> str:
    job = view.job
    if view.position:
        standing = texts.waiting(view.position, view.eta_s, lang, warming=view.warming)
    else:
        standing = texts.painting(view.eta_s, lang, progress=view.progress)
    prompt = f"*{says.label('private', lang)}*" if job.private else plain(job.paint.prompt, PROMPT)
    return f"{person} · {standing}\n{prompt}\n-# `{job.public}`"


def _panel(title: str, *paragraphs: str, rows: Iterable[ui.Item[Any]]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container(ui.TextDisplay(f"### {title}"))
    for paragraph in filter(None, paragraphs):
        box.add_item(ui.TextDisplay(paragraph[:TEXT]))
    for row in rows:
        box.add_item(row)
    view.add_item(box)
    return view


def _defaults(ids: Iterable[str]) -> list[discord.Object]:
    """What is chosen already, as a menu takes it; ids of another platform are left out."""
    return [discord.Object(int(each)) for each in sorted(ids) if each.isdecimal()][:CHOICES]


def _way(key: str, lang: str) -> Knob:
    return button(key, says.label(key, lang))


def _back(lang: str) -> Knob:
    return button("rules", says.label("back", lang))
