"""What the buttons under a picture do, for whom, and for how long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import discord as discord_py
import pytest
import simcord

from bot.desk.actions import Action, Verb
from bot.on_discord import sources
from engine.request import Ask
from storage.job import JobState
from tests.bot.discord_parts import (
    DiscordDesk,
    buttons_of,
    gallery_of,
    open_discord,
    texts_of,
)
from tests.bot.test_discord_commands import _png


async def test_again_paints_the_same_with_another_seed(tmp_path: Path) -> None:
    """By whoever presses, on their own account."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a fox --steps 3 --seed 7")
        result = await discord.bob.click(message, label="Again")
        assert not result.ephemeral
        job = await discord.delivered()
        first = await discord.job(0)
        assert job.person != first.person
        assert (job.paint.prompt, job.paint.steps) == ("a fox", 3)
        assert job.paint.seed != 7
        assert result.response is not None
        assert gallery_of(result.response.message)


async def test_vary_starts_from_the_picture(tmp_path: Path) -> None:
    """A little with subtle, clearly with strong; the result links to where it came from."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        first = await discord.job()
        for label, nth in (("Vary (subtle)", 1), ("Vary (strong)", 2)):
            await discord.ann.click(message, label=label)
            job = await discord.delivered(nth)
            assert job.paint.source is not None
            assert job.paint.source.startswith("picture:")
            assert job.parent == first.public
            assert f"[`{first.public}`]({message.jump_url})" in texts_of(
                discord.channel.last_message
            )
        subtle, strong = await discord.job(1), await discord.job(2)
        assert subtle.paint.strength < strong.paint.strength


async def test_four_pictures_have_a_button_each(tmp_path: Path) -> None:
    """V1–V4, each from its own picture; two have V1 and V2."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted(count=4)
        assert len(gallery_of(message)) == 4
        assert {"V1", "V2", "V3", "V4"} <= set(buttons_of(message))
        await discord.ann.click(message, label="V3")
        job = await discord.delivered()
        (view,) = await discord.desk.studio.history(await _asker(discord), limit=1, before=job.id)
        assert job.paint.source == f"picture:{view.pictures[2].id}"
        assert job.paint.count == 4
        two = await discord.painted(count=2)
        assert {name for name in buttons_of(two) if name.startswith("V")} == {
            "V1",
            "V2",
            "Vary prompt",
        }


async def test_vary_prompt_asks_for_words_with_the_old_ones_filled_in(tmp_path: Path) -> None:
    """A form; what comes back is painted with the rest as it was, and flags in it work."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a fox", negative="fog", style="poster", steps=3)
        shown = await discord.bob.click(message, label="Vary prompt")
        assert shown.modal is not None
        fields = {each["custom_id"]: each for each in _inputs(shown.modal)}
        assert fields["prompt"]["value"] == "a fox"
        assert fields["negative"]["value"] == "fog"
        result = await discord.bob.submit_modal(
            shown, {"prompt": "a cat --seed 5", "negative": "rain"}
        )
        assert not result.ephemeral
        job = await discord.delivered()
        ask = Ask.from_json(job.ask_json)
        assert (ask.prompt, ask.style, job.paint.steps) == ("a cat", "poster", 3)
        assert (job.paint.seed, job.paint.negative) == (5, "rain")
        assert job.parent == (await discord.job(0)).public


async def test_a_form_survives_a_restart(tmp_path: Path) -> None:
    """It was open while the bot was replaced; what was written is not lost."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        shown = await discord.ann.click(message, label="Vary prompt")
        await discord.restart()
        await discord.ann.submit_modal(shown, {"prompt": "a cat", "negative": ""})
        assert (await discord.delivered()).paint.prompt == "a cat"


async def test_buttons_work_after_a_restart_and_a_year(tmp_path: Path) -> None:
    """The state is in the button and the storage, nowhere else."""
    async with open_discord(tmp_path, painter=None) as discord:
        message = await discord.painted(count=2)
        await discord.restart()
        await discord.env.advance_time(365 * 86_400)
        for label in ("V2", "Again"):
            result = await discord.ann.click(message, label=label)
            assert not result.ephemeral, texts_of(result.response)
            job = await discord.delivered()
            assert job.state is JobState.DONE
        details = await discord.ann.click(message, label="Details")
        assert details.ephemeral


async def test_one_s_own_job_can_be_cancelled(tmp_path: Path) -> None:
    """While it waits and while it is painted; the message says so and has nothing to cancel."""
    async with open_discord(tmp_path) as discord:
        discord.desk.painter.hold()
        painted = await discord.imagine("first")
        waits = await discord.imagine("second")
        assert waits.response is not None
        await discord.ann.click(waits.response, label="Cancel")
        assert (await discord.job()).state is JobState.CANCELLED
        assert "Cancelled" in texts_of(waits.response)
        assert "Cancel" not in buttons_of(waits.response)
        assert painted.response is not None
        pressing = asyncio.create_task(discord.ann.click(painted.response, label="Cancel"))
        line = discord.desk.line
        await discord.desk.until(lambda: line.painting is not None and line.painting.cancelled)
        discord.desk.painter.step()
        await pressing
        job = await discord.delivered(0)
        assert job.state is JobState.CANCELLED
        assert "Cancelled" in texts_of(painted.response)


async def test_somebody_else_s_job_is_theirs(tmp_path: Path) -> None:
    """A kind word for others; moderators may cancel and delete."""
    async with open_discord(tmp_path) as discord:
        discord.desk.painter.hold()
        await discord.imagine("first")
        waits = await discord.imagine("second")
        assert waits.response is not None
        refused = await discord.bob.click(waits.response, label="Cancel")
        assert refused.ephemeral
        assert "somebody else" in texts_of(refused.response)
        await discord.mod.click(waits.response, label="Cancel")
        assert (await discord.delivered()).state is JobState.CANCELLED
        discord.desk.painter.release()
        message = await discord.painted()
        refused = await discord.bob.click(message, label="Delete")
        assert refused.ephemeral
        assert "somebody else" in texts_of(refused.response)
        assert not buttons_of(refused.response)
        sure = await discord.mod.click(message, label="Delete")
        await _press(discord.mod, sure, "Delete for good")
        assert not gallery_of(_again(discord, message))


async def test_deleting_asks_once_and_empties_the_message(tmp_path: Path) -> None:
    """The picture is gone from the channel and from the disk; keeping it is possible."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        asked = await discord.ann.click(message, label="Delete")
        assert asked.ephemeral
        await _press(discord.ann, asked, "Keep")
        assert gallery_of(_again(discord, message))
        asked = await discord.ann.click(message, label="Delete")
        await _press(discord.ann, asked, "Delete for good")
        assert "deleted" in texts_of(_again(discord, message))
        assert not gallery_of(_again(discord, message))
        assert not _again(discord, message).attachments
        assert not buttons_of(_again(discord, message))
        assert not list((tmp_path / "pictures").glob("*/*.png"))


async def test_what_is_deleted_elsewhere_is_gone_from_its_own_message(tmp_path: Path) -> None:
    """Deleted under a copy that was shown later: neither of the two shows it any more."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        copy = await discord.bob.slash(discord.channel, "show", id=(await discord.job()).public)
        assert copy.response is not None
        asked = await discord.ann.click(copy.response, label="Delete")
        await _press(discord.ann, asked, "Delete for good")
        assert not gallery_of(_again(discord, message))
        assert not gallery_of(copy.response)


async def test_one_of_four_can_be_deleted(tmp_path: Path) -> None:
    """The other three stay, with their buttons."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted(count=4)
        asked = await discord.ann.click(message, label="Delete")
        assert {"1", "2", "3", "4", "All of them", "Keep"} == set(buttons_of(asked.response))
        await _press(discord.ann, asked, "2")
        left = _again(discord, message)
        assert len(gallery_of(left)) == 3
        assert {name for name in buttons_of(left) if name in ("V1", "V2", "V3", "V4")} == {
            "V1",
            "V3",
            "V4",
        }


async def test_the_picture_comes_as_a_direct_message(tmp_path: Path) -> None:
    """To whoever pressed, with its buttons; a kind word if they take none."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        result = await discord.bob.click(message, label="Send me")
        assert result.ephemeral
        assert "direct messages" in texts_of(result.response)
        last = discord.bob.user.dm_channel.last_message
        assert gallery_of(last)
        discord.env.inject_error("POST", "/channels/*/messages", status=403, code=50007)
        closed = await discord.bob.click(message, label="Send me")
        assert "closed" in texts_of(closed.response)


@pytest.mark.parametrize(
    "custom_id",
    [
        "a:nonsense:x",
        "a:again:",
        "a:cancel:zzzzzzzzzzzz",
        "a:page:none",
        "a:delete-sure:abc",
        "a:delete-sure:abc.1.2",
        "a:" + "x" * 90,
        "a:vary-strong:none",
        "a:source:none",
        "strange",
    ],
)
async def test_a_forged_button_gets_a_kind_word(tmp_path: Path, custom_id: str) -> None:
    """Never a crash, never a spinner."""
    async with open_discord(tmp_path) as discord:
        view = discord_py.ui.LayoutView()
        row: Any = discord_py.ui.ActionRow()
        row.add_item(discord_py.ui.Button(label="?", custom_id=custom_id))
        view.add_item(row)
        with discord.env.time_context():
            channel = discord.bot.client.get_partial_messageable(discord.channel.id)
            message = await channel.send(view=view)
        view.stop()
        result = await discord.ann.click(message, label="?")
        if not result.acknowledged:
            await discord.env.advance_time(2.5)
        assert result.ephemeral
        if custom_id != "a:page:none":
            assert texts_of(result.response)[-1] in ".?"


async def test_an_unexpected_error_is_a_kind_word(tmp_path: Path) -> None:
    """The traceback is in the log; whoever pressed is told in a sentence."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        for path in (tmp_path / "pictures").glob("*/*.png"):
            path.write_bytes(b"not a picture any more")
        result = await discord.ann.slash(discord.channel, "history")
        assert result.ephemeral
        discord.bot.counter.studio = None  # type: ignore[assignment] # whatever may break
        broken = await discord.ann.click(message, label="Again")
        assert broken.ephemeral
        assert "something went wrong" in texts_of(broken.response)


async def test_our_own_picture_can_be_a_source(tmp_path: Path) -> None:
    """By the menu of its message: a form asks what to paint, and which one if there are several."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a fox", count=2)
        shown = await discord.bob.context_menu(discord.channel, "Use as source", message)
        assert shown.modal is not None
        fields = {each["custom_id"]: each for each in _inputs(shown.modal)}
        assert fields["prompt"]["value"] == "a fox"
        second = fields["which"]["options"][1]["value"]
        result = await discord.bob.submit_modal(
            shown, {"which": [second], "prompt": "a cat", "strength": "0,4"}
        )
        assert not result.ephemeral, texts_of(result.response)
        job = await discord.delivered()
        assert (job.paint.source, job.paint.strength) == (f"picture:{second}", 0.4)


async def test_what_is_painted_from_a_private_picture_is_private(tmp_path: Path) -> None:
    """The form comes from a menu, which does not tell that its message is seen by one alone."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a secret", private=True)
        shown = await discord.ann.context_menu(discord.channel, "Use as source", message)
        assert shown.modal is not None
        result = await discord.ann.submit_modal(shown, {"prompt": "a secret cat"})
        assert result.ephemeral, texts_of(result.response)
        assert (await discord.delivered()).private


async def test_pictures_of_others_can_be_a_source(tmp_path: Path) -> None:
    """What is attached to any message; where there is none, that is said."""
    async with open_discord(tmp_path) as discord:
        words = await discord.bob.send(discord.channel, "no picture here")
        refused = await discord.ann.context_menu(discord.channel, "Use as source", words)
        assert refused.ephemeral
        assert "no picture" in texts_of(refused.response)
        message = await discord.bob.send(discord.channel, attachments=[("me.png", _png("blue"))])
        shown = await discord.ann.context_menu(discord.channel, "Use as source", message)
        await discord.ann.submit_modal(shown, {"prompt": "a cat"})
        job = await discord.delivered()
        assert job.paint.source is not None
        assert job.paint.source.startswith("upload:")
        shown = await discord.ann.context_menu(discord.channel, "Use as source", message)
        await discord.restart()
        lost = await discord.ann.submit_modal(shown, {"prompt": "a cat"})
        assert lost.ephemeral
        assert "point at the picture again" in texts_of(lost.response)


async def test_pictures_are_found_in_galleries_and_fetched_from_discord_alone(
    tmp_path: Path,
) -> None:
    """Whatever address a message names, nothing but Discord's own machines is asked."""
    async with open_discord(tmp_path) as discord:
        good = "https://cdn.discordapp.com/attachments/1/2/a.png"
        bad = ("http://169.254.169.254/secret", "https://discordapp.com.evil.example/a.png")
        gallery = discord_py.ui.MediaGallery[Any]()
        for url in (good, *bad, good):
            gallery.add_item(media=url)
        view = discord_py.ui.LayoutView()
        view.add_item(discord_py.ui.Container(gallery))
        with discord.env.time_context():
            channel = discord.bot.client.get_partial_messageable(discord.channel.id)
            message = await channel.send(view=view)
        view.stop()
        assert sources.pictures_in(message) == [good]


async def test_details_need_a_picture_of_ours(tmp_path: Path) -> None:
    """Of other messages there is nothing to tell; buttons of other bots are not believed."""
    async with open_discord(tmp_path) as discord:
        words = await discord.bob.send(discord.channel, "hello")
        refused = await discord.ann.context_menu(discord.channel, "Details", words)
        assert refused.ephemeral


async def test_buttons_of_private_pictures_stay_private(tmp_path: Path) -> None:
    """What is painted from an answer that only one person sees is seen by them alone."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a secret", private=True)
        result = await discord.ann.click(message, label="Again")
        assert result.ephemeral
        job = await discord.delivered()
        assert job.private
        assert all(m.flags.ephemeral for m in discord.channel.history())


async def test_defaults_can_be_forgotten_by_a_button(tmp_path: Path) -> None:
    """Under the defaults themselves."""
    async with open_discord(tmp_path) as discord:
        saved = await discord.ann.slash(discord.channel, "settings set", steps=9)
        assert saved.response is not None
        await discord.ann.click(saved.response, label="Forget my defaults")
        await discord.painted()
        assert (await discord.job()).paint.steps == 4


def test_every_verb_fits_a_button() -> None:
    """With the longest targets there are."""
    for verb in Verb:
        assert len(Action(verb, "0" * 12).format().encode()) <= 64
    longest = f"{'0' * 12}.4.{2**63}"
    assert len(Action(Verb.DELETE_SURE, longest).format().encode()) <= 64


async def _asker(discord: DiscordDesk) -> Any:
    place = str(discord.guild.id)
    return await discord.desk.studio.asker("discord", str(discord.ann.id), place=place)


async def _press(who: simcord.MemberActor, result: Any, label: str) -> simcord.InteractionResult:
    assert result.response is not None
    return await who.click(result.response, label=label)


def _again(discord: DiscordDesk, message: discord_py.Message) -> Any:
    return next(m for m in discord.channel.history() if m.id == message.id)


def _inputs(modal: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in modal["components"]:
        found += [each["component"]] if "component" in each else each.get("components", [])
    return found
