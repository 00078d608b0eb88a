"""What a server's admins get: rules that hold at once, people, jobs, the log, and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import simcord
from discord import Client, Intents, PermissionOverwrite, Permissions
from discord.app_commands import AppCommand, CommandTree

from bot.desk.errors import NotAllowed
from bot.desk.texts import explain
from bot.on_discord.commands import admin
from engine.request import Ask
from storage.job import JobState
from storage.places import Place
from tests.bot.discord_parts import DiscordDesk, buttons_of, gallery_of, open_discord, texts_of
from tests.fakes import SquarePainter

DAY = 86_400


async def atelier(
    discord: DiscordDesk, command: str, *, by: simcord.MemberActor | None = None, **options: Any
) -> simcord.InteractionResult:
    """`/atelier …` in the channel, by the boss unless somebody else is named."""
    return await (by or discord.boss).slash(discord.channel, f"atelier {command}", **options)


async def press(
    discord: DiscordDesk, result: Any, label: str, *, who: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    """Press the button with this label on an answer, by the boss unless somebody else is named."""
    return await (who or discord.boss).click(result, label=label)


def answer(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """An answer; it has to be seen by whoever asked alone."""
    assert result.response is not None
    assert result.response.ephemeral
    return result.response


def told(result: simcord.InteractionResult) -> str:
    """What it says."""
    return texts_of(answer(result))


async def refused(discord: DiscordDesk, **options: Any) -> str:
    """What ann is told when her `/imagine` is refused."""
    result = await discord.imagine(**options)
    assert result.ephemeral, "it was taken"
    return told(result)


async def taken(discord: DiscordDesk, **options: Any) -> None:
    """Ann's `/imagine` has to be taken."""
    result = await discord.imagine(**options)
    assert not result.ephemeral, told(result)


async def test_the_overview_names_every_rule(tmp_path: Path) -> None:
    """One panel with all rules, seen by the admin alone, with a way to each."""
    async with open_discord(tmp_path, running=False) as discord:
        shown = await atelier(discord, "overview")
        for words in ("Painting is open", "Each person", "in line", "every channel", "Everybody"):
            assert words in told(shown)
        for words in ("Every model", "No defaults", "No words", "no log channel"):
            assert words in told(shown)
        assert {"Pause", "Channels", "Roles", "Jobs", "Changes"} <= set(buttons_of(shown.response))
        panel = await press(discord, shown.response, "Channels")
        assert told(panel) == "### Channels\nPictures may be asked for in every channel."
        await press(discord, shown.response, "Back")
        assert "No words are forbidden" in told(shown)


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("overview", {}),
    ("budget", {"credits": 5.0}),
    ("budget", {}),
    ("queue-limit", {}),
    ("channels", {}),
    ("roles", {}),
    ("models", {}),
    ("defaults", {}),
    ("words", {"add": "fox"}),
    ("words", {}),
    ("pictures", {"flagged": "withhold", "metadata": False}),
    ("log-channel", {}),
    ("member", {"member": "bob"}),
    ("member", {"member": "bob", "give": 5.0}),
    ("member", {"member": "bob", "reset": True}),
    ("member", {"member": "bob", "budget": 5.0}),
    ("ban", {"member": "bob"}),
    ("unban", {"member": "bob"}),
    ("pause", {}),
    ("resume", {}),
    ("jobs", {}),
    ("jobs", {"everywhere": True}),
    ("cancel", {"job": "all"}),
    ("cancel", {"job": "k3v9x2ma0000"}),
    ("audit", {}),
    ("audit", {"everywhere": True}),
]


def _named(discord: DiscordDesk, options: dict[str, Any]) -> dict[str, Any]:
    return {name: discord.bob if value == "bob" else value for name, value in options.items()}


def test_the_commands_fit_into_discord() -> None:
    """8000 characters in all, 25 in the group, 100 a description, in servers for who manages."""
    made: dict[str, Any] = admin.atelier.to_dict(CommandTree(Client(intents=Intents.none())))

    def told_in(part: dict[str, Any]) -> int:
        assert len(part.get("description", "x")) <= 100
        inner = [*part.get("options", ()), *part.get("choices", ())]
        words = part["name"], part.get("description", ""), str(part.get("value", ""))
        return sum(map(len, words)) + sum(map(told_in, inner))

    assert told_in(made) <= 8000
    assert len(made["options"]) <= 25
    assert (made["contexts"], made["integration_types"]) == ([0], [0])
    assert made["default_member_permissions"] == Permissions(manage_guild=True).value


async def test_members_do_not_see_the_commands(tmp_path: Path) -> None:
    """Discord shows them to whoever may manage the server."""
    async with open_discord(tmp_path, running=False) as discord:
        assert "atelier overview" not in discord.ann.available_commands(discord.channel)
        assert "atelier overview" in discord.boss.available_commands(discord.channel)


async def test_whoever_is_no_admin_is_refused_all_the_same(tmp_path: Path) -> None:
    """Where Discord lets somebody through without the right, nothing is shown and nothing done."""
    async with open_discord(tmp_path, running=False) as discord:
        everybody = discord.guild.default_role
        discord.guild.set_command_permissions(await _command(discord), {everybody: True})
        for name, options in COMMANDS:
            for who in (discord.ann, discord.mod):
                result = await atelier(discord, name, by=who, **_named(discord, options))
                assert result.modal is None
                assert told(result) in (
                    explain(NotAllowed("admin")),
                    explain(NotAllowed("operator")),
                )
        place = await _place(discord)
        assert (place.budget, place.paused, place.rules.words) == (None, False, ())
        assert await discord.desk.audit.latest(place.id) == []


async def test_a_budget_holds_at_once(tmp_path: Path) -> None:
    """For each person, for all together, for a role; lifted again; said in numbers."""
    async with open_discord(tmp_path, running=False) as discord:
        set_to = await atelier(discord, "budget", credits=1.0)
        assert "Each person: 1 credits a day." in told(set_to)
        await taken(discord)
        assert "1 of your 1 credits a day here" in await refused(discord)
        lifted = await atelier(discord, "budget", no_limit=True)
        assert "no limit of its own here" in told(lifted)
        await taken(discord)
        together = await atelier(discord, "budget", who="place_budget", credits=2.0)
        assert "Everybody together: 2 credits a day." in told(together)
        assert "for everybody here" in await refused(discord)
        await atelier(discord, "budget", who="place_budget", no_limit=True)
        await atelier(discord, "budget", credits=0.0)
        artists = discord.guild.create_role("artists")
        ann = discord.guild.add_member(discord.env.create_user("ada"), roles=[artists])
        granted = await atelier(discord, "budget", role=artists, credits=1.0)
        assert f"Each person with <@&{artists.id}>: 1 credits a day." in told(granted)
        assert not (await discord.imagine(who=ann)).ephemeral
        assert (await discord.imagine(who=ann)).ephemeral
        await atelier(discord, "budget", role=artists, no_limit=True)
        place = await _place(discord)
        assert (place.budget, place.place_budget, dict(place.rules.role_budgets)) == (0, None, {})


async def test_a_role_has_a_limit_in_line(tmp_path: Path) -> None:
    """So many jobs may wait, from the next request on; lifting it lets more in."""
    async with open_discord(tmp_path, running=False) as discord:
        role = discord.guild.create_role("visitors")
        ada = discord.guild.add_member(discord.env.create_user("ada"), roles=[role])
        limited = await atelier(discord, "queue-limit", role=role, most=1)
        assert f"Each person with <@&{role.id}>: 1 job in line at most." in told(limited)
        assert not (await discord.imagine(who=ada)).ephemeral
        assert "1 is the most" in told(await discord.imagine(who=ada))
        lifted = await atelier(discord, "queue-limit", role=role, no_limit=True)
        assert "no role has a limit" in told(lifted)
        assert not (await discord.imagine(who=ada)).ephemeral


async def test_channels_are_chosen_in_discord_s_own_menu(tmp_path: Path) -> None:
    """Those chosen are the only ones; one press allows all again."""
    async with open_discord(tmp_path, running=False) as discord:
        other = discord.guild.create_text_channel("art")
        panel = await atelier(discord, "channels")
        chosen = await discord.boss.select(answer(panel), [other])
        assert f"in these channels: <#{other.id}>" in told(chosen)
        assert f"<#{other.id}>" in await refused(discord)
        assert not (await discord.ann.slash(other, "imagine", prompt="a fox")).ephemeral
        await press(discord, panel.response, "Every channel")
        await taken(discord)
        await atelier(discord, "channels", allow=other)
        added = await atelier(discord, "channels", allow=discord.channel)
        assert f"<#{other.id}>" in told(added)
        assert f"<#{discord.channel.id}>" in told(added)
        await taken(discord)
        await atelier(discord, "channels", remove=discord.channel)
        await refused(discord)


async def test_roles_are_chosen_in_discord_s_own_menu(tmp_path: Path) -> None:
    """Only whoever has one may paint; one press lets everybody in again."""
    async with open_discord(tmp_path, running=False) as discord:
        role = discord.guild.create_role("artists")
        ada = discord.guild.add_member(discord.env.create_user("ada"), roles=[role])
        panel = await atelier(discord, "roles")
        chosen = await discord.boss.select(answer(panel), [role])
        assert f"<@&{role.id}>" in told(chosen)
        assert f"<@&{role.id}>" in await refused(discord)
        assert not (await discord.imagine(who=ada)).ephemeral
        await press(discord, panel.response, "Everybody")
        await taken(discord)
        await atelier(discord, "roles", allow=role)
        await refused(discord)
        await atelier(discord, "roles", remove=role)
        await taken(discord)


async def test_models_are_chosen_in_a_menu(tmp_path: Path) -> None:
    """The others are refused, with those that may be used; the default changes to one of them."""
    async with open_discord(tmp_path, running=False) as discord:
        panel = await atelier(discord, "models")
        chosen = await discord.boss.select(answer(panel), ["plain"])
        assert "These models may be used: plain." in told(chosen)
        assert "plain" in await refused(discord, model="squares")
        await taken(discord)
        assert (await discord.job()).paint.model == "plain"
        await press(discord, panel.response, "Every model")
        await taken(discord, model="squares")


async def test_defaults_are_a_form(tmp_path: Path) -> None:
    """Model, style and negative prompt at once, filled in with what holds; they fill gaps only."""
    async with open_discord(tmp_path, running=False) as discord:
        shown = await atelier(discord, "defaults")
        assert shown.modal is not None
        saved = await discord.boss.submit_modal(
            shown, {"model": ["squares"], "style": ["poster"], "negative": "fog"}
        )
        for words in ("squares", "poster", "fog"):
            assert words in told(saved)
        await taken(discord, prompt="a fox")
        paint = (await discord.job()).paint
        assert (paint.prompt, paint.negative) == ("a fox, poster", "fog")
        await taken(discord, prompt="a fox", negative="rain")
        assert (await discord.job()).paint.negative == "rain"
        shown = await atelier(discord, "defaults")
        assert "fog" in str(shown.modal)
        cleared = await discord.boss.submit_modal(
            shown, {"model": ["-"], "style": ["-"], "negative": ""}
        )
        assert "No defaults are set here." in told(cleared)
        place = await _place(discord)
        subjects = [each.subject for each in await discord.desk.audit.latest(place.id)]
        assert sorted(subjects) == ["model", "model", "negative", "negative", "style", "style"]


async def test_words_are_a_list_and_a_form(tmp_path: Path) -> None:
    """One by one by command, all at once in a form; refused in prompts from the next one on."""
    async with open_discord(tmp_path, running=False) as discord:
        added = await atelier(discord, "words", add="fox")
        assert "1 word or pattern is forbidden." in told(added)
        assert "fox" in await refused(discord, prompt="a Fox in the snow")
        await taken(discord, prompt="a foxglove")
        panel = await atelier(discord, "words")
        form = await press(discord, panel.response, "Edit")
        assert "fox" in str(form.modal)
        edited = await discord.boss.submit_modal(form, {"words": "wolf\n/gr[ea]y owls?/\n\nwolf"})
        assert "2 words or patterns" in told(edited)
        assert "```\nwolf\n/gr[ea]y owls?/\n```" in told(edited)
        await taken(discord, prompt="a fox")
        assert "gray owl" in await refused(discord, prompt="two gray owls")
        offered = await discord.boss.autocomplete(discord.channel, "atelier words", "remove", "wo")
        assert [each["value"] for each in offered] == ["wolf"]
        removed = await atelier(discord, "words", remove="wolf")
        assert "1 word" in told(removed)
        assert "wolf" not in told(removed)


async def test_a_bad_pattern_is_refused_and_given_back(tmp_path: Path) -> None:
    """The reason, and the list that was typed: a form forgets it. Nothing has changed."""
    async with open_discord(tmp_path, running=False) as discord:
        assert "missing" in told(await atelier(discord, "words", add="/[/"))
        form = await press(discord, (await atelier(discord, "words")).response, "Edit")
        bad = await discord.boss.submit_modal(form, {"words": "wolf\n/(?=a)b/"})
        assert "(?=" in told(bad)
        assert "```\nwolf\n/(?=a)b/\n```" in told(bad)
        await taken(discord, prompt="a wolf")


async def test_a_pattern_that_would_hang_is_harmless(tmp_path: Path) -> None:
    """One with which Python's own search would take for ever is answered like any other."""
    async with open_discord(tmp_path, running=False) as discord:
        await atelier(discord, "words", add="/(a+)+(a+)+$/")
        await taken(discord, prompt="a" * 1500 + " fox")


async def test_a_pause_holds_at_once(tmp_path: Path) -> None:
    """New jobs are refused kindly, those that wait stay; the button of the overview goes on."""
    async with open_discord(tmp_path, running=False) as discord:
        await taken(discord)
        paused = await atelier(discord, "pause")
        assert "Painting is paused" in told(paused)
        assert await refused(discord) == "Painting is paused here for now."
        assert (await discord.job()).state is JobState.QUEUED
        await press(discord, paused.response, "Go on")
        assert "Painting is open." in told(paused)
        await taken(discord)
        await atelier(discord, "pause")
        await atelier(discord, "resume")
        await taken(discord)


async def test_a_ban_has_an_end(tmp_path: Path) -> None:
    """For a span or for good; the reason says until when; lifted at once."""
    async with open_discord(tmp_path, running=False) as discord:
        shown = await atelier(discord, "ban", member=discord.ann, duration="2d")
        assert f"<@{discord.ann.id}> cannot ask for pictures here for 2 days." in told(shown)
        assert await refused(discord) == "You can ask for pictures again in 2 days."
        await discord.env.advance_time(2 * DAY + 1)
        await taken(discord)
        shown = await atelier(discord, "ban", member=discord.ann)
        assert "any more" in told(shown)
        assert await refused(discord) == "You cannot ask for pictures here."
        await press(discord, shown.response, "Unban")
        assert "may ask for pictures" in told(shown)
        await taken(discord)
        await press(discord, shown.response, "Ban for 1 day")
        assert "in 24 hours" in await refused(discord)
        await atelier(discord, "unban", member=discord.ann)
        await taken(discord)
        wrong = await atelier(discord, "ban", member=discord.ann, duration="soon")
        assert told(wrong) == "Duration: “soon” is not possible; 2d would be."
        offered = await discord.boss.autocomplete(
            discord.channel, "atelier ban", "duration", "3d", member=discord.ann
        )
        assert [each["value"] for each in offered] == ["3d", "1h", "1d", "7d", "30d", "for good"]


async def test_credits_are_given_and_reset(tmp_path: Path) -> None:
    """By command or on the panel; what somebody has used and has is said; it holds at once."""
    async with open_discord(tmp_path, running=False) as discord:
        none = await atelier(discord, "member", member=discord.ann, give=5.0)
        assert "50" in told(none)  # no budget of the server's own: nothing to add to
        await atelier(discord, "budget", credits=1.0)
        await taken(discord)
        await refused(discord)
        panel = await atelier(discord, "member", member=discord.ann)
        assert f"<@{discord.ann.id}> has used 1 of 1 credits a day" in told(panel)
        given = await atelier(discord, "member", member=discord.ann, give=1.0)
        assert "1 of 2 credits" in told(given)
        await taken(discord)
        await press(discord, panel.response, "Reset usage")
        assert "0 of 2 credits" in told(panel)
        await discord.env.advance_time(1)
        await taken(discord)
        form = await press(discord, panel.response, "Give credits")
        await discord.boss.submit_modal(form, {"credits": "2,5"})
        assert "1 of 4.5 credits" in told(panel)
        form = await press(discord, panel.response, "Own budget")
        await discord.boss.submit_modal(form, {"credits": "9"})
        assert "a budget of their own here: 9 credits a day" in told(panel)
        form = await press(discord, panel.response, "Own budget")
        await discord.boss.submit_modal(form, {"credits": ""})
        assert "of their own" not in told(panel)
        form = await press(discord, panel.response, "Give credits")
        wrong = await discord.boss.submit_modal(form, {"credits": "many"})
        assert told(wrong) == "Credits: “many” is not possible; 20 would be."
        set_to = await atelier(discord, "member", member=discord.ann, budget=7.0)
        assert "a budget of their own here: 7 credits a day" in told(set_to)
        await atelier(discord, "member", member=discord.ann, reset=True)


async def test_a_role_s_budget_shows_in_a_member_s_usage(tmp_path: Path) -> None:
    """Also on a press, when nobody says which roles somebody has."""
    async with open_discord(tmp_path, running=False) as discord:
        role = discord.guild.create_role("artists")
        ada = discord.guild.add_member(discord.env.create_user("ada"), roles=[role])
        await atelier(discord, "budget", role=role, credits=3.0)
        panel = await atelier(discord, "member", member=ada)
        assert "0 of 3 credits" in told(panel)
        await press(discord, panel.response, "Reset usage")
        assert "0 of 3 credits" in told(panel)


async def test_jobs_are_listed_and_cancelled(tmp_path: Path) -> None:
    """Each with its asker and a button; private words stay hidden; all at once after a question."""
    async with open_discord(tmp_path, running=False) as discord:
        await taken(discord, prompt="a *fox*")
        await discord.imagine("my secret", who=discord.bob, private=True)
        panel = await atelier(discord, "jobs")
        assert f"<@{discord.ann.id}> · " in told(panel)
        assert "a \\*fox\\*" in told(panel)
        assert "secret" not in told(panel)
        assert "*private*" in told(panel)
        first = await discord.job(0)
        await discord.boss.click(answer(panel), custom_id=f"o:cancel:{first.public}")
        assert f"Job `{first.public}` is cancelled." in told(panel)
        assert (await discord.job(0)).state is JobState.CANCELLED
        offered = await discord.boss.autocomplete(discord.channel, "atelier cancel", "job", "")
        second = (await discord.job(1)).public
        assert [each["value"] for each in offered] == ["all", second]
        assert "secret" not in str(offered)
        for _ in range(12):
            await discord.desk.studio.paint(
                await discord.desk.studio.asker(
                    "discord", f"{900 + _}", place=str(discord.guild.id)
                ),
                Ask(prompt="more"),
            )
        await press(discord, panel.response, "Look again")
        assert "And 4 more jobs." in told(panel)
        asked = await atelier(discord, "cancel", job="all")
        assert "13 jobs are about to be cancelled" in told(asked)
        assert (await discord.job()).state is JobState.QUEUED
        await press(discord, asked.response, "Really cancel all")
        assert "13 jobs are cancelled." in told(asked)
        assert "nothing waits" in told(asked)
        over = await atelier(discord, "cancel", job="nosuchjob")
        assert told(over) == "There is no such job."


async def test_a_job_being_painted_can_be_cancelled(tmp_path: Path) -> None:
    """It is in the list before those that wait, and stops."""
    painter = SquarePainter()
    painter.pace_s = 0.1
    async with open_discord(tmp_path, painter=painter) as discord:
        await taken(discord, steps=50)
        await discord.desk.until(lambda: painter.painted)
        panel = await atelier(discord, "jobs")
        assert "Painting" in told(panel)
        job = await discord.job()
        await atelier(discord, "cancel", job=job.public)
        assert (await discord.delivered()).state is JobState.CANCELLED


async def test_servers_do_not_touch_each_other(tmp_path: Path) -> None:
    """Another server's admin sees, pauses and cancels nothing here, and reads nothing of it."""
    async with open_discord(tmp_path, running=False) as discord:
        other = discord.env.create_guild("Elsewhere")
        hall = other.create_text_channel("hall")
        manager = other.create_role("bosses", permissions=Permissions(manage_guild=True))
        eve = other.add_member(discord.env.create_user("eve"), roles=[manager])
        await taken(discord, prompt="a fox")
        await atelier(discord, "words", add="wolf")
        job = await discord.job()
        seen = await eve.slash(hall, "atelier jobs")
        assert "nothing waits" in told(seen)
        stolen = await eve.slash(hall, "atelier cancel", job=job.public)
        assert told(stolen) == "There is no such job."
        assert await eve.autocomplete(hall, "atelier cancel", "job", "") == []
        await eve.slash(hall, "atelier pause")
        everything = await eve.slash(hall, "atelier cancel", job="all")
        await eve.click(answer(everything), label="Really cancel all")
        await eve.slash(hall, "atelier ban", member=eve)
        await taken(discord, prompt="a fox")
        assert (await discord.job(0)).state is JobState.QUEUED
        assert "paused" not in told(await atelier(discord, "audit"))
        assert "forbidden words" not in told(await eve.slash(hall, "atelier audit"))
        assert "No words" in told(await eve.slash(hall, "atelier words"))
        for name, options in (
            ("jobs", {}),
            ("audit", {}),
            ("ban", {"member": eve}),
            ("unban", {"member": eve}),
            ("member", {"member": eve, "give": 1.0}),
        ):
            far = await eve.slash(hall, f"atelier {name}", everywhere=True, **options)
            assert told(far) == explain(NotAllowed("operator"))


async def test_operators_may_do_it_everywhere(tmp_path: Path) -> None:
    """Without any right in the server; bans everywhere hold in every other one, too."""
    async with open_discord(tmp_path, running=False) as opened:
        chosen = opened.ann.id
    data = tmp_path / "again"
    data.mkdir()
    async with open_discord(data, running=False, operators=f"discord:{chosen}") as discord:
        assert discord.ann.id == chosen
        command = await _command(discord)
        discord.guild.set_command_permissions(command, {discord.guild.default_role: True})
        other = discord.env.create_guild("Elsewhere")
        hall = other.create_text_channel("hall")
        bob = other.add_member(discord.bob.user)
        await bob.slash(hall, "imagine", prompt="far away")
        seen = await atelier(discord, "jobs", by=discord.ann, everywhere=True)
        assert "far away" in told(seen)
        assert "far away" not in told(await atelier(discord, "jobs", by=discord.ann))
        public = (await discord.job()).public
        await discord.ann.click(answer(seen), custom_id=f"o:cancel-any:{public}")
        assert (await discord.job()).state is JobState.CANCELLED
        banned = await atelier(discord, "ban", by=discord.ann, member=discord.bob, everywhere=True)
        assert "anywhere" in told(banned)
        assert (await bob.slash(hall, "imagine", prompt="a fox")).ephemeral
        entries = await atelier(discord, "audit", by=discord.ann, everywhere=True)
        assert f"banned <@{discord.bob.id}> for good" in told(entries)
        await atelier(discord, "unban", by=discord.ann, member=discord.bob, everywhere=True)
        assert not (await bob.slash(hall, "imagine", prompt="a fox")).ephemeral


async def test_the_log_channel_has_to_be_writable(tmp_path: Path) -> None:
    """Found out at once, with what is missing; afterwards every change is one line there."""
    async with open_discord(tmp_path, running=False) as discord:
        assert discord.guild.me is not None
        closed = discord.guild.create_text_channel(
            "closed", overwrites={discord.guild.me: PermissionOverwrite(send_messages=False)}
        )
        logs = discord.guild.create_text_channel("logs")
        wrong = await atelier(discord, "log-channel", channel=closed)
        assert "Send Messages" in told(wrong)
        assert (await _place(discord)).rules.log_channel is None
        panel = await atelier(discord, "log-channel")
        chosen = await discord.boss.select(answer(panel), [logs])
        assert f"Reports and changes are told in <#{logs.id}>." in told(chosen)
        await atelier(discord, "pause")
        await atelier(discord, "ban", member=discord.ann, duration="1h")
        lines = [texts_of(message) for message in logs.history()]
        assert lines == [
            f"boss chose <#{logs.id}> as log channel.",
            "boss paused painting here.",
            f"boss banned <@{discord.ann.id}> for 1 hour.",
        ]
        await press(discord, panel.response, "No log channel")
        assert "There is no log channel" in told(panel)
        await atelier(discord, "resume")
        assert len(logs.history()) == 3


async def test_a_broken_log_channel_fails_nothing(tmp_path: Path) -> None:
    """What was done is done, and is said, although the line in the log cannot be posted."""
    async with open_discord(tmp_path, running=False) as discord:
        logs = discord.guild.create_text_channel("logs")
        await atelier(discord, "log-channel", channel=logs)
        discord.env.inject_error("POST", f"/channels/{logs.id}/messages", status=403)
        paused = await atelier(discord, "pause")
        assert "Painting is paused" in told(paused)
        assert (await _place(discord)).paused


async def test_the_audit_tells_who_did_what(tmp_path: Path) -> None:
    """The latest first, in words, with whom and with which values; names are harmless."""
    async with open_discord(tmp_path, running=False) as discord:
        role = discord.guild.create_role("artists")
        assert "Nobody has changed anything yet." in told(await atelier(discord, "audit"))
        await atelier(discord, "budget", credits=5.0)
        await atelier(discord, "budget", role=role, credits=9.0)
        await atelier(discord, "queue-limit", role=role, most=2)
        await atelier(discord, "channels", allow=discord.channel)
        await atelier(discord, "words", add="wolf")
        await atelier(discord, "member", member=discord.ann, give=2.0)
        await atelier(discord, "member", member=discord.ann, reset=True)
        await atelier(discord, "member", member=discord.ann, budget=3.0)
        await atelier(discord, "ban", member=discord.ann, duration="3d")
        await atelier(discord, "unban", member=discord.ann)
        await atelier(discord, "cancel", job="all")
        said = told(await atelier(discord, "audit"))
        lines = [line.partition("> ")[2] for line in said.splitlines()[1:]]
        ann = f"<@{discord.ann.id}>"
        assert lines == [
            f"boss lifted the ban of {ann}.",
            f"boss banned {ann} for 3 days.",
            f"boss gave {ann} a budget of 3 credits a day.",
            f"boss reset what {ann} has used.",
            f"boss gave {ann} 2 credits.",
            "boss changed the forbidden words.",
            f"boss allows these channels: <#{discord.channel.id}>.",
            f"boss set how many jobs those with a role may have in line: <@&{role.id}>: 2.",
            f"boss set the budgets of roles: <@&{role.id}>: 9 (credits a day).",
            "boss set the budget of each person: 5 credits a day.",
        ]


async def test_panels_work_after_a_restart(tmp_path: Path) -> None:
    """Buttons, menus, and a form that was open meanwhile."""
    async with open_discord(tmp_path, running=False) as discord:
        panel = await atelier(discord, "words")
        form = await press(discord, panel.response, "Edit")
        channels = await atelier(discord, "channels")
        await discord.restart()
        await discord.boss.submit_modal(form, {"words": "wolf"})
        assert "1 word or pattern is forbidden." in told(panel)
        await discord.boss.select(answer(channels), [discord.channel])
        assert f"<#{discord.channel.id}>" in told(channels)
        await press(discord, channels.response, "Back")
        assert "### Rules" in told(channels)


async def test_admins_are_answered_in_their_language(tmp_path: Path) -> None:
    """German where Discord is set to German."""
    async with open_discord(tmp_path, running=False) as discord:
        discord.payload = {"locale": "de"}
        shown = await atelier(discord, "overview")
        assert "Es darf gemalt werden." in told(shown)
        assert "Pausieren" in buttons_of(shown.response)


async def reported(
    discord: DiscordDesk,
    message: Any,
    reason: str = "not for here",
    *,
    by: simcord.MemberActor | None = None,
) -> str:
    """What somebody (bob) is told after a report of the picture under this message."""
    who = by or discord.bob
    form = await who.click(message, label="Report")
    assert form.modal is not None
    return told_last(await who.submit_modal(form, {"reason": reason}))


def told_last(result: simcord.InteractionResult) -> str:
    """What an answer says in the end, whether or not it was announced first."""
    last = result.followups[-1] if result.followups else result.response
    assert last is not None
    assert last.ephemeral
    return texts_of(last)


async def test_a_report_goes_to_the_moderators(tmp_path: Path) -> None:
    """Picture behind a veil, prompt, reason, both people and the way to the message, once each."""
    async with open_discord(tmp_path) as discord:
        logs = discord.guild.create_text_channel("logs")
        await atelier(discord, "log-channel", channel=logs)
        message = await discord.painted("a *fox* @everyone")
        job = await discord.job()
        thanks = await reported(discord, message, "too <@1> orange")
        assert thanks == "Thank you. The moderators see your report now."
        card = logs.history()[-1]
        text = texts_of(card)
        assert f"<@{discord.bob.id}> reports a picture that <@{discord.ann.id}> asked for." in text
        assert "a \\*fox\\*" in text
        assert "@everyone" not in text
        assert "> too \\<" in text
        assert "<@1>" not in text
        where = f"{discord.guild.id}/{discord.channel.id}/{message.id}"
        assert f"https://discord.com/channels/{where}" in text
        assert [item["spoiler"] for item in gallery_of(card)] == [True]
        assert set(buttons_of(card)) == {"Delete", "Ban for 1 day", "Ban for good", "Dismiss"}
        again = await reported(discord, message)
        assert "reported this before" in again
        assert len(logs.history()) == 2
        await reported(discord, message, by=discord.mod)
        assert len(logs.history()) == 3
        said = told(await atelier(discord, "audit"))
        assert f"bob reported `{job.public}`: too \\<" in said
        assert len(discord.channel.history()) == 1


async def test_moderators_delete_from_the_card(tmp_path: Path) -> None:
    """Only they; the picture is gone everywhere, the card says who did it, after a restart too."""
    async with open_discord(tmp_path) as discord:
        logs = discord.guild.create_text_channel("logs")
        await atelier(discord, "log-channel", channel=logs)
        message = await discord.painted()
        await reported(discord, message)
        await discord.restart()
        card = logs.history()[-1]
        for label in buttons_of(card):
            stranger = await discord.bob.click(card, label=label)
            assert told(stranger) == explain(NotAllowed("moderator"))
        assert len(await discord.desk.pictures.of_job(1)) == 1
        await discord.mod.click(card, label="Delete")
        assert await discord.desk.pictures.of_job(1) == []
        assert [gallery_of(each) for each in discord.channel.history()] == [[]]
        card = logs.history()[-1]
        assert f"<@{discord.mod.id}> deleted it." in texts_of(card)
        assert gallery_of(card) == []
        assert set(buttons_of(card)) == {"Ban for 1 day", "Ban for good", "Dismiss"}
        assert "deleted pictures of" in told(await atelier(discord, "audit"))


async def test_moderators_ban_from_the_card(tmp_path: Path) -> None:
    """For a day or for good; the picture stays to be looked at; both are said."""
    async with open_discord(tmp_path) as discord:
        logs = discord.guild.create_text_channel("logs")
        await atelier(discord, "log-channel", channel=logs)
        await reported(discord, await discord.painted())
        await discord.mod.click(logs.history()[-1], label="Ban for 1 day")
        assert "in 24 hours" in await refused(discord)
        card = logs.history()[-1]
        assert f"<@{discord.mod.id}> banned the asker for 1 day." in texts_of(card)
        assert [item["spoiler"] for item in gallery_of(card)] == [True]
        assert set(buttons_of(card)) == {"Delete", "Ban for good", "Dismiss"}
        await discord.boss.click(card, label="Ban for good")
        assert await refused(discord) == "You cannot ask for pictures here."
        card = logs.history()[-1]
        assert f"<@{discord.boss.id}> banned the asker for good." in texts_of(card)
        assert "for 1 day" in texts_of(card)
        await discord.mod.click(card, label="Dismiss")
        card = logs.history()[-1]
        assert "found nothing wrong with it" in texts_of(card)
        assert buttons_of(card) == {}
        assert gallery_of(card) == []
        assert len(await discord.desk.pictures.of_job(1)) == 1


async def test_a_report_without_a_log_channel_is_kept(tmp_path: Path) -> None:
    """The reporter gets a kind word, the audit has the reason; so it is when posting fails."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        kept = "Thank you. Your report is kept for those who look after this place."
        assert await reported(discord, message) == kept
        assert "not for here" in told(await atelier(discord, "audit"))
        logs = discord.guild.create_text_channel("logs")
        await atelier(discord, "log-channel", channel=logs)
        discord.env.inject_error("POST", f"/channels/{logs.id}/messages", status=403)
        assert await reported(discord, message, by=discord.mod) == kept


async def test_what_is_private_is_reported_by_nobody_else(tmp_path: Path) -> None:
    """A forged report of somebody's private picture finds nothing, and posts nothing."""
    async with open_discord(tmp_path) as discord:
        logs = discord.guild.create_text_channel("logs")
        await atelier(discord, "log-channel", channel=logs)
        await discord.imagine("my secret", private=True)
        secret = await discord.delivered()
        message = await discord.painted("a fox", who=discord.bob)
        form = await discord.bob.click(message, label="Report")
        assert form._interaction.modal is not None
        form._interaction.modal["custom_id"] = f"o:report-form:{secret.public}"
        assert told_last(await discord.bob.submit_modal(form, {"reason": "x"})) == (
            "There is no such picture (any more)."
        )
        assert len(logs.history()) == 1


async def _place(discord: DiscordDesk) -> Place:
    return await discord.desk.places.known("discord", str(discord.guild.id))


async def _command(discord: DiscordDesk) -> AppCommand:
    commands = await discord.bot.client.tree.fetch_commands()
    return next(command for command in commands if command.name == "atelier")
