"""Owns `/atelier …`: how a server's admins look after painting there.

Discord shows the group to those who may manage the server; whether somebody really may is checked
at every use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range

from bot.desk.spans import read_span
from bot.desk.texts import office as says
from bot.desk.texts.visible import visible
from bot.on_discord.asking import asker_of
from bot.on_discord.commands import admin_acts as acts
from bot.on_discord.commands import admin_jobs as line
from bot.on_discord.commands import admin_people as people
from bot.on_discord.commands.admin_visit import visit_of
from bot.on_discord.counter import counter_of, lang_of
from engine.errors import Refusal

if TYPE_CHECKING:
    from bot.desk.answers import JobView

Interaction = discord.Interaction[Any]
Channel = discord.TextChannel | discord.VoiceChannel | discord.ForumChannel
Credits = Range[float, 0.0, 1_000_000.0]

ALL = "all"
BAN_FOR = ("1h", "1d", "7d", "30d", "for good")
CHOICES, CHOICE = 25, 100


atelier = app_commands.Group(
    name="atelier",
    description="Look after painting in this server.",
    guild_only=True,
    allowed_contexts=app_commands.AppCommandContext(guild=True),
    allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    default_permissions=discord.Permissions(manage_guild=True),
)


@atelier.command(name="overview", description="All rules of this server at a glance.")
async def overview(interaction: Interaction) -> None:
    """All rules."""
    visit = await visit_of(interaction)
    await acts.see(visit, "rules")


@atelier.command(name="budget", description="Credits a day: per person, role or server.")
@app_commands.describe(
    who="Whose budget; not needed with a role.",
    credits="Credits a day; 0 stops painting.",
    role="A budget for each person with this role instead.",
    no_limit="Lift the limit.",
)
@app_commands.choices(
    who=[
        Choice(name="Each person here", value="budget"),
        Choice(name="Everybody here together", value="place_budget"),
    ]
)
async def budget(
    interaction: Interaction,
    who: str = "budget",
    credits: Credits | None = None,
    role: discord.Role | None = None,
    no_limit: bool = False,
) -> None:
    """Set, lift or show a budget."""
    visit = await visit_of(interaction)
    if credits is None and not no_limit:
        await acts.see(visit, "budgets")
    elif role is not None:
        granted = None if no_limit else credits
        await acts.grant(visit, "role_budgets", str(role.id), granted)
    else:
        await acts.change(visit, "budgets", **{who: None if no_limit else credits})


@atelier.command(name="queue-limit", description="How many jobs people may have in line.")
@app_commands.describe(
    role="For each person with this role.",
    most="Jobs in line at most.",
    no_limit="Lift the limit of this role.",
)
async def queue_limit(
    interaction: Interaction,
    role: discord.Role | None = None,
    most: Range[int, 1, 1000] | None = None,
    no_limit: bool = False,
) -> None:
    """Set, lift or show how many jobs may wait."""
    visit = await visit_of(interaction)
    if role is None or (most is None and not no_limit):
        await acts.see(visit, "budgets")
    else:
        await acts.grant(visit, "role_waiting", str(role.id), None if no_limit else most)


@atelier.command(name="channels", description="Where pictures may be asked for.")
@app_commands.describe(allow="Allow this channel too.", remove="Allow this one no more.")
async def channels(
    interaction: Interaction,
    allow: Channel | None = None,
    remove: Channel | None = None,
) -> None:
    """Show the menu of channels, or change one."""
    visit = await visit_of(interaction)
    await acts.allow(visit, "channels", _id(allow), _id(remove))


@atelier.command(name="roles", description="Who may ask for pictures.")
@app_commands.describe(allow="Allow this role too.", remove="Allow this one no more.")
async def roles(
    interaction: Interaction,
    allow: discord.Role | None = None,
    remove: discord.Role | None = None,
) -> None:
    """Show the menu of roles, or change one."""
    visit = await visit_of(interaction)
    await acts.allow(visit, "roles", _id(allow), _id(remove))


@atelier.command(name="models", description="Which models may be used here.")
async def models(interaction: Interaction) -> None:
    """Show the menu of models."""
    visit = await visit_of(interaction)
    await acts.see(visit, "models")


@atelier.command(
    name="defaults", description="Model, style and negative prompt for who names none."
)
async def defaults(interaction: Interaction) -> None:
    """Open the form of the defaults."""
    visit = await visit_of(interaction)
    await acts.edit_defaults(visit)


@atelier.command(name="words", description="Words and /patterns/ that are refused.")
@app_commands.describe(
    add="A word, or a pattern between slashes such as /bloo+dy?/",
    remove="One that may be asked for again.",
)
async def words(
    interaction: Interaction,
    add: Range[str, 1, 500] | None = None,
    remove: Range[str, 1, 500] | None = None,
) -> None:
    """Show the list, or change one of it."""
    visit = await visit_of(interaction)
    if add is None and remove is None:
        await acts.see(visit, "words")
    else:
        await acts.change_words(visit, add, remove)


@words.autocomplete("remove")
async def _known_words(interaction: Interaction, typed: str) -> list[Choice[str]]:
    try:
        asker = await asker_of(interaction)
        place = await counter_of(interaction).office.place(asker)
    except Refusal:
        return []
    return _choices(typed, [(word, word) for word in place.rules.words])


@atelier.command(name="pictures", description="Flagged pictures, and what files say.")
@app_commands.describe(
    flagged="What becomes of those that the filter finds harmful.",
    metadata="Whether files say how they were made.",
)
@app_commands.choices(
    flagged=[
        Choice(name="As the operator says", value="none"),
        Choice(name="Show them", value="show"),
        Choice(name="Behind a spoiler", value="spoiler"),
        Choice(name="Show them to nobody", value="withhold"),
    ]
)
async def pictures(
    interaction: Interaction, flagged: str | None = None, metadata: bool | None = None
) -> None:
    """Show or change both."""
    visit = await visit_of(interaction)
    changes: dict[str, Any] = {}
    if flagged is not None:
        changes["flagged"] = None if flagged == "none" else flagged
    if metadata is not None:
        changes["metadata"] = metadata
    await acts.change(visit, "rules", **changes)


@atelier.command(name="log-channel", description="Where reports and changes are told.")
@app_commands.describe(channel="Tell them there from now on.")
async def log_channel(interaction: Interaction, channel: discord.TextChannel | None = None) -> None:
    """Show the menu, or set it."""
    visit = await visit_of(interaction)
    if channel is None:
        await acts.see(visit, "log")
    else:
        await acts.set_log(visit, channel.id)


@atelier.command(name="member", description="Somebody's usage here; give, set or reset.")
@app_commands.describe(
    member="Who.",
    give="Credits on top of their budget, for 24 hours.",
    budget="Their own credits a day here.",
    reset="What they have used counts no more.",
    everywhere="In every server (operators only).",
)
async def member(
    interaction: Interaction,
    member: discord.User,
    give: Range[float, 0.01, 1_000_000.0] | None = None,
    budget: Credits | None = None,
    reset: bool = False,
    everywhere: bool = False,
) -> None:
    """Show how somebody stands, or change it."""
    visit = await visit_of(interaction)
    if give is not None:
        await people.give(visit, str(member.id), give, everywhere=everywhere)
    elif budget is not None:
        await people.set_budget(visit, str(member.id), budget, everywhere=everywhere)
    elif reset:
        await people.reset(visit, str(member.id), everywhere=everywhere)
    else:
        await people.see(visit, str(member.id))


@atelier.command(name="ban", description="Take no pictures from somebody any more.")
@app_commands.describe(
    member="Who.",
    duration="Such as 1h, 2d or 3 weeks; for good if left out.",
    everywhere="In every server (operators only).",
)
async def ban(
    interaction: Interaction,
    member: discord.User,
    duration: Range[str, 1, 40] = "for good",
    everywhere: bool = False,
) -> None:
    """Ban somebody from painting."""
    visit = await visit_of(interaction)
    span = read_span(duration)
    await people.ban(visit, str(member.id), span, everywhere=everywhere)


@ban.autocomplete("duration")
async def _spans(interaction: Interaction, typed: str) -> list[Choice[str]]:
    offered = [typed] if typed and typed not in BAN_FOR else []
    return [Choice(name=span, value=span) for span in (*offered, *BAN_FOR)]


@atelier.command(name="unban", description="Take pictures from somebody again.")
@app_commands.describe(member="Who.", everywhere="In every server (operators only).")
async def unban(interaction: Interaction, member: discord.User, everywhere: bool = False) -> None:
    """Lift a ban."""
    visit = await visit_of(interaction)
    await people.unban(visit, str(member.id), everywhere=everywhere)


@atelier.command(name="pause", description="Take no new jobs here for now.")
async def pause(interaction: Interaction) -> None:
    """Pause."""
    visit = await visit_of(interaction)
    await acts.pause(visit, True)


@atelier.command(name="resume", description="Take jobs here again.")
async def resume(interaction: Interaction) -> None:
    """Go on."""
    visit = await visit_of(interaction)
    await acts.pause(visit, False)


@atelier.command(name="jobs", description="What is being painted and what waits here.")
@app_commands.describe(everywhere="In every server (operators only).")
async def jobs(interaction: Interaction, everywhere: bool = False) -> None:
    """Show the jobs, each with a button to cancel it."""
    visit = await visit_of(interaction)
    await line.see(visit, everywhere=everywhere)


@atelier.command(name="cancel", description="Cancel one job of this server, or all.")
@app_commands.describe(job="Which; all of them asks once more.")
async def cancel(interaction: Interaction, job: Range[str, 1, 40]) -> None:
    """Cancel a job, or all."""
    visit = await visit_of(interaction)
    await (line.ask_all(visit) if job == ALL else line.cancel(visit, job))


@cancel.autocomplete("job")
async def _jobs(interaction: Interaction, typed: str) -> list[Choice[str]]:
    try:
        asker = await asker_of(interaction)
        views = await counter_of(interaction).office.jobs(asker)
    except Refusal:
        return []
    lang = lang_of(interaction)
    every = [(says.label("cancel-all", lang), ALL)] if views else []
    return _choices(typed, [*every, *((_name(view, lang), view.job.public) for view in views)])


@atelier.command(name="audit", description="Who changed what here lately.")
@app_commands.describe(everywhere="In every server (operators only).")
async def audit(interaction: Interaction, everywhere: bool = False) -> None:
    """Show the latest changes."""
    visit = await visit_of(interaction)
    await acts.see_changes(visit, everywhere=everywhere)


def _id(thing: Channel | discord.Role | None) -> str | None:
    return None if thing is None else str(thing.id)


def _name(view: JobView, lang: str) -> str:
    """A job in a list: its words, unless they are private, and its number."""
    words = says.label("private", lang) if view.job.private else visible(view.job.paint.prompt)
    return f"{words[:70]} · {view.job.public}"


def _choices(typed: str, known: Sequence[tuple[str, str]]) -> list[Choice[str]]:
    """Those that have what was typed in their name; Discord takes 25, of 100 characters each."""
    wanted = typed.lower()
    return [
        Choice(name=name, value=value)
        for name, value in known
        if wanted in name.lower() and len(name) <= CHOICE and len(value) <= CHOICE
    ][:CHOICES]
