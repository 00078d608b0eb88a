"""What admins and moderators decide: who may, what holds from then on, what is written down."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.desk.errors import (
    BadPattern,
    BlockedWord,
    NoBudgetHere,
    NotAllowed,
    TooManyReports,
    UnknownStyle,
)
from bot.desk.office import LISTED, MOST_CREDITS
from bot.desk.studio import Asker
from engine.errors import BrokenModel, InvalidRequest, Refusal, UnknownModel
from engine.request import Ask
from storage.errors import Banned, NotFound, OverBudget, Paused, TooManyWaiting
from storage.jobs import JobState
from tests.bot.desk import Desk, open_desk

FOX = Ask(prompt="a fox")
OPERATOR: dict[str, Any] = {"operators": "test:op"}

Use = Callable[[Desk, Asker], Awaitable[Any]]

FOR_ADMINS: dict[str, Use] = {
    "place": lambda desk, asker: desk.office.place(asker),
    "change": lambda desk, asker: desk.office.change(asker, model="plain"),
    "pause": lambda desk, asker: desk.office.pause(asker, True),
    "give": lambda desk, asker: desk.office.give(asker, "ann", 1),
    "reset": lambda desk, asker: desk.office.reset(asker, "ann"),
    "set_budget": lambda desk, asker: desk.office.set_budget(asker, "ann", 1),
    "usage_of": lambda desk, asker: desk.office.usage_of(asker, "ann"),
    "standing_of": lambda desk, asker: desk.office.standing_of(asker, "ann"),
    "jobs": lambda desk, asker: desk.office.jobs(asker),
    "cancel": lambda desk, asker: desk.office.cancel(asker, "nothing"),
    "cancel_all": lambda desk, asker: desk.office.cancel_all(asker),
    "audit": lambda desk, asker: desk.office.audit(asker),
}
FOR_MODERATORS: dict[str, Use] = {
    "ban": lambda desk, asker: desk.office.ban(asker, "ann"),
    "unban": lambda desk, asker: desk.office.unban(asker, "ann"),
    "moderate_delete": lambda desk, asker: desk.office.moderate_delete(asker, "nothing"),
}
FOR_OPERATORS: dict[str, Use] = {
    "ban": lambda desk, asker: desk.office.ban(asker, "ann", everywhere=True),
    "unban": lambda desk, asker: desk.office.unban(asker, "ann", everywhere=True),
    "give": lambda desk, asker: desk.office.give(asker, "ann", 1, everywhere=True),
    "reset": lambda desk, asker: desk.office.reset(asker, "ann", everywhere=True),
    "set_budget": lambda desk, asker: desk.office.set_budget(asker, "ann", 1, everywhere=True),
    "jobs": lambda desk, asker: desk.office.jobs(asker, everywhere=True),
    "cancel_all": lambda desk, asker: desk.office.cancel_all(asker, everywhere=True),
    "audit": lambda desk, asker: desk.office.audit(asker, everywhere=True),
}


async def _paint(desk: Desk, who: str = "ann", ask: Ask = FOX, **more: Any) -> str:
    """The public id of a job that was just taken on; refusals pass."""
    return (await desk.studio.paint(await desk.asker(who, **more), ask)).job.public


async def _refused(desk: Desk, refusal: type[Refusal], **more: Any) -> Any:
    """The refusal that a job meets."""
    with pytest.raises(refusal) as caught:
        await _paint(desk, **more)
    return caught.value


async def _entries(desk: Desk, asker: Asker) -> list[tuple[str, str, str]]:
    """What was written down in their place, oldest first."""
    found = await desk.office.audit(asker)
    return [(entry.action, entry.subject, entry.detail) for entry in reversed(found)]


@pytest.mark.parametrize(
    ("uses", "needed", "rights"),
    [
        (FOR_ADMINS, "admin", ({}, {"moderator": True})),
        (FOR_MODERATORS, "moderator", ({},)),
        (FOR_OPERATORS, "operator", ({}, {"moderator": True}, {"admin": True})),
    ],
)
async def test_nobody_decides_without_the_right_to(
    tmp_path: Path, uses: dict[str, Use], needed: str, rights: tuple[dict[str, Any], ...]
) -> None:
    """They are refused, nothing changes, and nothing is written down as done."""
    async with open_desk(tmp_path, running=False, **OPERATOR) as desk:
        for given in rights:
            asker = await desk.asker("bob", **given)
            for name, use in uses.items():
                with pytest.raises(NotAllowed) as caught:
                    await use(desk, asker)
                assert caught.value.needed == needed, name
        op = await desk.asker("op")
        assert await desk.office.audit(op, everywhere=True) == []
        assert not (await desk.office.place(op)).paused
        await _paint(desk)


@pytest.mark.parametrize(
    ("uses", "rights"),
    [
        (FOR_ADMINS, {"admin": True}),
        (FOR_MODERATORS, {"admin": True}),
        (FOR_MODERATORS, {"moderator": True}),
        (FOR_ADMINS | FOR_MODERATORS, {}),
        (FOR_OPERATORS, {}),
    ],
)
async def test_who_has_the_right_may(
    tmp_path: Path, uses: dict[str, Use], rights: dict[str, Any]
) -> None:
    """Admins and moderators in their place; operators, whom nobody made either, anywhere."""
    async with open_desk(tmp_path, running=False, **OPERATOR) as desk:
        await desk.office.change(await desk.asker("op"), budget=50)
        asker = await desk.asker("bob" if rights else "op", **rights)
        for name, use in uses.items():
            if name in ("cancel", "moderate_delete"):
                with pytest.raises(NotFound):
                    await use(desk, asker)
            else:
                await use(desk, asker)


async def test_changed_rules_hold_for_the_next_request(tmp_path: Path) -> None:
    """What was not named stays as it was."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, model="plain", words=["gore"])
        await desk.office.change(boss, style="NEON", budget=3.0)
        job = (await desk.studio.paint(await desk.asker(), FOX)).job
        assert (job.paint.model, job.paint.prompt) == ("plain", "a fox, neon")
        await _refused(desk, BlockedWord, ask=Ask(prompt="gore"))
        await desk.office.change(boss, model=None, style=None, words=())
        place = await desk.office.place(boss)
        assert (place.rules.model, place.rules.style, place.budget) == (None, None, 3)
        job = (await desk.studio.paint(await desk.asker(), Ask(prompt="gore"))).job
        assert (job.paint.model, job.paint.prompt) == ("squares", "gore")
        assert await _entries(desk, boss) == [
            ("change", "model", "plain"),
            ("change", "words", "gore"),
            ("change", "style", "neon"),
            ("change", "budget", "3"),
            ("change", "model", ""),
            ("change", "style", ""),
            ("change", "words", ""),
        ]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"model": "nope"}, UnknownModel),
        ({"model": "torn"}, BrokenModel),
        ({"models": ["squares", "nope"]}, UnknownModel),
        ({"style": "nope"}, UnknownStyle),
        ({"words": ["fine", "/(/"]}, BadPattern),
        ({"negative": "x" * 10_000}, InvalidRequest),
        ({"budget": -1}, InvalidRequest),
        ({"budget": float("nan")}, InvalidRequest),
        ({"place_budget": MOST_CREDITS * 2}, InvalidRequest),
        ({"role_budgets": {"7": -1}}, InvalidRequest),
        ({"role_waiting": {"7": 100_000}}, InvalidRequest),
    ],
)
async def test_rules_that_make_no_sense_change_nothing(
    tmp_path: Path, change: dict[str, Any], refusal: type[Refusal]
) -> None:
    """Also what was fine beside them is not kept, nor written down."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        before = await desk.office.place(boss)
        with pytest.raises(refusal):
            await desk.office.change(boss, log_channel="9", **change)
        with pytest.raises(TypeError):
            await desk.office.change(boss, paused=True)
        assert await desk.office.place(boss) == before
        assert await _entries(desk, boss) == []


async def test_budgets_of_the_place_hold_at_once(tmp_path: Path) -> None:
    """Each person's and that of all together; None takes them away."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, budget=1, place_budget=2)
        await _paint(desk)
        assert (await _refused(desk, OverBudget)).scope == "person_in_place"
        await _paint(desk, who="bob")
        assert (await _refused(desk, OverBudget, who="eve")).scope == "place"
        await _paint(desk, place="hall")
        await desk.office.change(boss, place_budget=None)
        await _paint(desk, who="eve")
        assert (await desk.office.place(boss)).budget == 1


async def test_a_paused_place_takes_no_jobs(tmp_path: Path) -> None:
    """Others do, and it does again."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        assert (await desk.office.pause(boss, True)).paused
        await _refused(desk, Paused)
        await _paint(desk, place="hall")
        await desk.office.pause(boss, False)
        await _paint(desk)
        assert await _entries(desk, boss) == [("pause", "", ""), ("resume", "", "")]


async def test_a_ban_here_ends_here(tmp_path: Path) -> None:
    """It holds at once, also for somebody never seen before; elsewhere nothing is different."""
    async with open_desk(tmp_path, running=False) as desk:
        mod = await desk.asker("mo", moderator=True)
        assert (await desk.office.ban(mod, "new")).external == "new"
        assert (await _refused(desk, Banned, who="new")).until is None
        await _paint(desk, who="new", place="hall")
        await desk.office.unban(mod, "new")
        await _paint(desk, who="new")
        until = time.time() + 900
        await desk.office.ban(mod, "new", until=until)
        assert (await _refused(desk, Banned, who="new")).until == pytest.approx(until, abs=0.01)
        await desk.office.ban(mod, "new", until=time.time() - 1)
        await _paint(desk, who="new")
        actions = await _entries(desk, await desk.asker("boss", admin=True))
        assert actions[:3] == [("ban", "new", ""), ("unban", "new", ""), actions[2]]
        assert actions[2] == ("ban", "new", f"{until:.0f}")


async def test_a_ban_everywhere_is_lifted_by_operators_alone(tmp_path: Path) -> None:
    """An admin's unban is about their own place; both bans are told apart."""
    async with open_desk(tmp_path, running=False, **OPERATOR) as desk:
        op, boss = await desk.asker("op"), await desk.asker("boss", admin=True)
        await desk.office.ban(op, "ann", everywhere=True)
        await desk.office.unban(boss, "ann")
        for place in ("room", "hall"):
            await _refused(desk, Banned, place=place)
        standing = await desk.office.standing_of(boss, "ann")
        assert (standing.banned_until, standing.banned_everywhere_until) == (None, float("inf"))
        await desk.office.ban(boss, "ann")
        await desk.office.unban(op, "ann", everywhere=True)
        await _refused(desk, Banned)
        await _paint(desk, place="hall")
        assert [each[0] for each in await _entries(desk, boss)] == ["unban", "ban"]
        told = await desk.office.audit(op, everywhere=True)
        assert [(e.action, e.place is None) for e in reversed(told)] == [
            ("ban", True),
            ("unban", False),
            ("ban", False),
            ("unban", True),
        ]
        assert {entry.person for entry in told} == {op.person.id, boss.person.id}


async def test_credits_are_given_and_counted_anew(tmp_path: Path) -> None:
    """A gift is on top of the budget, a reset forgets what was used, an own budget comes first."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, budget=1)
        boss = await desk.asker("boss", admin=True)
        await _paint(desk)
        await _refused(desk, OverBudget)
        await desk.office.give(boss, "ann", 1.5)
        usage = await desk.office.usage_of(boss, "ann")
        assert (usage.scope, usage.used, usage.budget) == ("person_in_place", 1, 2.5)
        await _paint(desk)
        await _refused(desk, OverBudget)
        await desk.office.reset(boss, "ann")
        assert (await desk.office.usage_of(boss, "ann")).used == 0
        await _paint(desk)
        await desk.office.set_budget(boss, "ann", 0)
        assert (await desk.office.standing_of(boss, "ann")).budget == 0
        await desk.office.set_budget(boss, "bob", 0)
        await _refused(desk, OverBudget, who="bob")
        await desk.office.set_budget(boss, "bob", None)
        await _paint(desk, who="bob")
        assert (await _entries(desk, boss))[1:] == [
            ("give", "ann", "1.5"),
            ("reset", "ann", ""),
            ("budget", "ann", "0"),
            ("budget", "bob", "0"),
            ("budget", "bob", ""),
        ]


async def test_what_would_have_no_effect_is_refused(tmp_path: Path) -> None:
    """Where nobody has a budget of the place's own, and for amounts that are none."""
    async with open_desk(tmp_path, running=False, budget=7) as desk:
        boss = await desk.asker("boss", admin=True)
        for use in (desk.office.give(boss, "ann", 1), desk.office.reset(boss, "ann")):
            with pytest.raises(NoBudgetHere) as caught:
                await use
            assert caught.value.budget == 7
        await desk.office.set_budget(boss, "ann", 5)
        await desk.office.give(boss, "ann", 1)
        for amount in (0, -1, float("nan"), MOST_CREDITS * 2):
            with pytest.raises(InvalidRequest):
                await desk.office.give(boss, "ann", amount)
        with pytest.raises(InvalidRequest):
            await desk.office.set_budget(boss, "ann", -1)
        assert len(await _entries(desk, boss)) == 2


async def test_the_budget_over_all_places_is_the_operator_s(tmp_path: Path) -> None:
    """An admin's gift does not lift it; an operator's everywhere does, in every place."""
    async with open_desk(tmp_path, running=False, budget=1, **OPERATOR) as desk:
        op, boss = await desk.asker("op"), await desk.asker("boss", admin=True)
        await desk.office.change(boss, budget=9)
        await _paint(desk)
        await desk.office.give(boss, "ann", 5)
        assert (await _refused(desk, OverBudget)).scope == "person"
        await desk.office.give(op, "ann", 1, everywhere=True)
        await _paint(desk, place="hall")
        await _refused(desk, OverBudget)
        await desk.office.reset(op, "ann", everywhere=True)
        await _paint(desk)
        await desk.office.set_budget(op, "ann", 0, everywhere=True)
        await _refused(desk, OverBudget, place="hall")
        assert [each[0] for each in await _entries(desk, boss)] == ["change", "give"]


async def test_the_most_generous_role_counts(tmp_path: Path) -> None:
    """Its budget comes instead of everybody's here; a role that is not named changes nothing."""
    async with open_desk(tmp_path, running=False) as desk:
        boss = await desk.asker("boss", admin=True)
        budgets = {"low": 1.0, "high": 3.0}
        await desk.office.change(boss, budget=2, role_budgets=budgets)
        boss = await desk.asker("boss", admin=True)
        for who, roles, most in (
            ("a", frozenset(), 2),
            ("b", frozenset({"other"}), 2),
            ("c", frozenset({"low"}), 1),
            ("d", frozenset({"low", "high", "other"}), 3),
        ):
            for _ in range(most):
                await _paint(desk, who, roles=roles)
            over = await _refused(desk, OverBudget, who=who, roles=roles)
            assert (over.scope, over.used, over.budget) == ("person_in_place", most, most)
            usage = await desk.office.usage_of(boss, who, roles=roles)
            assert (usage.used, usage.budget) == (most, most)
        await desk.office.set_budget(boss, "d", 4)
        await _paint(desk, "d", roles=frozenset({"high"}))
        await desk.office.change(boss, role_budgets={})
        assert (await desk.office.place(boss)).rules.role_budgets == {}
        await _paint(desk, "c", roles=frozenset({"low"}))


async def test_roles_say_how_many_may_wait_here(tmp_path: Path) -> None:
    """The most generous one; what waits elsewhere is not counted, the operator's limit stays."""
    async with open_desk(tmp_path, running=False, waiting_per_person=4) as desk:
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, role_waiting={"low": 1, "high": 2, "vast": 99})
        low, high = frozenset({"low"}), frozenset({"low", "high"})
        await _paint(desk, place="hall")
        await _paint(desk, roles=low)
        over = await _refused(desk, TooManyWaiting, roles=low)
        assert (over.limit, over.waiting) == (1, 1)
        await _paint(desk, roles=high)
        assert (await _refused(desk, TooManyWaiting, roles=high)).limit == 2
        await _paint(desk, roles=frozenset())
        over = await _refused(desk, TooManyWaiting, roles=frozenset({"vast"}))
        assert (over.limit, over.waiting) == (4, 4)


async def test_an_admin_sees_the_line_of_their_place_without_private_words(tmp_path: Path) -> None:
    """In order, the running one first; the operator sees all words, and all places if asked."""
    async with open_desk(tmp_path, **OPERATOR) as desk:
        boss, op = await desk.asker("boss", admin=True), await desk.asker("op")
        desk.painter.hold()
        first = await desk.order("first")
        await desk.until(lambda: desk.line.painting)
        hidden = Ask(prompt="secret", negative="hidden", style="neon")
        ann = await desk.asker()
        private = (await desk.studio.paint(ann, hidden, private=True, message="token")).job
        await _paint(desk, ask=Ask(prompt="elsewhere"), place="hall")
        views = await desk.office.jobs(boss)
        assert [(v.job.public, v.position) for v in views] == [
            (first.public, 0),
            (private.public, 1),
        ]
        assert views[0].job.paint.prompt == "first"
        for secret in ("secret", "hidden", "neon", "token"):
            assert secret not in repr(views)
        assert (await desk.office.asked_by(boss, views[1].job)).external == "ann"
        assert len(await desk.office.jobs(boss, limit=1)) == 2
        assert [v.job.paint.prompt for v in await desk.office.jobs(op)][1] == "secret, neon"
        everything = await desk.office.jobs(op, everywhere=True)
        assert {v.job.paint.prompt for v in everything} == {"first", "secret, neon", "elsewhere"}
        own = await desk.office.jobs(await desk.asker("ann", admin=True))
        assert own[1].job.paint.prompt == "secret, neon"


async def test_an_admin_cancels_what_waits_in_their_place(tmp_path: Path) -> None:
    """Private jobs too, unread; what waits elsewhere is not there for them."""
    async with open_desk(tmp_path, running=False, **OPERATOR) as desk:
        boss, op = await desk.asker("boss", admin=True), await desk.asker("op")
        ticket = await desk.studio.paint(await desk.asker(), Ask(prompt="secret"), private=True)
        elsewhere = await _paint(desk, place="hall")
        over = await desk.office.cancel(boss, ticket.job.public)
        assert (over.state, over.paint.prompt) == (JobState.CANCELLED, "")
        again = await desk.office.cancel(boss, ticket.job.public)
        assert (again.state, "secret" in repr(again)) == (JobState.CANCELLED, False)
        for public in (elsewhere, "nothing"):
            with pytest.raises(NotFound):
                await desk.office.cancel(boss, public)
        assert (await desk.office.cancel(op, elsewhere)).state is JobState.CANCELLED
        entries = await _entries(desk, boss)
        assert ("cancel", ticket.job.public, "") in entries
        assert ("cancel", "nothing", "") not in entries


async def test_everything_of_a_place_is_cancelled_at_once(tmp_path: Path) -> None:
    """However much it is, painted or waiting; other places go on, until an operator ends all."""
    settings: dict[str, Any] = {"waiting_per_person": 200, "queue_limit": 300, "budget": 500}
    async with open_desk(tmp_path, running=False, **settings, **OPERATOR) as desk:
        boss, op = await desk.asker("boss", admin=True), await desk.asker("op")
        for _ in range(LISTED + 5):
            await _paint(desk)
        elsewhere = await _paint(desk, place="hall")
        assert await desk.office.cancel_all(boss) == LISTED + 5
        assert await desk.office.jobs(boss) == []
        assert (await desk.jobs.get(elsewhere)).state is JobState.QUEUED
        assert await desk.office.cancel_all(boss) == 0
        assert await desk.office.cancel_all(op, everywhere=True) == 1
        assert await _entries(desk, boss) == [
            ("cancel_all", "", str(LISTED + 5)),
            ("cancel_all", "", "0"),
        ]


async def test_a_job_that_is_painted_is_cancelled_with_the_others(tmp_path: Path) -> None:
    """It ends within a step, and nobody is charged for what was not painted."""
    async with open_desk(tmp_path) as desk:
        boss = await desk.asker("boss", admin=True)
        desk.painter.hold()
        job = await desk.order()
        await desk.until(lambda: desk.line.painting)
        assert await desk.office.cancel_all(boss) == 1
        desk.painter.step()
        assert (await desk.outcome(job)).state is JobState.CANCELLED


async def _done(desk: Desk, who: str = "ann", **more: Any) -> tuple[str, tuple[str, ...]]:
    """The ids of a finished job of two pictures, and of these."""
    ticket = await desk.studio.paint(await desk.asker(who), Ask(prompt="a fox", count=2), **more)
    await desk.outcome(ticket.job)
    return ticket.job.public, tuple(p.id for p in await desk.pictures.of_job(ticket.job.id))


async def test_a_report_tells_moderators_whose_it_is(tmp_path: Path) -> None:
    """By the job or by the picture; the second one of the same person is told apart."""
    async with open_desk(tmp_path) as desk:
        boss = await desk.asker("boss", admin=True)
        await desk.office.change(boss, log_channel=77)
        job, pictures = await _done(desk)
        report = await desk.office.report(await desk.asker("bob"), job, "  so \n rude ")
        assert (report.job.public, [p.id for p in report.pictures]) == (job, list(pictures))
        assert (report.person.external, report.reporter.external) == ("ann", "bob")
        assert (report.reason, report.log_channel, report.again) == ("so rude", "77", False)
        assert (await desk.office.report(await desk.asker("bob"), job)).again
        assert not (await desk.office.report(await desk.asker("eve"), job)).again
        one = await desk.office.report(await desk.asker("bob"), pictures[1], "x" * 9_000)
        assert ([p.id for p in one.pictures], one.again) == ([pictures[1]], False)
        entries = await _entries(desk, boss)
        assert entries[1:3] == [("report", job, "so rude"), ("report", job, "")]
        assert [(each[1], len(each[2])) for each in entries[3:]] == [(pictures[1], 500)]


async def test_nobody_floods_the_moderators(tmp_path: Path) -> None:
    """Ten reports an hour and person; the same again is none, and later there is room again."""
    late = 0.0
    async with open_desk(tmp_path, clock=lambda: time.time() + late, budget=1000) as desk:
        bob = await desk.asker("bob")
        painted = [await _done(desk) for _ in range(11)]
        for job, _ in painted[:10]:
            await desk.office.report(bob, job)
        assert (await desk.office.report(bob, painted[0][0])).again
        with pytest.raises(TooManyReports) as refused:
            await desk.office.report(bob, painted[10][0])
        assert refused.value.limit == 10
        await desk.office.report(await desk.asker("eve"), painted[10][0])
        late = 3601.0
        await desk.office.report(bob, painted[10][0])


async def test_what_one_does_not_see_cannot_be_reported(tmp_path: Path) -> None:
    """Private, elsewhere, or not at all: the same answer."""
    async with open_desk(tmp_path) as desk:
        private, (hidden, _) = await _done(desk, private=True)
        job, (picture, _) = await _done(desk)
        bob, far = await desk.asker("bob"), await desk.asker("bob", place="hall")
        chief = replace(bob, operator=True)  # who sees it, but shall not show it to a server
        blind = ((bob, private), (bob, hidden), (far, job), (far, picture), (bob, "no"))
        for asker, what in (*blind, (chief, private), (chief, hidden)):
            with pytest.raises(NotFound):
                await desk.office.report(asker, what)
        assert await _entries(desk, await desk.asker("boss", admin=True)) == []


async def test_moderators_delete_what_was_posted_in_their_place(tmp_path: Path) -> None:
    """One picture or all of a job, for good; what is private or elsewhere is not there for them."""
    async with open_desk(tmp_path) as desk:
        mod, boss = await desk.asker("mo", moderator=True), await desk.asker("boss", admin=True)
        job, (one, two) = await _done(desk)
        _, path = await desk.studio.picture(mod, one)
        assert await desk.office.moderate_delete(mod, one) == 1
        assert not path.exists()
        assert [p.id for p in (await desk.studio.view(mod, job)).pictures] == [two]
        assert await desk.office.moderate_delete(mod, job) == 1
        with pytest.raises(NotFound):
            await desk.studio.picture(await desk.asker(), two)
        private, (hidden, _) = await _done(desk, private=True)
        for asker in (mod, boss, await desk.asker("far", place="hall", moderator=True)):
            for what in (private, hidden):
                with pytest.raises(NotFound):
                    await desk.office.moderate_delete(asker, what)
        assert (await desk.studio.picture(await desk.asker(), hidden))[1].exists()
        assert await _entries(desk, boss) == [("delete", one, "1"), ("delete", job, "1")]
