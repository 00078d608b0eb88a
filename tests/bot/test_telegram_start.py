"""How the Telegram bot starts, hears, goes on after trouble, and ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from telegram import Update

from bot.on_telegram.hearing import hook_address
from bot.on_telegram.inbox import FACT, TRIES, Inbox
from storage.errors import DiskFull
from storage.jobs import Job
from tests.bot.telegram_desk import TelegramDesk, open_post
from tests.loopback_telegram import TOKEN, Message

pytestmark = pytest.mark.slow

SECRET = TOKEN.partition(":")[2]


async def _jobs(desk: TelegramDesk) -> list[Job]:
    asker = await desk.desk.studio.asker("telegram", str(desk.ann.id), place=str(desk.ann.id))
    return [view.job for view in await desk.desk.studio.history(asker)]


async def _picture(desk: TelegramDesk, asked: Message) -> Message:
    await desk.telegram.until(lambda: desk.telegram.pictures(asked), "a picture", 20)
    (shown,) = desk.telegram.pictures(asked)
    return shown


async def test_a_word_becomes_a_picture(tmp_path: Path) -> None:
    """From the update to the picture, through real sockets and the real library."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ann.says(None, "/imagine a fox --seed 7")
        shown = await _picture(desk, asked)
        assert shown.reply_to is asked
        assert len(await _jobs(desk)) == 1


async def test_a_wrong_token_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest goes on; the line does not show the token."""
    async with open_post(tmp_path, token=f"700700700:{'B' * 35}", connected=False) as desk:
        await desk.desk.until(lambda: desk.bot.state == "refused")
        await desk.running
        await desk.desk.outcome(await desk.desk.order())
    told = capsys.readouterr().out
    lines = [line for line in told.splitlines() if "elegram" in line]
    assert len(lines) == 1
    assert "ATELIER_TELEGRAM_TOKEN" in lines[0]
    assert SECRET not in told


async def test_a_network_that_is_away_at_the_start_comes_later(tmp_path: Path) -> None:
    """Nothing waits for Telegram; it is there as soon as it can be reached."""
    async with open_post(tmp_path) as desk:
        await desk.die()
        await desk.telegram.go_away()
        await desk.start()
        await asyncio.sleep(0.3)
        assert desk.bot.state == "connecting"
        await desk.desk.outcome(await desk.desk.order())
        await desk.telegram.come_back()
        await desk.connected()
        await _picture(desk, await desk.ann.says(None, "/imagine a fox"))


async def test_an_update_that_comes_twice_is_one_job(tmp_path: Path) -> None:
    """Within one process, and over the end of it."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ann.says(None, "/imagine a fox")
        update = desk.telegram.updates.given[-1]
        await _picture(desk, asked)
        desk.telegram.updates.repeat(update)
        await desk.desk.until(lambda: not desk.telegram.updates._again)
        await desk.bot.close()
        await desk.desk.facts.put(FACT, "{}")  # even if nobody knew any more
        polls = desk.telegram.updates.polls
        await desk.start()
        await desk.desk.until(lambda: desk.telegram.updates.polls > polls)
        desk.telegram.updates.repeat(update)
        await desk.desk.until(lambda: update["update_id"] in desk.bot.inbox._seen)
        await desk.desk.until(lambda: not desk.bot.inbox._tasks)
        assert len(await _jobs(desk)) == 1
        assert len(desk.telegram.ever_pictured(asked)) == 1


async def test_a_request_that_was_fetched_survives_a_death(tmp_path: Path) -> None:
    """Telegram gives it no second time once it was confirmed; we have written it down."""
    async with open_post(tmp_path) as desk:
        handling = asyncio.Event()

        async def hang(update: Any) -> None:
            handling.set()
            await asyncio.Event().wait()

        desk.bot.inbox._handle = hang
        asked = await desk.ann.says(None, "/imagine a fox")
        await desk.desk.until(handling.is_set)
        await desk.desk.until(lambda: not desk.telegram.updates.pending)  # it is confirmed
        await desk.die()
        await desk.start()
        await _picture(desk, asked)
        assert len(await _jobs(desk)) == 1


async def test_an_update_that_kills_is_dropped_in_the_end(tmp_path: Path) -> None:
    """What several processes began and none finished is not begun for ever."""
    async with open_post(tmp_path) as desk:
        await desk.bot.close()
        begun: list[int] = []

        async def die(update: Any) -> None:
            begun.append(update.update_id)
            await asyncio.Event().wait()

        data = {"update_id": 5}
        kept = {"open": [{"update": data, "tries": 1}], "seen": []}
        await desk.desk.facts.put(FACT, json.dumps(kept))
        for _ in range(TRIES + 2):
            before = len(begun)
            inbox = Inbox(desk.desk.facts, die, die)
            await inbox.begin(desk.bot.application.bot)
            for _ in range(100):  # nothing tells that an update is not begun
                await asyncio.sleep(0.01)
                if len(begun) > before:
                    break
            for task in inbox._tasks:
                task.cancel()
        assert len(begun) == TRIES  # one try is counted already, and the last was for a word


async def _dying(desk: TelegramDesk, deaths: int) -> None:
    """So many processes begin what was said and die of it; the next one is there afterwards."""
    for _ in range(deaths):
        await desk.desk.until(lambda: not desk.telegram.updates.pending)
        await desk.desk.until(lambda: desk.bot.inbox._tasks)
        await desk.die()
        await desk.start()
        desk.bot.inbox._handle = _never
    desk.bot.inbox._handle = desk.bot.application.process_update
    await desk.connected()


@pytest.mark.parametrize("where", ["alone", "in a group"])
async def test_what_processes_died_of_gets_a_kind_word(tmp_path: Path, where: str) -> None:
    """Given up after so many deaths, with one line in the log and one word to whoever asked."""
    with capture_logs() as lines:
        async with open_post(tmp_path) as desk:
            group = desk.telegram.group("Foxes", desk.ann) if where == "in a group" else None
            desk.bot.inbox._handle = _never
            asked = await desk.ann.says(group, "/imagine a fox")
            await _dying(desk, TRIES)
            told = await desk.telegram.answer(asked)
            assert "ask again" in told.content.text
            await desk.desk.until(lambda: not desk.bot.inbox._open)
            assert await _jobs(desk) == []
            await _picture(desk, await desk.ann.says(group, "/imagine a fox"))
    given_up = [each["log_level"] for each in lines if "never finished" in each["event"]]
    assert set(given_up) == {"warning"}


async def test_a_press_that_processes_died_of_pops_up_a_word(tmp_path: Path) -> None:
    """Or the word comes as a message, if Telegram has forgotten the press meanwhile."""
    async with open_post(tmp_path) as desk:
        shown = await _picture(desk, await desk.ann.says(None, "/imagine a fox"))
        desk.bot.inbox._handle = _never
        press = await desk.ann.presses(shown, "a:again:")
        await _dying(desk, TRIES)
        assert "ask again" in (await press.answered())["text"]
        desk.bot.inbox._handle = _never
        await desk.ann.presses(shown, "a:again:")
        desk.telegram.later(3600)
        await _dying(desk, TRIES)
        await desk.telegram.until(lambda: desk.telegram.mentioning("ask again"), "a message")
        assert len(await _jobs(desk)) == 1


async def test_nothing_is_said_of_what_was_taken_on_all_the_same(tmp_path: Path) -> None:
    """The process died after the job was written down: its picture is the answer."""
    async with open_post(tmp_path) as desk:
        asked = await desk.ann.says(None, "/imagine a fox")
        update = desk.telegram.updates.given[-1]
        await _picture(desk, asked)
        await desk.bot.close()
        kept = {"open": [{"update": update, "tries": TRIES}], "seen": []}
        await desk.desk.facts.put(FACT, json.dumps(kept))
        await desk.start()
        await desk.connected()
        await desk.desk.until(lambda: not desk.bot.inbox._open)
        assert desk.telegram.mentioning("ask again") == []


async def test_what_an_earlier_process_left_is_not_written_over(tmp_path: Path) -> None:
    """Neither by what Telegram brings before it was read, nor by an end that comes as early."""
    address = "https://paint.example.org"
    async with open_post(tmp_path, telegram_webhook_url=address) as desk:
        await desk.telegram.until(lambda: desk.telegram.updates.webhook, "a webhook")
        secret = desk.telegram.updates.webhook["secret"]
        await desk.bot.close()
        asked = await desk.ann.says(None, "/imagine a fox")
        left = desk.telegram.updates.given[-1]
        await desk.desk.facts.put(FACT, json.dumps({"open": [{"update": left, "tries": 1}]}))

        desk.bot = desk.make()
        desk.bot.status.resume = _never_begun  # type: ignore[method-assign]
        desk.running = asyncio.create_task(desk.bot.run())
        await desk.connected()
        other = await desk.ann.says(None, "/imagine a cat")
        body = json.dumps(desk.telegram.updates.given[-1]).encode()
        assert await desk.bot.receive(desk.bot.hook, secret, body) == 503
        await desk.bot.close()
        async with asyncio.timeout(5):
            await desk.running
        kept = json.loads(await desk.desk.facts.get(FACT) or "")
        assert [each["update"]["update_id"] for each in kept["open"]] == [left["update_id"]]

        await desk.start()
        await _picture(desk, asked)
        assert await desk.bot.receive(desk.bot.hook, secret, body) == 200
        await _picture(desk, other)


async def _never_begun() -> None:
    await asyncio.Event().wait()


async def test_a_full_disk_makes_nobody_deaf(tmp_path: Path) -> None:
    """What cannot be written down at the start is done all the same, and once there is room."""
    async with open_post(tmp_path) as desk:
        await desk.bot.close()
        asked = await desk.ann.says(None, "/help")
        left = desk.telegram.updates.given[-1]
        kept = json.dumps({"open": [{"update": left, "tries": 1}]})
        await desk.desk.facts.put(FACT, kept)
        await desk.desk.facts.put("telegram:menus", "others")
        put, full = desk.desk.facts.put, True

        async def no_room(name: str, value: str) -> None:
            if full:
                raise DiskFull(free=0, reserve=0)
            await put(name, value)

        desk.desk.facts.put = no_room  # type: ignore[method-assign]
        told = len(desk.telegram.called("setMyCommands"))
        await desk.start()
        await desk.telegram.until(lambda: desk.telegram.by_bot(asked.chat), "the help")
        await desk.desk.until(lambda: len(desk.telegram.called("setMyCommands")) > told)
        said = await desk.ann.says(None, "/imagine a fox")
        await _picture(desk, said)
        assert not desk.running.done()
        assert await desk.desk.facts.get(FACT) == kept
        full = False
        newest = desk.telegram.updates.given[-1]["update_id"]
        await desk.ann.says(None, "/help")

        async def noted() -> bool:
            now = json.loads(await desk.desk.facts.get(FACT) or "{}")
            return newest in now.get("seen", ()) and not now["open"]

        await desk.desk.until(noted)


async def test_what_could_not_be_written_down_is_not_confirmed(tmp_path: Path) -> None:
    """Telegram keeps it for as long as a death would lose it, and no longer."""
    async with open_post(tmp_path) as desk:
        facts, over, begun = desk.desk.facts, asyncio.Event(), list[int]()

        async def hang(update: Any) -> None:
            begun.append(update.update_id)
            await over.wait()

        async def no_room(name: str, value: str) -> None:
            raise DiskFull(free=0, reserve=0)

        inbox, put = Inbox(facts, hang, hang), facts.put
        await inbox.begin(desk.bot.application.bot)
        update = Update.de_json({"update_id": 5}, desk.bot.application.bot)
        facts.put = no_room  # type: ignore[method-assign]
        for _ in range(2):
            with pytest.raises(DiskFull):
                await inbox.take([update])
        facts.put = put  # type: ignore[method-assign]
        await inbox.take([update])
        kept = json.loads(await facts.get(FACT) or "")
        assert [each["update"]["update_id"] for each in kept["open"]] == [5]

        facts.put = no_room  # type: ignore[method-assign]
        other = Update.de_json({"update_id": 6}, desk.bot.application.bot)
        with pytest.raises(DiskFull):
            await inbox.take([other])
        over.set()
        await desk.desk.until(lambda: not inbox._tasks)
        await inbox.take([other])
        facts.put = put  # type: ignore[method-assign]
        await inbox.close(1.0)
        assert begun == [5, 6]


async def _never(update: Any) -> None:
    await asyncio.Event().wait()


async def test_finished_updates_are_forgotten(tmp_path: Path) -> None:
    """After an orderly end nothing comes again."""
    async with open_post(tmp_path) as desk:
        await _picture(desk, await desk.ann.says(None, "/imagine a fox"))
        await desk.bot.close()
        kept = json.loads(await desk.desk.facts.get(FACT) or "")
        assert kept["open"] == []
        assert kept["seen"]


async def test_a_slow_update_is_in_nobodys_way(tmp_path: Path) -> None:
    """Each is worked off for itself."""
    async with open_post(tmp_path) as desk:
        handle = desk.bot.inbox._handle

        async def slow(update: Any) -> None:
            if "slow" in str(update.message.text):
                await asyncio.Event().wait()
            await handle(update)

        desk.bot.inbox._handle = slow
        await desk.ann.says(None, "/imagine something slow")
        await _picture(desk, await desk.ann.says(None, "/imagine a fox"))
        for task in desk.bot.inbox._tasks:
            task.cancel()


async def test_the_menus_are_told_once(tmp_path: Path) -> None:
    """After a restart nothing is registered that is registered already."""
    async with open_post(tmp_path) as desk:
        await desk.desk.until(lambda: desk.desk.facts.get("telegram:menus"))
        told = len(desk.telegram.called("setMyCommands"))
        assert told > 0
        await desk.bot.close()
        await desk.start()
        await _picture(desk, await desk.ann.says(None, "/imagine a fox"))
        assert len(desk.telegram.called("setMyCommands")) == told
        await desk.bot.close()
        await desk.desk.facts.put("telegram:menus", "another")
        await desk.start()
        await desk.desk.until(lambda: len(desk.telegram.called("setMyCommands")) == 2 * told)


async def test_the_bot_works_where_the_operator_wants(tmp_path: Path) -> None:
    """A list of chats and people; somebody else gets no picture."""
    async with open_post(tmp_path, telegram_chats=frozenset({7})) as desk:
        bot = desk.bot
        assert bot.works_for(7, 8)
        assert bot.works_for(-9, 7)
        assert not bot.works_for(8, 8)
        await desk.ann.says(None, "/imagine a fox")
        await desk.desk.until(lambda: desk.telegram.by_bot(desk.ann.private))
        assert await _jobs(desk) == []
    async with open_post(tmp_path / "open") as desk:
        assert desk.bot.works_for(8, None)


async def test_other_processes_with_the_same_token_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A conflict is one line, and the bot goes on trying."""
    async with open_post(tmp_path) as desk:
        desk.telegram.faults.answer(
            "getUpdates", 409, says="Conflict: terminated by other", times=2
        )
        await desk.desk.until(lambda: not desk.telegram.faults.waiting)
        await desk.connected()
        await _picture(desk, await desk.ann.says(None, "/imagine a fox"))
    assert capsys.readouterr().out.count("same token") == 1


async def test_a_webhook_takes_what_bears_the_secret(tmp_path: Path) -> None:
    """Another path is not there, another secret forbidden; what was taken is worked off once."""
    address = "https://paint.example.org/telegram"
    async with open_post(tmp_path, telegram_webhook_url=address) as desk:
        await desk.telegram.until(lambda: desk.telegram.updates.webhook, "a webhook")
        hook = desk.telegram.updates.webhook
        assert hook["url"] == f"https://paint.example.org{desk.bot.hook}"
        assert SECRET not in hook["url"]
        asked = await desk.ann.says(None, "/imagine a fox")
        body = json.dumps(desk.telegram.updates.given[-1]).encode()
        receive = desk.bot.receive
        assert await receive("/telegram/guessed", hook["secret"], body) == 404
        assert await receive(desk.bot.hook, "guessed", body) == 403
        assert await receive(desk.bot.hook, None, body) == 403
        assert await receive(desk.bot.hook, hook["secret"], b"[") == 400
        assert await receive(desk.bot.hook, hook["secret"], b"[]") == 400
        for _ in range(2):
            assert await receive(desk.bot.hook, hook["secret"], body) == 200
        await _picture(desk, asked)
        assert len(await _jobs(desk)) == 1
        assert desk.telegram.updates.polls == 0


def test_the_address_of_the_webhook_ends_in_its_path() -> None:
    """With or without /telegram in what the operator gave."""
    for given in ("https://a.org", "https://a.org/", "https://a.org/telegram/"):
        assert hook_address(given, "/telegram/x") == "https://a.org/telegram/x"
    assert hook_address("https://a.org/bots/telegram", "/telegram/x").endswith("/bots/telegram/x")


async def test_the_end_leaves_nothing_running(tmp_path: Path) -> None:
    """No task of the bot outlives it."""
    async with open_post(tmp_path) as desk:
        desk.desk.painter.hold()
        await desk.ask()
        await desk.bot.close()
        await asyncio.wait({desk.running}, timeout=5)
        left = [each.get_name() for each in asyncio.all_tasks()]
        names = ("telegram", "follow ", "tell ", "act ", "update ")
        assert [name for name in left if name.startswith(names)] == []
        desk.desk.painter.release()
