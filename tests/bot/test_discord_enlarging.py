"""Larger pictures on Discord: by buttons, by /upscale, at once; and being forgotten."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from storage.errors import NotFound
from tests.bot.discord_parts import DiscordDesk, buttons_of, gallery_of, open_discord, texts_of
from tests.bot.test_discord_buttons import _asker
from tests.bot.test_discord_commands import _png


async def _sizes(discord: DiscordDesk, nth: int = -1) -> list[tuple[int, int]]:
    """The pixels of a job's pictures on the disk."""
    job = await discord.job(nth)
    found = []
    for row in await discord.desk.pictures.of_job(job.id):
        with Image.open(discord.desk.pictures.path(row)) as opened:
            assert opened.size == (row.width, row.height)
            found.append(opened.size)
    return found


@pytest.mark.parametrize(("label", "scale"), [("×2", 2), ("×4", 4)])
async def test_a_picture_is_enlarged_by_a_button(tmp_path: Path, label: str, scale: int) -> None:
    """A new message, of whoever pressed, with the words and the seed it was painted with."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted("a fox --seed 7")
        first = await discord.job()
        result = await discord.bob.click(message, label=label)
        assert not result.ephemeral
        job = await discord.delivered(1)
        assert (job.person == first.person, job.parent) == (False, first.public)
        assert (job.paint.prompt, job.paint.seed, job.paint.paints) == ("a fox", 7, False)
        assert await _sizes(discord) == [(32 * scale, 32 * scale)]
        shown = discord.channel.last_message
        assert shown is not None
        assert shown.id != message.id
        assert len(gallery_of(shown)) == 1
        assert f"{32 * scale}×{32 * scale}" in texts_of(shown)
        assert f"[`{first.public}`]({message.jump_url})" in texts_of(shown)
        assert {"×2", "×4", "Vary (subtle)", "Again"} <= set(buttons_of(shown))


async def test_one_of_four_is_enlarged_by_its_number(tmp_path: Path) -> None:
    """U1–U4, each its own picture."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted(count=4)
        assert {"U1", "U2", "U3", "U4"} <= set(buttons_of(message))
        await discord.ann.click(message, label="U3")
        job = await discord.delivered(1)
        (view,) = await discord.desk.studio.history(await _asker(discord), limit=1, before=job.id)
        assert job.paint.upscale is not None
        assert job.paint.upscale.of == f"picture:{view.pictures[2].id}"
        assert job.paint.seed == view.pictures[2].seed
        assert await _sizes(discord) == [(128, 128)]


async def test_nothing_is_offered_that_would_be_too_large(tmp_path: Path) -> None:
    """8192 pixels a side are the end: no button leads further, and the command says so."""
    async with open_discord(tmp_path) as discord:
        wide = io.BytesIO()
        Image.new("RGB", (1030, 20), "teal").save(wide, "PNG")
        picture = ("wide.png", wide.getvalue())
        refused = await discord.ann.slash(discord.channel, "upscale", image=picture, scale=8)
        assert refused.ephemeral
        assert "8192" in texts_of(refused.response)
        await discord.ann.slash(discord.channel, "upscale", image=picture, scale=4)
        await discord.delivered(0)
        assert await _sizes(discord) == [(4120, 80)]
        offered = buttons_of(discord.channel.last_message)
        assert "×4" not in offered
        assert "×2" not in offered


async def test_somebody_s_own_picture_is_enlarged(tmp_path: Path) -> None:
    """/upscale with an attachment; what was brought has no words, and no button needs them."""
    async with open_discord(tmp_path) as discord:
        given = ("me.png", _png())
        await discord.ann.slash(discord.channel, "upscale", image=given, scale=4, upscaler="mend")
        job = await discord.delivered(0)
        assert job.paint.upscale is not None
        assert (job.paint.upscale.scale, job.paint.upscale.network) == (4, "mend")
        shown = discord.channel.last_message
        assert shown is not None
        assert "A picture, enlarged ×4" in texts_of(shown)
        assert "seed" not in texts_of(shown)
        offered = set(buttons_of(shown))
        assert {"×2", "Details", "Delete"} <= offered
        assert not offered & {"Again", "Vary prompt", "Vary (subtle)", "Vary (strong)"}
        assert gallery_of(shown)[0]["description"] == "A picture, enlarged ×4"
        details = await discord.ann.click(shown, label="Details")
        assert details.ephemeral
        assert "Type this" not in texts_of(details.response)


async def test_painted_and_enlarged_at_once(tmp_path: Path) -> None:
    """By the option or by the flag; the picture that comes is the large one."""
    async with open_discord(tmp_path) as discord:
        await discord.painted("a fox", upscale=4)
        assert await _sizes(discord, 0) == [(128, 128)]
        await discord.painted("a fox --up 2")
        assert await _sizes(discord, 1) == [(64, 64)]
        assert (await discord.job(0)).paint.paints


async def test_networks_are_offered_while_typing(tmp_path: Path) -> None:
    """The default first."""
    async with open_discord(tmp_path) as discord:
        found = await discord.ann.autocomplete(discord.channel, "upscale", "upscaler", "")
        assert [each["value"] for each in found] == ["crisp", "mend"]


async def test_a_private_picture_stays_private_when_it_grows(tmp_path: Path) -> None:
    """Pressed under an answer that one person sees, the result is seen by that person alone."""
    async with open_discord(tmp_path) as discord:
        result = await discord.imagine(private=True)
        await discord.delivered()
        assert result.response is not None
        await discord.ann.click(result.response.message, label="×2")
        job = await discord.delivered(1)
        assert job.private
        assert all(message.flags.ephemeral for message in discord.channel.history())


async def test_what_is_done_is_said_tile_by_tile(tmp_path: Path) -> None:
    """Nobody reads of painting while something is only enlarged."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        discord.desk.painter.hold()
        result = await discord.ann.click(message, label="×4")
        assert result.response is not None
        assert "Enlarging" in texts_of(result.response.message)
        assert "Painting" not in texts_of(result.response.message)
        discord.desk.painter.release()
        await discord.delivered(1)


async def test_a_picture_is_pinned_from_its_details(tmp_path: Path) -> None:
    """Pressed again, it is let go; somebody else's is not theirs to pin."""
    async with open_discord(tmp_path) as discord:
        message = await discord.painted()
        details = await discord.ann.click(message, label="Details")
        assert details.response is not None
        for word, pinned in (("Pinned", True), ("No longer", False)):
            told = await discord.ann.click(details.response.message, label="Pin")
            assert word in texts_of(told.response)
            (row,) = await discord.desk.pictures.of_job((await discord.job()).id)
            assert row.pinned is pinned
        others = await discord.bob.click(message, label="Details")
        assert others.response is not None
        told = await discord.bob.click(others.response.message, label="Pin")
        assert told.ephemeral
        assert not (await discord.desk.pictures.of_job((await discord.job()).id))[0].pinned


async def test_one_s_own_pictures_are_found_by_their_words(tmp_path: Path) -> None:
    """With the option of /history, page by page; where there is none, that is said."""
    async with open_discord(tmp_path) as discord:
        for prompt in ("a fox in the snow", "a cat"):
            await discord.painted(prompt)
        found = await discord.ann.slash(discord.channel, "history", search="snow")
        assert "a fox in the snow" in texts_of(found.response)
        assert "a cat" not in texts_of(found.response)
        for nth in range(5):
            await discord.painted(f"snow {nth}")
        found = await discord.ann.slash(discord.channel, "history", search="snow")
        assert found.response is not None
        assert "a fox in the snow" not in texts_of(found.response)
        await discord.ann.click(found.response.message, label="Older")
        assert "a fox in the snow" in texts_of(found.response)
        assert "a cat" not in texts_of(found.response)
        none = await discord.ann.slash(discord.channel, "history", search="zebra")
        assert "No picture of yours has these words" in texts_of(none.response)


async def test_being_forgotten_is_asked_once(tmp_path: Path) -> None:
    """Then pictures, words and posts are gone, of this person alone; who keeps, keeps all."""
    async with open_discord(tmp_path) as discord:
        mine = await discord.painted("a secret fox")
        theirs = await discord.painted("a cat", who=discord.bob)
        job = await discord.job(0)
        asked = await discord.ann.slash(discord.channel, "forget me")
        assert asked.ephemeral
        assert asked.response is not None
        await discord.ann.click(asked.response.message, label="Keep")
        assert len(await discord.desk.pictures.of_job(job.id)) == 1
        asked = await discord.ann.slash(discord.channel, "forget me")
        assert asked.response is not None
        told = await discord.ann.click(asked.response.message, label="Forget me")
        assert told.ephemeral
        assert "You are forgotten: 1 picture is deleted" in texts_of(told.response)
        assert await discord.desk.pictures.of_job(job.id) == []
        assert "secret" not in (await discord.desk.jobs.get(job.public)).paint.prompt
        left = {each.id: each for each in discord.channel.history()}
        assert gallery_of(left[mine.id]) == []
        assert "secret" not in texts_of(left[mine.id])
        assert gallery_of(left[theirs.id])
        with pytest.raises(NotFound):
            await discord.desk.studio.view(await _asker(discord), "0" * 12)
