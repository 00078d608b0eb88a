"""A soak of half a minute, and whether its questions can be answered with no."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from storage.database import Database
from tests.loopback_telegram import Telegram
from tests.loopback_telegram.fields import Values
from tests.loopback_telegram.server import Call
from tests.soak import verdict
from tests.soak.chatters import Square
from tests.soak.day import Soak
from tests.soak.evidence import Row
from tests.soak.journal import Journal
from tests.soak.lives import Life, Look
from tests.soak.table import table


@pytest.mark.slow
async def test_half_a_minute_of_restless_people(tmp_path: Path) -> None:
    """Kills, faults and people on all three surfaces: every question is answered with yes."""
    soak = Soak(minutes=0.5, seed=20261123, folder=tmp_path, small_disk=False, people=2)
    await soak.run()
    told = table(soak)
    assert all(finding.well for finding in soak.findings), told
    assert len(soak.lives.every) > 1, "nobody ended the process"
    assert soak.journal.counts["page: accepted"], told
    assert soak.journal.waits["discord"], told
    assert soak.journal.waits["telegram"], told


def _life(memory_mib_h: float, *, handles_h: float = 0.0, seconds: int = 900) -> Life:
    """A life whose memory breathes by 30 MiB every ten seconds, and grows as told."""
    began = time.monotonic() - seconds
    life = Life(pid=1, began=began, ended=began + seconds)
    for second in range(seconds):
        life.looks.append(
            Look(
                at=began + second,
                memory=500 + memory_mib_h * second / 3600 + 30 * (second % 10 > 2),
                handles=30 + round(handles_h * second / 3600) + second % 4,
                threads=20 + second % 2,
            )
        )
    return life


def test_a_leak_is_found() -> None:
    """Memory, files and threads that become more fail; what breathes does not."""
    assert verdict.memory_is_flat([_life(5.0)]).well
    assert verdict.memory_is_flat([_life(150.0)]).well, "it fills its caches"
    assert not verdict.memory_is_flat([_life(5.0), _life(900.0)]).well
    assert not verdict.memory_is_flat([_life(150.0, seconds=3600)]).well
    assert verdict.handles_are_flat([_life(0.0)]).well
    assert not verdict.handles_are_flat([_life(0.0, handles_h=200.0)]).well
    assert _life(150.0, seconds=60).slope is None


def test_what_was_lost_or_left_open_is_found() -> None:
    """A promise without a job, a job without an end, an end without a word, a mute failure."""
    jobs = {name: _row(name) for name in ("one", "two")}
    assert verdict.accepted_are_there(jobs, ["one"]).well
    assert not verdict.accepted_are_there(jobs, ["one", "three"]).well
    assert verdict.all_final(jobs).well
    assert not verdict.all_final(jobs | {"x": _row("x", state="queued")}).well
    assert not verdict.all_final(jobs | {"x": _row("x", told=False)}).well
    assert verdict.failures_have_reasons({"x": _row("x", state="failed", error="died")}).well
    assert not verdict.failures_have_reasons({"x": _row("x", state="failed")}).well


def test_what_the_log_says_is_found(tmp_path: Path) -> None:
    """A traceback, an error, a secret."""
    log = tmp_path / "data.log"
    log.write_text('{"event": "done", "level": "info"}\n', encoding="utf-8")
    assert verdict.log_is_quiet(log).well
    assert verdict.no_secret_in_log(log, ["hush-hush"]).well
    log.write_text('{"event": "hush-hush", "level": "error"}\n', encoding="utf-8")
    assert not verdict.log_is_quiet(log).well
    assert not verdict.no_secret_in_log(log, ["hush-hush"]).well


def test_silence_is_found() -> None:
    """Many gestures without an answer, where nobody made trouble."""
    journal = Journal()
    journal.counts["discord: asks"] = 100
    assert verdict.few_were_silent(journal).well
    for number in range(5):
        journal.no_answer(time.monotonic(), f"press {number}")
    assert not verdict.few_were_silent(journal).well
    with journal.trouble("kill"):
        journal.no_answer(time.monotonic(), "one more")
    assert len(journal.silent) == 5


def test_words_that_keep_pictures_waiting_are_found() -> None:
    """A group whose messages were status lines and edits while pictures waited."""
    telegram, now = Telegram(), time.monotonic()
    group = telegram.group("Square", telegram.person("Owner"))
    square = Square(telegram=telegram, journal=Journal(), group=group)
    waited = [(time.time() - 100 + nth, time.time() - 1) for nth in range(5)]

    def said(method: str) -> None:
        values = Values(method=method, given={"chat_id": group.id})
        telegram.server.calls.append(Call(at=now - 50, values=values, code=200))

    for _ in range(60):
        said("sendPhoto")
    assert verdict.pictures_came_first(waited, square).well
    for _ in range(60):
        said("editMessageText")
    told = verdict.pictures_came_first(waited, square)
    assert not told.well
    assert "60 of 120" in told.told


async def test_what_the_database_gets_wrong_is_found(tmp_path: Path) -> None:
    """A sum that drifted, a reference to nowhere, a file of nobody's."""
    await (await Database.open(tmp_path)).close()
    (tmp_path / "pictures").mkdir(exist_ok=True)
    assert verdict.budgets_are_right(tmp_path, {}, 50).well
    assert verdict.database_is_intact(tmp_path).well
    assert verdict.files_are_right(tmp_path).well
    (tmp_path / "pictures" / "stray.png").write_bytes(b"x")
    assert not verdict.files_are_right(tmp_path).well
    db = sqlite3.connect(tmp_path / "atelier.sqlite")
    with db:
        db.execute("UPDATE picture_sums SET bytes = 7")
        db.execute("INSERT INTO place_sums VALUES (77, 1, 5)")
    db.close()
    assert not verdict.budgets_are_right(tmp_path, {}, 50).well
    assert not verdict.database_is_intact(tmp_path).well


def _row(public: str, *, state: str = "done", told: bool = True, error: str | None = None) -> Row:
    return Row(
        public=public,
        platform="web",
        external="somebody",
        state=state,
        told=told,
        error=error,
        message="",
        forgotten=False,
        deleted=False,
    )
