"""Telegram when processes die: kill -9 while sending, a wrong token, a webhook instead of polls."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.loopback_telegram import Message, open_telegram
from tests.loopback_telegram.atelier import SECRET, Running, open_atelier

pytestmark = pytest.mark.slow

QUICK = "--steps 4"


def _long_ago(running: Running, seconds: int) -> None:
    """Let all jobs have been asked for some time ago; only while nobody serves them."""
    with closing(sqlite3.connect(running.server.data / "atelier.sqlite")) as db:
        db.execute("UPDATE jobs SET created_at = created_at - ?", (seconds * 1000,))
        db.commit()


async def _until_noted(running: Running, message: Message) -> None:
    """Wait until the bot has written down which message tells of its last job."""
    await running.until_jobs(lambda jobs: f'"message":{message.id}' in (jobs[-1].message or ""))


async def test_kill_9_while_a_picture_is_sent(tmp_path: Path) -> None:
    """Killed after Telegram has it and before anybody wrote that down: it is there once."""
    async with open_telegram() as telegram, open_atelier(telegram, tmp_path / "data") as running:
        ada, bob = telegram.person("Ada"), telegram.person("Bob")
        telegram.faults.slow("editMessageMedia", 600)
        asked = await ada.says(None, f"a castle {QUICK}")
        await telegram.picture(asked)
        waiting = await bob.says(None, "a canyon --steps 30 --count 4")
        status = await telegram.answer(waiting)
        await _until_noted(running, status)
        running.server.kill()

        # Bob's now waits for so long that his picture will be a new message, not an edit.
        _long_ago(running, 300)
        telegram.faults.slow("sendMessage", 600, chat=bob.id)
        await running.start()
        await telegram.until(lambda: len(telegram.replies(waiting)) == 2, "a new message", 120)
        running.server.kill()

        await running.start()
        await running.until_jobs(lambda jobs: all(job.delivered for job in jobs))
        assert len(telegram.replies(asked)) == len(telegram.pictures(asked)) == 1
        assert len(telegram.ever_pictured(waiting)) == 1
        assert len(telegram.pictures(waiting)) == 1
        assert len(telegram.replies(waiting)) <= 2
        assert status.deleted or telegram.pictures(waiting) == [status]
        other = await bob.says(None, f"the sea {QUICK}")
        await telegram.picture(other)
        assert await asyncio.to_thread(running.server.stop) == 0


async def test_after_a_long_wait_the_picture_is_a_new_message(tmp_path: Path) -> None:
    """It notifies the asker, replies to the request, and the status message goes."""
    async with open_telegram() as telegram, open_atelier(telegram, tmp_path / "data") as running:
        ada = telegram.person("Ada")
        asked = await ada.says(None, f"a castle {QUICK}")
        status = await telegram.answer(asked)
        await _until_noted(running, status)
        running.server.kill()
        assert not running.jobs()[-1].delivered, "it was faster than the test"
        _long_ago(running, 300)
        await running.start()
        shown = await telegram.picture(asked)
        assert shown is not status
        await telegram.until(lambda: status.deleted, "the status message to go")
        assert len(telegram.replies(asked)) == len(telegram.pictures(asked)) == 1


async def test_a_wrong_token_stops_only_telegram(tmp_path: Path) -> None:
    """One clear line without the token; the page serves."""
    async with (
        open_telegram(token=f"700700700:{'B' * 35}") as telegram,
        open_atelier(telegram, tmp_path / "data", start=False) as running,
    ):
        await asyncio.to_thread(running.server.start)
        await running.health(lambda told: told.get("telegram") == "refused")
        assert await running.page() == 200
        assert SECRET not in running.log()


async def test_a_webhook_instead_of_polling(tmp_path: Path) -> None:
    """Telegram calls the page, with the secret; nobody else may, and nothing is polled."""
    async with (
        open_telegram() as telegram,
        open_atelier(
            telegram,
            tmp_path / "data",
            start=False,
            settings={"ATELIER_TELEGRAM_WEBHOOK_URL": "https://paint.example.org/telegram"},
        ) as running,
    ):
        telegram.hosts["paint.example.org"] = running.server.url
        await running.start()
        await telegram.until(lambda: telegram.updates.webhook, "a webhook")
        assert telegram.updates.webhook["secret"]
        ada = telegram.person("Ada")
        await telegram.picture(await ada.says(None, f"a castle {QUICK}"))
        assert telegram.updates.polls == 0
        assert telegram.updates.last_error is None
