"""What members type, and what they get to see, from the first answer to the picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import discord as discord_py
import pytest
from PIL import Image

from bot.desk.flags import parse
from bot.on_discord.where import Where
from engine.request import Ask
from storage.job import JobState
from tests.bot.discord_parts import buttons_of, gallery_of, open_discord, texts_of


def _png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


async def test_imagine_brings_a_picture(tmp_path: Path) -> None:
    """One answer, which becomes the picture with its prompt, its facts and its buttons."""
    async with open_discord(tmp_path) as discord:
        result = await discord.imagine("a fox --seed 7")
        assert not result.ephemeral
        assert not result.deferred
        job = await discord.delivered()
        assert job.state is JobState.DONE
        message = discord.channel.last_message
        assert message is not None
        assert result.response is not None
        assert message.id == result.response.id
        assert "**a fox**" in texts_of(message)
        assert "seed 7" in texts_of(message)
        assert [item["description"] for item in gallery_of(message)] == ["a fox"]
        assert "Vary (subtle)" in buttons_of(message)
        assert len(discord.channel.history()) == 1


async def test_the_options_fill_the_request(tmp_path: Path) -> None:
    """Every option arrives; flags in the words win over them."""
    async with open_discord(tmp_path) as discord:
        await discord.imagine(
            "a fox --steps 3 --no rain",
            negative="fog",
            model="squares",
            size="portrait",
            steps=9,
            guidance=2.5,
            seed=11,
            count=2,
            style="poster",
            spoiler=True,
        )
        job = await discord.delivered()
        paint = job.paint
        assert (paint.width, paint.height, paint.steps) == (32, 48, 3)
        assert (paint.guidance, paint.seed, paint.count) == (2.5, 11, 2)
        assert paint.prompt == "a fox, poster"
        assert paint.negative.startswith("rain")
        assert not job.notes
        ask = Ask.from_json(job.ask_json)
        assert (ask.prompt, ask.style) == ("a fox", "poster")
        message = discord.channel.last_message
        assert [item["spoiler"] for item in gallery_of(message)] == [True, True]


async def test_named_shapes_lead_to_native_sizes(tmp_path: Path) -> None:
    """square, portrait, landscape and wide, a size of the model, a ratio; flags win."""
    async with open_discord(tmp_path) as discord:
        sizes = []
        for prompt, size in (
            ("a", "square"),
            ("b", "landscape"),
            ("c", "wide"),
            ("d", "48×32"),
            ("e", "2:3"),
            ("f --ar 1:1", "portrait"),
            ("g --size 48x32", "portrait"),
        ):
            result = await discord.imagine(prompt, size=size)
            assert not result.ephemeral, texts_of(result.response)
            job = await discord.delivered()
            sizes.append((job.paint.width, job.paint.height))
        assert sizes == [(32, 32), (48, 32), (48, 32), (48, 32), (32, 48), (32, 32), (48, 32)]
        refused = await discord.imagine("h", size="enormous")
        assert refused.ephemeral


async def test_spoiler_works_as_a_flag(tmp_path: Path) -> None:
    """`--spoiler` in the words hides the picture, and is not painted."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a fox --spoiler")
        assert gallery_of(message)[0]["spoiler"]
        assert (await discord.job()).paint.prompt == "a fox"


async def test_what_is_refused_is_seen_by_the_asker_alone(tmp_path: Path) -> None:
    """A sentence, ephemeral, and nothing in the channel."""
    async with open_discord(tmp_path) as discord:
        for prompt, options, word in (
            ("a fox --steps 99", {}, "1–50"),
            ("a fox --stpes 3", {}, "--steps"),
            ("a fox", {"model": "nope"}, "nope"),
            ("a fox", {"style": "nope"}, "nope"),
            ("--no fog", {}, "what to paint"),
            ("a fox", {"strength": 7.0, "image": ("a.png", _png())}, "0.05"),
        ):
            result = await discord.imagine(prompt, **options)
            assert result.ephemeral
            assert word in texts_of(result.response), prompt
        assert discord.channel.history() == []


async def test_people_are_answered_in_their_language(tmp_path: Path) -> None:
    """German for those whose Discord is German, also where the picture appears."""
    async with open_discord(tmp_path) as discord:
        discord.payload = {"locale": "de"}
        refused = await discord.imagine("a fox --steps 99")
        assert "Schritte" in texts_of(refused.response)
        message = await discord.painted()
        assert "gemalt in" in texts_of(message)
        assert "Löschen" in buttons_of(message)


async def test_words_of_members_cannot_reach_out_of_a_refusal(tmp_path: Path) -> None:
    """What they typed is shown as they typed it: no mention, no markup, no link."""
    async with open_discord(tmp_path) as discord:
        result = await discord.imagine("a fox --ar **@everyone**")
        assert result.ephemeral
        assert r"\*\*@" in texts_of(result.response)
        assert "@everyone" not in texts_of(result.response)


async def test_missing_permissions_are_found_before_painting(tmp_path: Path) -> None:
    """Named for the asker alone; no job is taken. In private it does not matter."""
    async with open_discord(tmp_path) as discord:
        here = discord_py.Permissions.all()
        here.update(attach_files=False, embed_links=False)
        discord.payload = {"app_permissions": str(here.value)}
        result = await discord.imagine()
        assert result.ephemeral
        assert "“Embed Links”, “Attach Files”" in texts_of(result.response)
        assert await discord.desk.jobs.length() == 0
        private = await discord.imagine(private=True)
        assert private.ephemeral
        job = await discord.delivered()
        assert job.state is JobState.DONE


async def test_private_ones_never_reach_the_channel(tmp_path: Path) -> None:
    """Only the asker sees the answer and the picture; for others there is no such job."""
    async with open_discord(tmp_path) as discord:
        result = await discord.imagine("a secret", private=True)
        assert result.ephemeral
        job = await discord.delivered()
        assert job.private
        assert result.response is not None
        assert gallery_of(result.response.message)
        assert all(m.flags.ephemeral for m in discord.channel.history())
        other = await discord.bob.slash(discord.channel, "show", id=job.public)
        assert other.ephemeral
        assert "no such job" in texts_of(other.response)
        own = await discord.ann.slash(discord.channel, "show", id=job.public)
        assert own.ephemeral
        assert gallery_of(own.response)


async def test_a_late_private_picture_comes_as_a_direct_message(tmp_path: Path) -> None:
    """After fifteen minutes the answer cannot be edited any more; the channel stays clean."""
    async with open_discord(tmp_path) as discord:
        discord.desk.painter.hold()
        await discord.imagine("a secret", private=True)
        await discord.env.advance_time(16 * 60)
        discord.desk.painter.release()
        job = await discord.delivered()
        assert job.state is JobState.DONE
        last = discord.ann.user.dm_channel.last_message
        assert last is not None
        assert gallery_of(last)
        assert all(m.flags.ephemeral for m in discord.channel.history())


async def test_a_late_picture_comes_by_the_bot_itself(tmp_path: Path) -> None:
    """After fifteen minutes and a restart: a new message that mentions the asker once."""
    async with open_discord(tmp_path) as discord:
        discord.desk.painter.hold()
        result = await discord.imagine()
        await discord.env.advance_time(17 * 60)
        await discord.restart()
        discord.desk.painter.release()
        await discord.delivered()
        first, last = sorted(discord.channel.history(), key=lambda message: message.id)
        assert result.response is not None
        assert first.id == result.response.id
        assert last is not None
        assert gallery_of(last)
        assert [user.id for user in last.mentions] == [discord.ann.id]
        assert last.jump_url in texts_of(first)
        assert not buttons_of(first)


async def test_an_image_becomes_the_source(tmp_path: Path) -> None:
    """An attached picture is kept, and painted from."""
    async with open_discord(tmp_path) as discord:
        await discord.imagine(image=("me.png", _png()), strength=0.5)
        job = await discord.delivered()
        assert job.paint.source is not None
        assert job.paint.strength == 0.5
        assert discord.desk.painter.sources[-1] is not None


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [("me.png", b"no picture", "not a picture"), ("me.txt", b"words", "not a picture")],
)
async def test_what_is_no_picture_is_refused(
    tmp_path: Path, name: str, data: bytes, word: str
) -> None:
    """With a reason, for the asker alone."""
    async with open_discord(tmp_path) as discord:
        result = await discord.imagine(image=(name, data))
        assert result.ephemeral
        assert word in texts_of(result.response)
        assert discord.channel.history() == []


async def test_too_large_a_source_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    """Its size is known beforehand."""
    async with open_discord(tmp_path) as discord:
        result = await discord.imagine(image=("me.png", b"x" * 20_000_001))
        assert result.ephemeral
        assert "20.0 MB" in texts_of(result.response)
        assert not any("cdn" in str(entry) for entry in discord.env.http_requests)


async def test_models_styles_and_sizes_are_offered_while_typing(tmp_path: Path) -> None:
    """What fits to what was typed; sizes are those of the chosen model."""
    async with open_discord(tmp_path) as discord:
        offer = discord.ann.autocomplete

        async def values(option: str, typed: str, **filled: Any) -> list[str]:
            found = await offer(discord.channel, "imagine", option, typed, prompt="x", **filled)
            return [choice["value"] for choice in found]

        assert await values("model", "") == ["squares", "plain"]
        assert await values("model", "WITHOUT") == ["plain"]
        assert "watercolor" in await values("style", "water")
        assert (await values("size", ""))[:4] == ["square", "portrait", "landscape", "wide"]
        assert "48×32" in await values("size", "48")
        assert "48×32" not in await values("size", "48", model="plain")


async def test_the_queue_shows_who_waits_but_no_secrets(tmp_path: Path) -> None:
    """Position, prompt and name; a private prompt is hidden from everybody else."""
    async with open_discord(tmp_path) as discord:
        empty = await discord.bob.slash(discord.channel, "queue")
        assert "Nobody" in texts_of(empty.response)
        discord.desk.painter.hold()
        await discord.imagine("a *fox*")
        await discord.imagine("a secret", private=True)
        seen = await discord.bob.slash(discord.channel, "queue")
        assert seen.ephemeral
        told = texts_of(seen.response)
        assert r"a \*fox\*" in told
        assert "ann" in told
        assert "secret" not in told
        own = await discord.ann.slash(discord.channel, "queue")
        assert "one of yours, private" in texts_of(own.response)


async def test_usage_says_what_is_used(tmp_path: Path) -> None:
    """Used, budget, and how many wait."""
    async with open_discord(tmp_path, budget=10) as discord:
        await discord.painted()
        seen = await discord.ann.slash(discord.channel, "usage")
        assert seen.ephemeral
        assert "1 of 10 credits" in texts_of(seen.response)
        assert "10%" in texts_of(seen.response)


async def test_a_spent_budget_is_refused_with_the_time(tmp_path: Path) -> None:
    """Ephemeral, with the numbers."""
    async with open_discord(tmp_path, budget=1) as discord:
        await discord.painted()
        refused = await discord.imagine()
        assert refused.ephemeral
        assert "1 of your 1 credits a day are used" in texts_of(refused.response)


async def test_show_posts_a_picture_again(tmp_path: Path) -> None:
    """By the id of the job, with all its buttons; ids of nothing are refused."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted(count=2)
        job = await discord.job()
        again = await discord.bob.slash(discord.channel, "show", id=f" `{job.public.upper()}` ")
        assert not again.ephemeral
        assert len(gallery_of(again.response)) == 2
        assert buttons_of(again.response) == buttons_of(message)
        nothing = await discord.bob.slash(discord.channel, "show", id="nothing")
        assert nothing.ephemeral


async def test_history_has_pages(tmp_path: Path) -> None:
    """One's own, newest first, five to a page, with buttons to turn and to show."""
    async with open_discord(tmp_path) as discord:
        nobody = await discord.bob.slash(discord.channel, "history")
        assert "nothing here yet" in texts_of(nobody.response)
        for number in range(7):
            await discord.painted(f"number {number}")
        first = await discord.ann.slash(discord.channel, "history")
        assert first.ephemeral
        assert "number 6" in texts_of(first.response)
        assert "number 1" not in texts_of(first.response)
        assert first.response is not None
        await discord.ann.click(first.response, label="Older")
        assert "number 1" in texts_of(first.response)
        assert "number 6" not in texts_of(first.response)
        shown = await discord.ann.click(first.response, label="2")
        assert shown.ephemeral
        assert "number 0" in texts_of(shown.response)
        assert gallery_of(shown.response)
        await discord.ann.click(first.response, label="Newer")
        assert "number 6" in texts_of(first.response)


async def test_models_styles_and_help_are_told(tmp_path: Path) -> None:
    """For whoever asks, alone."""
    async with open_discord(tmp_path) as discord:
        for command, word in (
            ("models", "Coloured squares"),
            ("styles", "watercolor"),
            ("help", "--ar 3:2"),
        ):
            seen = await discord.ann.slash(discord.channel, command)
            assert seen.ephemeral
            assert word in texts_of(seen.response)


async def test_settings_fill_the_gaps(tmp_path: Path) -> None:
    """Set some, see them, set others, forget all; impossible ones are refused."""
    async with open_discord(tmp_path) as discord:
        ann, channel = discord.ann, discord.channel
        none = await ann.slash(channel, "settings show")
        assert "no defaults" in texts_of(none.response)
        await ann.slash(channel, "settings set", steps=9, size="portrait")
        await ann.slash(channel, "settings set", count=2)
        seen = await ann.slash(channel, "settings show")
        assert seen.ephemeral
        assert "**9**" in texts_of(seen.response)
        await discord.painted()
        paint = (await discord.job()).paint
        assert (paint.steps, paint.width, paint.height, paint.count) == (9, 32, 48, 2)
        await ann.slash(channel, "settings set", size="square")
        await discord.painted()
        assert (await discord.job()).paint.width == 32
        refused = await ann.slash(channel, "settings set", steps=999)
        assert "1–50" in texts_of(refused.response)
        await ann.slash(channel, "settings clear")
        await discord.painted()
        assert (await discord.job()).paint.steps == 4


async def test_commands_work_in_direct_messages(tmp_path: Path) -> None:
    """The picture comes there; a private one is nothing special."""
    async with open_discord(tmp_path) as discord:
        result = await discord.ann.user.slash("imagine", prompt="a fox", private=True)
        assert not result.ephemeral
        job = await discord.delivered()
        assert job.state is JobState.DONE
        last = discord.ann.user.dm_channel.last_message
        assert gallery_of(last)
        assert Where.from_json(job.message or "").guild is None


async def test_other_servers_can_be_left_out(tmp_path: Path) -> None:
    """The operator names the servers; elsewhere it is a kind no."""
    async with open_discord(tmp_path, discord_servers=frozenset({12345})) as discord:
        refused = await discord.imagine()
        assert refused.ephemeral
        assert "do not paint" in texts_of(refused.response)


async def test_a_server_the_bot_is_not_in(tmp_path: Path) -> None:
    """It came along with a person: the answer goes by the token, within its quarter of an hour."""
    async with open_discord(tmp_path) as discord:
        discord.payload = {"context": 2, "authorizing_integration_owners": {"1": "1"}}
        result = await discord.ann.user.slash("imagine", prompt="a fox")
        job = await discord.delivered()
        where = Where.from_json(job.message or "")
        assert not where.member
        assert where.posted == where.message
        assert where.token is None, "it is of no use any more"
        assert gallery_of(result.response)


async def test_what_cannot_arrive_there_in_time_is_refused_up_front(tmp_path: Path) -> None:
    """Too long a line for the token, and direct messages closed: said at once, nothing kept."""
    async with open_discord(tmp_path) as discord:
        discord.desk.painter.hold()
        await discord.imagine("first")
        await discord.desk.speeds.learn("squares", 32, 32, False, 500.0, 1.0)
        discord.payload = {"context": 2, "authorizing_integration_owners": {"1": "1"}}
        discord.env.inject_error("POST", "/channels/*/messages", status=403, code=50007)
        refused = await discord.bob.user.slash("imagine", prompt="a fox")
        assert refused.ephemeral
        assert "direct messages are closed" in texts_of(refused.response)
        assert (await discord.job()).state is JobState.CANCELLED


async def test_a_fault_of_ours_is_a_kind_word(tmp_path: Path) -> None:
    """Whoever asked is told that something went wrong; nobody looks at a spinner."""
    async with open_discord(tmp_path) as discord:
        discord.env.inject_error("POST", "/interactions/*/callback", status=400, code=50035)
        result = await discord.ann.slash(discord.channel, "help")
        assert result.ephemeral
        assert "something went wrong" in texts_of(result.response)
        assert [type(error).__name__ for error in discord.faults()] == ["HTTPException"]


async def test_details_paint_the_same_again(tmp_path: Path) -> None:
    """The text in the details is one that can be typed, down to the seed."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a fox --no fog --steps 3 --count 2 --seed 7")
        menu = await discord.bob.context_menu(discord.channel, "Details", message)
        assert menu.ephemeral
        told = texts_of(menu.response)
        typed = told.split("```\n")[1].split("\n```")[0]
        before, after = (await discord.job()).paint, parse(typed)
        assert (after.prompt, after.negative, after.seed) == ("a fox", "fog", 7)
        assert (after.steps, after.count, after.width) == (3, 2, before.width)


async def test_an_answer_that_got_lost_is_no_lost_picture(tmp_path: Path) -> None:
    """Discord does not take the first answer: the job stands, the picture comes by itself."""
    async with open_discord(tmp_path) as discord:
        discord.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
        await discord.imagine()
        job = await discord.delivered()
        assert job.state is JobState.DONE
        last = discord.channel.last_message
        assert last is not None
        assert gallery_of(last)
        assert [user.id for user in last.mentions] == [discord.ann.id]
        assert len(discord.channel.history()) == 1


async def test_an_idle_painter_begins_at_once_and_says_so(tmp_path: Path) -> None:
    """ "Painting" for the first one, the place in line for the next."""
    async with open_discord(tmp_path) as discord:
        await discord.desk.speeds.learn("squares", 32, 32, False, 2.0, 1.0)
        discord.desk.painter.hold()
        first = await discord.imagine()
        assert "Painting, about" in texts_of(first.response)
        second = await discord.imagine()
        assert "First in line, about" in texts_of(second.response)
        third = await discord.imagine()
        assert "2nd in line, about" in texts_of(third.response)


async def test_commands_can_be_used_everywhere_and_are_not_marked_as_adult(tmp_path: Path) -> None:
    """In servers, direct messages and other places; brought by a server or by a person."""
    async with open_discord(tmp_path) as discord:
        tree = discord.bot.client.tree
        payloads = [each.to_dict(tree) for each in tree.get_commands()]
        members = [each for each in payloads if each["name"] != "atelier"]
        assert len(members) == 13
        for each in members:
            assert each["contexts"] == [0, 1, 2], each["name"]
            assert each["integration_types"] == [0, 1], each["name"]
            assert not each["nsfw"]


async def test_a_thread_needs_a_permission_of_its_own(tmp_path: Path) -> None:
    """There it is called "Send Messages in Threads"."""
    async with open_discord(tmp_path) as discord:
        here = discord_py.Permissions.all()
        here.update(send_messages_in_threads=False)
        discord.payload = {"app_permissions": str(here.value)}
        assert not (await discord.imagine()).ephemeral
        with discord.env.time_context():
            channel = discord.bot.client.get_channel(discord.channel.id)
            assert isinstance(channel, discord_py.TextChannel)
            await channel.create_thread(name="foxes", type=discord_py.ChannelType.public_thread)
        (thread,) = discord.channel.threads
        refused = await discord.ann.slash(thread, "imagine", prompt="a fox")
        assert refused.ephemeral
        assert "“Send Messages in Threads”" in texts_of(refused.response)
