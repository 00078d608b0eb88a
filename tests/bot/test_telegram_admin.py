"""What those who administer a Telegram group can do, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from bot.on_telegram import admin
from tests.bot.telegram_parts import Counter, labels, open_counter
from tests.loopback_telegram import Chat, Person


@dataclass(slots=True, kw_only=True)
class House:
    """A forum that ann administers, with ben and eve in it."""

    counter: Counter
    group: Chat
    ann: Person
    ben: Person
    eve: Person

    async def told(self, who: Person, text: str, **more: Any) -> str:
        """What the bot answers there."""
        return await self.counter.in_group(who, self.group, text, **more)


@asynccontextmanager
async def open_house(data: Path, **settings: Any) -> AsyncIterator[House]:
    """A house with its bot."""
    async with open_counter(data, **settings) as counter:
        ben, eve = counter.telegram.person("Ben"), counter.telegram.person("Eve")
        group = counter.telegram.group("House", counter.ann, ben, eve, forum=True)
        yield House(counter=counter, group=group, ann=counter.ann, ben=ben, eve=eve)


@pytest.mark.parametrize("name", sorted(admin.COMMANDS))
async def test_members_and_strangers_rule_nothing(tmp_path: Path, name: str) -> None:
    """Neither in the group nor in their private chats; nothing is changed."""
    async with open_house(tmp_path) as house:
        said = await house.ben.says(house.group, "x")
        told = await house.told(house.ben, f"/{name}", reply_to=said)
        assert told.startswith("Only those who"), told
        private = await house.counter.told(house.ben, f"/{name} 100002")
        assert private.startswith("Only "), private
        assert await house.counter.post.desk.audit.latest(None) == []


async def test_pause_and_resume(tmp_path: Path) -> None:
    """Nobody's jobs are taken meanwhile."""
    async with open_house(tmp_path) as house:
        assert (await house.told(house.ann, "/pause")).startswith("Painting is paused")
        told = await house.told(house.ben, "/imagine a fox")
        assert told == "Painting is paused here for now."
        assert await house.told(house.ann, "/resume") == "Painting is open."
        await house.counter.telegram.picture(await house.ben.says(house.group, "/imagine a fox"))


async def test_bans_reach_whoever_is_replied_to(tmp_path: Path) -> None:
    """By their message, by a picture they asked for, by their id; for a while or for good."""
    async with open_house(tmp_path) as house:
        said = await house.ben.says(house.group, "hello")
        told = await house.told(house.ann, "/ban 2d", reply_to=said)
        assert told == "Ben cannot ask for pictures here for 2 days."
        assert "in 2 days" in await house.told(house.ben, "/imagine a fox")
        assert "may ask for pictures" in await house.told(house.ann, f"/unban {house.ben.id}")
        shown = await house.counter.telegram.picture(
            await house.ben.says(house.group, "/imagine a fox")
        )
        told = await house.told(house.ann, "/ban", reply_to=shown)
        assert told == "Ben cannot ask for pictures here any more."
        assert "cannot ask" in await house.told(house.ben, "/imagine a fox")
        assert "Reply to a message" in await house.told(house.ann, "/ban")
        assert "2d" in await house.told(house.ann, "/ban soon", reply_to=said)


async def test_a_message_in_a_topic_replies_to_nobody(tmp_path: Path) -> None:
    """Telegram hangs it on the message that opened the topic: its author is not meant."""
    async with open_house(tmp_path) as house:
        topic = house.counter.telegram.topic(house.group, "Pictures", house.ben)
        told = await house.told(house.ann, "/ban", topic=topic)
        assert told.startswith("Reply to a message of theirs")


async def test_topics(tmp_path: Path) -> None:
    """Only where it is allowed; the refusal says so, and /topics all opens them again."""
    async with open_house(tmp_path) as house:
        topic = house.counter.telegram.topic(house.group, "Pictures", house.ann)
        told = await house.told(house.ann, "/topics")
        assert told.startswith("Pictures may be asked for in every topic.")
        told = await house.told(house.ann, "/topics here", topic=topic)
        assert told == f"Pictures may be asked for in these topics: topic {topic}."
        told = await house.told(house.ben, "/imagine a fox")
        assert told == f"Pictures may be asked for in these topics: topic {topic}."
        asked = await house.ben.says(house.group, "/imagine a fox", topic=topic)
        await house.counter.telegram.picture(asked)
        assert "every topic" in await house.told(house.ann, "/topics all")
        await house.counter.telegram.picture(await house.ben.says(house.group, "/imagine a fox"))


async def test_budgets(tmp_path: Path) -> None:
    """Of each, of all together, of one; what is typed wrong is told."""
    async with open_house(tmp_path) as house:
        assert "Each person: 2 credits a day." in await house.told(house.ann, "/budget 2")
        told = await house.told(house.ann, "/budget all 30")
        assert "Everybody together: 30 credits a day." in told
        told = await house.told(house.ben, "/imagine a fox --count 3")
        assert "you have 2 a day here" in told
        said = await house.ben.says(house.group, "please")
        told = await house.told(house.ann, "/budget 9", reply_to=said)
        assert "Ben has a budget of their own here: 9 credits a day." in told
        asked = await house.ben.says(house.group, "/imagine a fox --count 3")
        await house.counter.telegram.picture(asked)
        assert "3 of 9" in await house.told(house.ann, "/usage", reply_to=said)
        assert "0 of 9" in await house.told(house.ann, "/budget reset", reply_to=said)
        assert "no limit" in await house.told(house.ann, "/budget off")
        assert "20" in await house.told(house.ann, "/budget much")


async def test_words(tmp_path: Path) -> None:
    """They are refused from then on, and listed under a veil."""
    async with open_house(tmp_path) as house:
        assert "No words are forbidden." in await house.told(house.ann, "/words")
        told = await house.told(house.ann, "/words add spider\n/sna+ke/")
        assert "2 words or patterns" in told
        assert "spider\n/sna+ke/" in told
        assert "not painted here" in await house.told(house.ben, "/imagine a Spider")
        assert "not painted here" in await house.told(house.ben, "/imagine a snaaake")
        assert "1 word" in await house.told(house.ann, "/words remove /sna+ke/")
        assert "No words" in await house.told(house.ann, "/words none")
        assert "cannot be used" in await house.told(house.ann, "/words add /(/")


async def test_pictures(tmp_path: Path) -> None:
    """What becomes of flagged ones, and whether files say how they were made."""
    async with open_house(tmp_path) as house:
        told = await house.told(house.ann, "/pictures")
        assert "as the operator says" in told
        assert "/pictures show" in told
        assert "to nobody" in await house.told(house.ann, "/pictures Withhold")
        assert "do not say" in await house.told(house.ann, "/pictures files off")
        assert "as the operator says" in await house.told(house.ann, "/pictures none")
        assert "spoiler" in await house.told(house.ann, "/pictures burn")


async def test_rules_are_told_together(tmp_path: Path) -> None:
    """Without what Telegram does not have."""
    async with open_house(tmp_path) as house:
        told = await house.told(house.ann, "/rules")
        assert "Painting is open." in told
        assert "topic" in told
        assert "role" not in told
        assert "channel" not in told


async def test_jobs_are_cancelled_by_button_by_id_and_all_at_once(tmp_path: Path) -> None:
    """Those of others as well; it is written down."""
    async with open_house(tmp_path) as house:
        house.counter.post.desk.painter.hold()
        assert "nothing waits" in await house.told(house.ann, "/jobs")
        for words in ("a fox", "a hare", "a dog"):
            await house.told(house.ben, f"/imagine {words}")
        listed = await house.counter.telegram.answer(await house.ann.says(house.group, "/jobs"))
        assert {"✖ Ben: a fox", "✖ Ben: a hare"} <= set(chain(*labels(listed)))
        assert await house.counter.alert(house.ann, listed, "a hare") == "Cancelled."
        jobs = await house.counter.jobs(house.ben)
        refused = await house.told(house.eve, f"/cancel {jobs[0].public}")
        assert refused == "This belongs to somebody else."
        assert await house.told(house.ann, f"/cancel {jobs[0].public}") == "Cancelled."
        assert await house.told(house.ann, "/cancel all") == "1 job is cancelled."
        audit = await house.told(house.ann, "/audit")
        assert "Ann cancelled all jobs: 1." in audit
        assert "ago)" in audit


async def test_the_audit_names_people(tmp_path: Path) -> None:
    """Without calling them."""
    async with open_house(tmp_path) as house:
        said = await house.ben.says(house.group, "hello")
        await house.told(house.ann, "/ban", reply_to=said)
        assert "Ann banned Ben for good." in await house.told(house.ann, "/audit")
        last = house.counter.telegram.by_bot(house.group)[-1]
        assert not [e for e in last.content.entities if e["type"] == "text_mention"]


async def test_rights_are_asked_for_once_a_minute(tmp_path: Path) -> None:
    """And a new administrator is one after that."""
    async with open_house(tmp_path) as house:
        await house.told(house.ben, "/rules")
        house.group.members[house.ben.id] = "administrator"
        assert "Only those" in await house.told(house.ben, "/rules")
        assert len(house.counter.telegram.called("getChatMember")) == 1
        house.counter.post.clock.later(61)
        assert "Painting is open." in await house.told(house.ben, "/rules")


async def test_an_anonymous_administrator_rules(tmp_path: Path) -> None:
    """Who speaks as the group itself is one of its administrators."""
    async with open_house(tmp_path) as house:
        told = await house.told(house.ann, "/pause", anonymous=True)
        assert told.startswith("Painting is paused")


async def test_operators_rule_everywhere(tmp_path: Path) -> None:
    """In a group they do not administer, and from their own chat over all of them."""
    operators = frozenset({("telegram", "100003")})
    async with open_house(tmp_path, operators=operators) as house:
        assert house.eve.id == 100_003
        assert "Painting is open." in await house.told(house.eve, "/rules")
        told = await house.counter.told(house.eve, f"/ban {house.ben.id}")
        assert "anywhere" in told
        assert "cannot ask" in await house.counter.told(house.ben, "a fox")


async def test_admins_delete_what_others_asked_for(tmp_path: Path) -> None:
    """In their group; it is written down."""
    async with open_house(tmp_path) as house:
        telegram = house.counter.telegram
        shown = await telegram.picture(await house.ben.says(house.group, "/imagine a fox"))
        await house.counter.alert(house.ann, shown, "Delete")
        await telegram.until(lambda: "Delete for good" in str(shown.markup), "whether it is sure")
        assert await house.counter.alert(house.ann, shown, "for good") == "The picture was deleted."
        await telegram.until(lambda: shown.deleted, "its end")
        (entry,) = await house.counter.post.desk.audit.latest(None)
        assert entry.action == "delete"
