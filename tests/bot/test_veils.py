"""What becomes of pictures that a classifier finds harmful, and of what files say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bot.desk.announcer import EventName
from engine import metadata
from engine.errors import InvalidRequest
from engine.request import Ask
from engine.thread import EngineState
from storage.errors import NotFound
from storage.jobs import Job, JobState
from storage.picture import Veil
from tests.bot.desk import Desk, open_desk
from tests.bot.discord_parts import gallery_of, open_discord, texts_of
from tests.bot.telegram_parts import open_counter


def _red(image: Image.Image) -> float:
    """Finds every picture of an odd seed harmful: a square shows its seed as its red."""
    red = image.getpixel((0, 0))
    assert isinstance(red, tuple)
    return 0.9 if red[0] % 2 else 0.1


async def _told(desk: Desk, job: Job) -> tuple[Job, list[Veil]]:
    """The job as it was delivered, and how its pictures are to be shown."""
    await desk.outcome(job)
    (found,) = await desk.until(
        lambda: [each for each in desk.courier.delivered if each[0].public == job.public]
    )
    return found[0], [row.veil for row in found[1]]


async def test_a_harmful_picture_comes_behind_a_veil(tmp_path: Path) -> None:
    """As is usual; its words say so, it costs what it costs, and the other one is open."""
    async with open_desk(tmp_path, judge=_red) as desk:
        job, veils = await _told(desk, await desk.order(seed=8, count=2))
        assert veils == [Veil.OPEN, Veil.SPOILER]
        assert job.charge == job.cost
        assert [(note.code, note.given, note.used) for note in job.notes] == [("veiled", "1", "2")]


async def test_a_place_may_withhold_them(tmp_path: Path) -> None:
    """Then nobody finds it: no courier, no history, no album, no direct way; it is paid for."""
    async with open_desk(tmp_path, judge=_red) as desk:
        admin = await desk.studio.asker("test", "boss", place="room", admin=True)
        await desk.office.change(admin, flagged="withhold")
        job, veils = await _told(desk, await desk.order(seed=8, count=2))
        assert veils == [Veil.OPEN]
        asker = await desk.asker()
        view = await desk.studio.view(asker, job.public)
        assert [row.seed for row in view.pictures] == [8]
        assert len(await desk.studio.pictures(asker)) == 1
        rows = await desk.pictures._db.read("SELECT id FROM pictures WHERE veil = 2")
        with pytest.raises(NotFound):
            await desk.studio.picture(asker, rows[0]["id"])
        assert (await desk.studio.usage(asker)).used == job.cost
        alone, none = await _told(desk, await desk.order(seed=9))
        assert (alone.state, none) == (JobState.DONE, [])
        with pytest.raises(InvalidRequest, match="flagged"):
            await desk.office.change(admin, flagged="burn")
        await desk.office.change(admin, flagged="show")
        _, shown = await _told(desk, await desk.order(seed=9))
        assert shown == [Veil.OPEN]


async def test_what_may_have_to_be_hidden_is_not_shown_half_finished(tmp_path: Path) -> None:
    """Where pictures are judged there are no previews, unless the place shows everything."""
    async with open_desk(tmp_path, judge=_red) as desk:
        desk.painter.hold()
        job = await desk.order(seed=8, steps=3)
        desk.painter.step(1)
        desk.painter.release()
        events = await desk.events(job)
        assert EventName.preview not in {event.name for event in events}
        assert all(e.progress is None or e.progress.preview is None for e in events)


async def test_what_was_not_judged_is_not_shown(tmp_path: Path) -> None:
    """A classifier that falls over lets nothing through unseen: the job fails and costs nothing."""

    def broken(image: Image.Image) -> float:
        raise OSError("it fell over")

    async with open_desk(tmp_path, judge=broken) as desk:
        job = await desk.outcome(await desk.order())
        assert (job.state, job.charge) == (JobState.FAILED, 0)
        assert desk.engine.state is EngineState.ready


async def test_an_admin_lets_files_say_nothing(tmp_path: Path) -> None:
    """From then on, in their place alone; elsewhere files go on saying how they were made."""
    async with open_desk(tmp_path) as desk:
        admin = await desk.studio.asker("test", "boss", place="room", admin=True)
        await desk.office.change(admin, metadata=False)
        silent = await desk.outcome(await desk.order("a fox"))
        there = await desk.asker("ann", "elsewhere")
        told = await desk.outcome((await desk.studio.paint(there, Ask(prompt="a hare"))).job)
        found = []
        for job in (silent, told):
            (row,) = await desk.pictures.of_job(job.id)
            found.append(metadata.read(desk.pictures.path(row).read_bytes()))
        assert found[0] is None
        assert found[1] is not None
        assert found[1].prompt == "a hare"


async def test_discord_hides_them_behind_a_spoiler(tmp_path: Path) -> None:
    """The one of them; what is withheld there is told in words, as an admin has chosen."""
    async with open_discord(tmp_path, judge=_red) as discord:
        message = await discord.painted("a fox --seed 8 --count 2")
        assert [item["spoiler"] for item in gallery_of(message)] == [False, True]
        assert "behind a veil" in texts_of(message)
        await discord.boss.slash(discord.channel, "atelier pictures", flagged="withhold")
        empty = await discord.painted("a fox --seed 9")
        assert gallery_of(empty) == []
        assert "shows them to nobody" in texts_of(empty)


async def test_telegram_hides_them_behind_a_spoiler(tmp_path: Path) -> None:
    """All of a grid if it is one of them; what is withheld is told in words."""
    async with open_counter(tmp_path, judge=_red) as counter:
        open_one = await counter.painted(counter.ann, "a fox --seed 8")
        assert not open_one.content.spoiler
        grid = await counter.painted(counter.ann, "a fox --seed 8 --count 2")
        assert grid.content.spoiler
        assert "behind a veil" in grid.content.text
