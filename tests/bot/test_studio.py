"""The use cases: what is taken on, what is refused, who sees what."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path
from typing import Any

import pytest

from bot.desk.errors import (
    BlockedWord,
    ChannelNotAllowed,
    ModelNotAllowed,
    RoleNotAllowed,
    SourceGone,
)
from bot.desk.line import Standing
from engine.catalogue import Catalogue
from engine.errors import BadSource, BrokenModel, InvalidRequest, Refusal, UnknownModel, Unusable
from engine.request import Ask
from storage.errors import (
    Banned,
    KeyReused,
    NotFound,
    NotYours,
    OverBudget,
    Paused,
    QueueFull,
    TooManyWaiting,
)
from storage.jobs import JobState
from tests.bot.desk import Desk, open_desk


async def test_a_request_is_taken_on(tmp_path: Path) -> None:
    """The answer has the job, its place and an estimate; the seed was drawn by us and is said."""
    async with open_desk(tmp_path, running=False) as desk:
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="  a   fox "))
        assert ticket.created
        assert (ticket.job.state, ticket.position) == (JobState.QUEUED, 1)
        assert ticket.eta_s is not None
        assert (ticket.job.paint.prompt, ticket.job.paint.seed) == ("a fox", 100)
        assert ticket.job.cost == 1
        second = await desk.studio.paint(await desk.asker("bob"), Ask(prompt="a cat"))
        assert second.position == 2
        assert second.eta_s is not None
        assert second.eta_s > ticket.eta_s


async def test_a_repeated_key_makes_no_second_job(tmp_path: Path) -> None:
    """The same request gets the same job, also at the same time; another one is refused."""
    async with open_desk(tmp_path, running=False) as desk:
        ann = await desk.asker()
        asks = [desk.studio.paint(ann, Ask(prompt="a fox"), key="k") for _ in range(5)]
        tickets = await asyncio.gather(*asks)
        assert len({ticket.job.id for ticket in tickets}) == 1
        assert [ticket.created for ticket in tickets].count(True) == 1
        with pytest.raises(KeyReused):
            await desk.studio.paint(ann, Ask(prompt="a cat"), key="k")
        other = await desk.studio.paint(await desk.asker("bob"), Ask(prompt="a cat"), key="k")
        assert other.created


async def test_what_a_model_cannot_use_is_never_silent(tmp_path: Path) -> None:
    """People get a note, programs a refusal."""
    async with open_desk(tmp_path, running=False) as desk:
        ask = Ask(prompt="a fox", model="plain", negative="fog", guidance=4)
        ticket = await desk.studio.paint(await desk.asker(), ask)
        assert [(n.code, n.field) for n in ticket.notes] == [
            ("unused", "negative"),
            ("unused", "guidance"),
        ]
        with pytest.raises(Unusable):
            await desk.studio.paint(await desk.asker(), ask, exact=True)


async def test_the_edge_of_a_small_world_is_told_once(tmp_path: Path) -> None:
    """Words that the starter was never taught are named to everybody, but not every time."""
    async with open_desk(tmp_path, models=Catalogue.read(), model="starter") as desk:
        known = await desk.order("a fox in the forest at dawn, 4k")
        assert known.notes == ()
        strange = await desk.order("a dragon at night")
        assert [(note.code, note.given) for note in strange.notes] == [("outside_world", "dragon")]
        assert (await desk.order("a unicorn at night")).notes == ()
        assert (await desk.order("a unicorn at night", who="bob")).notes[0].given == "unicorn"


@pytest.mark.parametrize(
    ("ask", "refusal"),
    [
        ({"model": "nope"}, UnknownModel),
        ({"model": "torn"}, BrokenModel),
        ({"steps": 99}, InvalidRequest),
        ({"width": 33, "height": 32}, InvalidRequest),
        ({"count": 5}, InvalidRequest),
        ({"prompt": " "}, InvalidRequest),
        ({"prompt": "half \ud83d a smile"}, InvalidRequest),
        ({"source": "nonsense"}, InvalidRequest),
        ({"source": "upload:nonsense"}, SourceGone),
        ({"source": "upload:../../etc/passwd"}, SourceGone),
        ({"source": "picture:nonsense"}, NotFound),
    ],
)
async def test_impossible_requests_leave_no_trace(
    tmp_path: Path, ask: dict[str, Any], refusal: type[Refusal]
) -> None:
    """They are refused before anything is queued or charged."""
    async with open_desk(tmp_path, running=False) as desk:
        ann = await desk.asker()
        with pytest.raises(refusal):
            await desk.studio.paint(ann, Ask(**{"prompt": "a fox", **ask}))
        assert await desk.studio.history(ann) == []
        assert (await desk.studio.usage(ann)).used == 0


async def test_bans_and_pauses_come_before_everything_else(tmp_path: Path) -> None:
    """Who is banned learns just that; an over one is forgotten."""
    async with open_desk(tmp_path, running=False) as desk:
        ann = await desk.asker()
        impossible = Ask(prompt="", model="nope")
        await desk.people.ban(ann.person.id, math.inf)
        with pytest.raises(Banned) as caught:
            await desk.studio.paint(await desk.asker(), impossible)
        assert caught.value.until is None
        with pytest.raises(Banned):
            await desk.studio.upload(await desk.asker(), b"")
        await desk.people.ban(ann.person.id, time.time() - 1)
        await desk.studio.paint(await desk.asker(), Ask(prompt="a fox"))
        await desk.places.pause(ann.place.id)
        with pytest.raises(Paused):
            await desk.studio.paint(await desk.asker(), impossible)


async def test_limits_are_those_of_the_settings_and_the_place(tmp_path: Path) -> None:
    """Budget, waiting jobs, the line, a place's own budget: the tightest wins, with its number."""
    settings: dict[str, Any] = {"budget": 4, "waiting_per_person": 3, "queue_limit": 4}
    async with open_desk(tmp_path, running=False, **settings) as desk:
        for _ in range(3):
            await desk.order()
        with pytest.raises(TooManyWaiting):
            await desk.order()
        with pytest.raises(OverBudget) as caught:
            await desk.order(count=2)
        assert (caught.value.scope, caught.value.used, caught.value.budget) == ("person", 3, 4)
        await desk.order(who="bob")
        with pytest.raises(QueueFull):
            await desk.order(who="eve")
        usage = await desk.studio.usage(await desk.asker())
        assert (usage.used, usage.budget, usage.waiting) == (3, 4, 3)
        room = (await desk.asker("bob")).place
        await desk.places.save_limits(room.id, budget=1, place_budget=None)
        with pytest.raises(OverBudget) as caught:
            await desk.order(who="bob")
        assert caught.value.scope == "person_in_place"


async def test_anonymous_people_of_one_address_share_a_ceiling(tmp_path: Path) -> None:
    """A new cookie is no new budget."""
    async with open_desk(tmp_path, running=False, budget=2, address_budget=3) as desk:
        for who in ("a", "b", "c"):
            asker = await desk.asker(who, address="192.0.2.1")
            await desk.studio.paint(asker, Ask(prompt="a fox"))
        asker = await desk.asker("d", address="192.0.2.1")
        with pytest.raises(OverBudget) as caught:
            await desk.studio.paint(asker, Ask(prompt="a fox"))
        assert caught.value.scope == "address"
        await desk.studio.paint(await desk.asker("d"), Ask(prompt="a fox"))


async def _painted(desk: Desk, asker: Any) -> tuple[str, str]:
    """The ids of a finished job of theirs and its picture."""
    ticket = await desk.studio.paint(asker, Ask(prompt="a fox"))
    await desk.outcome(ticket.job)
    (picture,) = await desk.pictures.of_job(ticket.job.id)
    return ticket.job.public, picture.id


async def test_what_was_posted_in_a_chat_is_seen_there_and_nowhere_else(tmp_path: Path) -> None:
    """An id grants nothing: strangers get the same answer as for an id that never was."""
    async with open_desk(tmp_path, operators="test:op") as desk:
        ann = await desk.asker()
        job, picture = await _painted(desk, ann)
        for asker in (ann, await desk.asker("bob"), await desk.asker("op", place="hall")):
            assert (await desk.studio.view(asker, job)).job.public == job
            assert (await desk.studio.picture(asker, picture))[0].id == picture
        stranger = await desk.asker("eve", place="hall")
        for use in (
            desk.studio.view(stranger, job),
            desk.studio.cancel(stranger, job),
            desk.studio.picture(stranger, picture),
            desk.studio.delete_picture(stranger, picture),
            desk.studio.paint(stranger, Ask(prompt="x", source=f"picture:{picture}")),
        ):
            with pytest.raises(NotFound):
                await use
        with pytest.raises(NotFound):
            async with desk.studio.watch(stranger, job):
                raise AssertionError("a stranger watches")


async def test_the_page_is_no_chat(tmp_path: Path) -> None:
    """Its visitors share a place and see only their own."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.studio.asker("web", "ann", place="page")
        bob = await desk.studio.asker("web", "bob", place="page")
        job, picture = await _painted(desk, ann)
        with pytest.raises(NotFound):
            await desk.studio.view(bob, job)
        with pytest.raises(NotFound):
            await desk.studio.picture(bob, picture)


async def test_only_owners_and_operators_cancel_and_delete(tmp_path: Path) -> None:
    """Those who may look on get a kind "not yours"."""
    async with open_desk(tmp_path, operators="test:op") as desk:
        ann, bob, op = [await desk.asker(who) for who in ("ann", "bob", "op")]
        job, picture = await _painted(desk, ann)
        with pytest.raises(NotYours):
            await desk.studio.cancel(bob, job)
        with pytest.raises(NotYours):
            await desk.studio.delete_picture(bob, picture)
        _, path = await desk.studio.picture(ann, picture)
        await desk.studio.delete_picture(op, picture)
        assert not path.exists()
        with pytest.raises(NotFound):
            await desk.studio.picture(ann, picture)
        assert (await desk.studio.view(ann, job)).pictures == ()
        desk.painter.hold()
        waiting = [await desk.order(str(n)) for n in range(2)]
        over = await desk.studio.cancel(op, waiting[1].public)
        assert over.state is JobState.CANCELLED


async def test_the_history_is_one_s_own_newest_first(tmp_path: Path) -> None:
    """Page by page, with the pictures that are still there."""
    async with open_desk(tmp_path) as desk:
        jobs = [await desk.order(str(n)) for n in range(3)]
        for job in jobs:
            await desk.outcome(job)
        await desk.outcome(await desk.order("not mine", who="bob"))
        ann = await desk.asker()
        page = await desk.studio.history(ann, limit=2)
        assert [view.job.paint.prompt for view in page] == ["2", "1"]
        assert [len(view.pictures) for view in page] == [1, 1]
        rest = await desk.studio.history(ann, before=page[-1].job.id)
        assert [view.job.paint.prompt for view in rest] == ["0"]
        later = await desk.studio.history(ann, skip=1, limit=1)
        assert [view.job.paint.prompt for view in later] == ["1"]
        assert await desk.studio.history(ann, skip=3) == []


async def test_a_variation_comes_from_a_picture(tmp_path: Path) -> None:
    """As many as there were, from that one picture; strong changes more; a private one stays so."""
    async with open_desk(tmp_path) as desk:
        ann = await desk.asker()
        job = await desk.outcome(await desk.order("a fox", count=2))
        second = (await desk.studio.view(ann, job.public)).pictures[1]
        subtle = (await desk.studio.vary(ann, second.id, strong=False)).job
        strong = (await desk.studio.vary(ann, second.id, strong=True, prompt="a cat")).job
        assert subtle.paint.strength < strong.paint.strength
        for varied, prompt in ((subtle, "a fox"), (strong, "a cat")):
            paint = varied.paint
            assert (paint.source, paint.count, paint.prompt) == (f"picture:{second.id}", 2, prompt)
            assert (varied.parent, varied.private) == (job.public, False)
        hidden = (await desk.studio.paint(ann, Ask(prompt="a secret"), private=True)).job
        (picture,) = (await desk.studio.view(ann, (await desk.outcome(hidden)).public)).pictures
        assert (await desk.studio.vary(ann, picture.id, strong=True)).job.private
        with pytest.raises(NotFound):
            await desk.studio.vary(await desk.asker("bob"), picture.id, strong=True)


async def test_the_line_shows_what_one_may_know(tmp_path: Path) -> None:
    """Prompts of this chat, none that is private or from elsewhere; nobody's place is hidden."""
    async with open_desk(tmp_path, running=False) as desk:
        bob = await desk.asker("bob")
        await desk.order("a fox")
        await desk.studio.paint(bob, Ask(prompt="a secret"), private=True)
        await desk.studio.paint(await desk.asker("eve", place="hall"), Ask(prompt="a cat"))
        line = await desk.studio.queue(await desk.asker())
        assert line.waiting == 3
        shown = [(entry.mine, entry.here, entry.prompt) for entry in line.entries]
        assert sorted(shown, key=str) == sorted(
            [(True, True, "a fox"), (False, True, None), (False, False, None)], key=str
        )


async def test_rules_of_a_place_refuse_and_fill(tmp_path: Path) -> None:
    """Channels, roles, models and words; defaults are the asker's before the place's."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, channels={"1"}, models={"squares"}, words=("wolf",))
        here: dict[str, Any] = {"channel": "1", "channels": frozenset({"1"})}
        for asker, ask, refusal in (
            (await desk.asker(), Ask(prompt="a fox"), ChannelNotAllowed),
            (await desk.asker(**here), Ask(prompt="a fox", model="plain"), ModelNotAllowed),
            (await desk.asker(**here), Ask(prompt="a WOLF!"), BlockedWord),
            (await desk.asker(**here), Ask(prompt="a fox", negative="wolf"), BlockedWord),
        ):
            with pytest.raises(refusal):
                await desk.studio.paint(asker, ask)
        await desk.office.change(boss, channels=(), roles={"painters"}, negative="fog")
        with pytest.raises(RoleNotAllowed):
            await desk.order()
        bob = await desk.asker("bob", roles=frozenset({"painters"}))
        assert (await desk.studio.paint(bob, Ask(prompt="a fox"))).job.paint.negative == "fog"
        await desk.studio.save_defaults(bob, Ask(prompt="", negative="rain"))
        bob = await desk.asker("bob", roles=frozenset({"painters"}))
        assert (await desk.studio.paint(bob, Ask(prompt="a fox"))).job.paint.negative == "rain"
        typed = await desk.studio.paint(bob, Ask(prompt="a fox", negative="snow"))
        assert typed.job.paint.negative == "snow"


async def test_defaults_fill_gaps_and_say_when_they_cannot(tmp_path: Path) -> None:
    """They apply where the model takes them, and are checked when they are saved."""
    async with open_desk(tmp_path, running=False) as desk:
        ann = await desk.asker()
        await desk.studio.save_defaults(ann, Ask(prompt="", steps=9, negative="fog"))
        job = await desk.order()
        assert (job.paint.steps, job.paint.negative) == (9, "fog")
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="x", model="plain"))
        dropped = {note.field for note in ticket.notes if note.code == "default_dropped"}
        assert dropped == {"steps", "negative"}
        with pytest.raises(InvalidRequest):
            await desk.studio.save_defaults(ann, Ask(prompt="", steps=999))
        await desk.studio.save_defaults(ann, None)
        assert (await desk.order()).paint.steps == 4


async def test_a_default_model_that_is_gone_is_replaced_and_said(tmp_path: Path) -> None:
    """Nobody is locked out by a model the operator took away."""
    async with open_desk(tmp_path, running=False) as desk:
        ann = await desk.asker()
        await desk.people.save_defaults(ann.person.id, Ask(prompt="", model="gone").to_json())
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="x"))
        assert ticket.job.paint.model == "squares"
        assert [(n.code, n.field, n.given) for n in ticket.notes] == [
            ("default_dropped", "model", "gone")
        ]
        await desk.people.save_defaults(ann.person.id, "{broken")
        assert (await desk.order()).paint.model == "squares"


async def test_uploads_are_checked_before_they_are_kept(tmp_path: Path) -> None:
    """What is no picture is refused, and nothing stays behind."""
    async with open_desk(tmp_path, running=False) as desk:
        for data in (b"", b"not a picture", b"\x89PNG\r\n\x1a\nnot either"):
            with pytest.raises(BadSource):
                await desk.studio.upload(await desk.asker(), data)
        assert not list((tmp_path / "sources").glob("*"))


async def test_the_default_model_is_named_first(tmp_path: Path) -> None:
    """What people choose from; broken ones are not on offer."""
    async with open_desk(tmp_path, running=False, model="plain") as desk:
        assert [model.name for model in desk.studio.models()] == ["plain", "squares"]


async def test_a_job_that_is_over_stands_nowhere(tmp_path: Path) -> None:
    """No position and no estimate."""
    async with open_desk(tmp_path) as desk:
        job = await desk.outcome(await desk.order())
        assert await desk.line.standing(job) == Standing()
