"""Owns what has to hold when a soak is over: one finding per question, from the outside."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.loopback_discord.posts import galleries
from tests.loopback_telegram import Telegram
from tests.soak.chatters import Square, heard
from tests.soak.evidence import Finding, Row, finding, with_examples
from tests.soak.journal import Journal
from tests.soak.lives import Life
from tests.soak.members import Town
from tests.soak.traces import callback_data, cancels, custom_ids, named, pictured

CACHES_MIB = 64.0
"""So much a warm process may still grow by in all its life: 32 MiB of what text encoders said are
remembered, and twice 16 MiB of the database's pages. A leak goes on: the longer the life, the
sooner it is seen."""
HANDLES, THREADS = 6.0, 2.0
SILENT_SHARE = 0.02
"""So many first answers may be missing with no trouble noted: the machine itself is busy."""
HARMLESS = (
    "Attempting a reconnect",
    "the disk is full",
    "a picture did not fit on the disk",
    "nothing can be written down; the worker waits for room",
    "a job was left running; it waits again",
    "not even a word about an update survived",
)
"""Errors that belong to the trouble that is made: gateways that are away, no room, many deaths."""
FINAL = ("done", "failed", "cancelled")
BRINGING = ("sendPhoto", "sendDocument", "editMessageMedia")
WAITED_S = 2.0
ENOUGH, FIRST_SHARE = 40, 0.7
"""Of so many messages of a group so many have to be pictures; the rest are failures that are told,
albums somebody had asked for before, and the trickle of answers."""


def all_final(jobs: dict[str, Row]) -> Finding:
    """Every job came to an end, and its asker was told."""
    open_ = [job.public for job in jobs.values() if job.state not in FINAL or not job.told]
    states = Counter(job.state for job in jobs.values())
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return finding("every job ended, and its asker was told", open_, told)


def accepted_are_there(jobs: dict[str, Row], accepted: Iterable[str]) -> Finding:
    """What was said to be taken on stands in the database."""
    every = set(accepted)
    lost = sorted(every - set(jobs))
    return finding("what was accepted is there", lost, f"{len(every)} promises")


def failures_have_reasons(jobs: dict[str, Row]) -> Finding:
    """What failed says why."""
    failed = [job for job in jobs.values() if job.state == "failed"]
    mute = [job.public for job in failed if not job.error]
    reasons = Counter(str(job.error) for job in failed)
    told = ", ".join(f"{count} × {reason[:60]}" for reason, count in reasons.most_common())
    return finding("what failed has a reason", mute, told or "nothing failed")


def on_discord_once(jobs: dict[str, Row], town: Town, excused: set[str]) -> Finding:
    """Every finished job of Discord's was shown in one message, and in one only."""
    looks = {look.message.id for look in town.looks if look.message is not None}
    shown: dict[str, set[int]] = defaultdict(set)
    for message in town.discord.posts.every:
        if message.author is not town.discord.bot or message.id in looks:
            continue
        for version in message.versions:
            if galleries(version):
                for public in named(custom_ids(version.components), jobs):
                    shown[public].add(message.id)
    return _once("discord", jobs, {job: len(ids) for job, ids in shown.items()}, excused)


def on_telegram_once(
    jobs: dict[str, Row], square: Square, excused: set[str], perhaps_lost: set[str]
) -> Finding:
    """Every finished job of Telegram's is visible in one message, and in one only.

    Where nobody knows whether the message arrived, a line with a button has to stand.
    """
    shown: dict[str, int] = defaultdict(int)
    for message in square.telegram.world.posts:
        if message.album:
            continue
        for public in named(pictured(message.versions), jobs):
            once = named(pictured(message.versions[-1:]), jobs)
            visible = public in once and not message.deleted
            shown[public] += visible
    fetched = {
        public
        for post in square.telegram.world.posts
        if not post.deleted
        for public in named(callback_data(post.markup), jobs)
    }
    blocked = {str(each) for each in square.blocked}
    gone = {public for public, job in jobs.items() if job.external in blocked}
    return _once("telegram", jobs, shown, excused | gone | (perhaps_lost & fetched))


def _once(platform: str, jobs: dict[str, Row], shown: dict[str, int], excused: set[str]) -> Finding:
    done = [job for job in jobs.values() if job.platform == platform and job.state == "done"]
    wrong = [f"{job.public} twice" for job in done if shown.get(job.public, 0) > 1]
    missing = [job for job in done if not shown.get(job.public)]
    pardoned = [job for job in missing if job.public in excused or job.forgotten or job.deleted]
    wrong += [f"{job.public} never" for job in missing if job not in pardoned]
    strays = [public for public in shown if jobs[public].platform != platform]
    wrong += [f"{public} strays" for public in strays]
    told = f"{len(done)} done, {len(done) - len(missing)} shown once"
    if pardoned:
        told += f", {len(pardoned)} forgotten, deleted, blocked, behind a button or nowhere to go"
    return finding(f"{platform}: each picture came once", wrong, told)


def endings_are_told(jobs: dict[str, Row], town: Town, square: Square) -> Finding:
    """No status message that is known goes on offering to cancel what is over.

    One whose sending was answered with an error although it was carried out is known to nobody.
    """
    over = {job.public: job for job in jobs.values() if job.state in FINAL and not job.forgotten}
    shown = [
        (message.id, message.custom_ids())
        for message in town.discord.posts.every
        if message.author is town.discord.bot and not message.deleted and not message.ephemeral
    ] + [
        (post.id, callback_data(post.markup))
        for post in square.telegram.world.posts
        if not post.deleted and post.chat.id not in square.blocked
    ]
    stale = [
        f"{public} in {number}"
        for number, customs in shown
        for public in cancels(customs, set(over))
        if f'"message":{number},' in over[public].message.replace("}", ",")
    ]
    return finding("nobody is offered to cancel what is over", stale, f"{len(over)} are over")


def everybody_was_answered(square: Square, dropped: set[int]) -> Finding:
    """Whatever was asked on Telegram got a word, however long the process was away.

    But for what so many processes died with that it may have been the reason.
    """
    given = [each for each in square.telegram.updates.given if each["update_id"] in dropped]
    deadly = {(m["chat"]["id"], m["message_id"]) for each in given if (m := each.get("message"))}
    mute = [
        f"{message.content.text[:40]!r}"
        for _, message, person in square.asked
        if not message.deleted
        and person.id not in square.blocked
        and (message.chat.id, message.id) not in deadly
        and not heard(square.telegram, message)
    ]
    told = f"{len(square.asked)} asked" + (f", {len(deadly)} dropped" if deadly else "")
    return finding("telegram: everybody got a word", mute, told)


def pictures_came_first(told: list[tuple[float, float]], square: Square) -> Finding:
    """While finished pictures waited, the group's messages were theirs.

    Two at least, for longer than a call takes: then the allowance is what they wait for.
    """
    since_epoch = time.time() - time.monotonic()
    calls = [
        (call.at + since_epoch, call.values.method in BRINGING)
        for call in square.telegram.server.calls
        if call.code == 200
        and call.values.get("chat_id") == square.group.id
        and call.values.method.startswith(("send", "edit"))
        and call.values.method != "sendChatAction"
    ]
    meant = [
        brings
        for at, brings in calls
        if sum(ended + WAITED_S < at <= after for ended, after in told) >= 2
    ]
    delays = sorted(after - ended for ended, after in told) or [0.0]
    pictures = sum(brings for _, brings in calls)
    share = sum(meant) / len(meant) if meant else 1.0
    said = (
        f"{len(told)} jobs told after {delays[len(delays) // 2]:.1f} s (median),"
        f" {delays[int(len(delays) * 0.99)]:.1f} s (99 of 100), {delays[-1]:.1f} s (longest);"
        f" {len(calls)} messages for {pictures} pictures; while pictures waited"
        f" {sum(meant)} of {len(meant)} were theirs ({share:.0%})"
    )
    well = len(meant) < ENOUGH or share >= FIRST_SHARE
    return Finding(what="telegram: pictures come first in a group", told=said, well=well)


def few_were_silent(journal: Journal) -> Finding:
    """Gestures are answered, unless something was just wrong."""
    gestures = sum(
        count for name, count in journal.counts.items() if name.endswith((": asks", ": presses"))
    )
    much = len(journal.silent) > SILENT_SHARE * gestures + 1
    told = (
        f"{gestures} gestures, {journal.counts['unanswered']} unanswered,"
        f" {len(journal.silent)} of them with no trouble noted"
    )
    return Finding(
        what="gestures are answered", told=with_examples(told, journal.silent), well=not much
    )


def budgets_are_right(data: Path, used: dict[str, float], budget: float) -> Finding:
    """Charges follow from states; the kept sums equal the truth; nobody has spent too much."""
    wrong = []
    with closing(sqlite3.connect(data / "atelier.sqlite")) as db:
        for public, state, cost, charge in db.execute(
            "SELECT public, state, cost, charge FROM jobs"
        ):
            right = {"done": charge == cost, "failed": charge == 0}.get(state, 0 <= charge <= cost)
            if not right:
                wrong.append(f"{public} is {state} for {charge} of {cost}")
        for what, kept, true in _kept_sums(db):
            if kept != true:
                wrong.append(f"{what}: {kept} instead of {true}")
        spent = db.execute(
            "SELECT people.platform, people.external, SUM(charge) FROM jobs"
            " JOIN people ON people.id = jobs.person GROUP BY people.id"
        ).fetchall()
    for platform, external, charge in spent:
        if charge > 100 * budget:
            wrong.append(f"{platform}:{external} spent {charge / 100}")
    web = sorted(round(charge / 100, 2) for platform, _, charge in spent if platform == "web")
    said = sorted(round(value, 2) for value in used.values() if value)
    if [value for value in web if value] != said:
        wrong.append(f"the page says {said}, the database {web}")
    total = sum(charge for _, _, charge in spent) / 100
    return finding("budgets add up", wrong, f"{total:.2f} credits of {len(spent)} people")


def _kept_sums(db: sqlite3.Connection) -> Iterable[tuple[str, Any, Any]]:
    yield (
        "charges of places",
        db.execute("SELECT SUM(charge) FROM place_sums").fetchone()[0],
        db.execute("SELECT SUM(charge) FROM jobs").fetchone()[0],
    )
    yield "the line", db.execute("SELECT COUNT(*) FROM line_sums").fetchone()[0], 0
    yield (
        "pictures and their bytes",
        db.execute("SELECT pictures, bytes FROM picture_sums").fetchone(),
        db.execute(
            "SELECT COUNT(*), COALESCE(SUM(bytes + thumbnail + latent), 0) FROM pictures"
            " WHERE deleted_at IS NULL"
        ).fetchone(),
    )


def database_is_intact(data: Path) -> Finding:
    """SQLite finds nothing, and no reference points nowhere."""
    with closing(sqlite3.connect(data / "atelier.sqlite")) as db:
        said = [row[0] for row in db.execute("PRAGMA integrity_check")]
        dangling = db.execute("PRAGMA foreign_key_check").fetchall()
    wrong = [*(each for each in said if each != "ok"), *map(str, dangling)]
    return finding("the database is intact", wrong, "integrity_check, foreign_key_check")


def files_are_right(data: Path) -> Finding:
    """Every picture that was not deleted is a file, and there is no other file."""
    with closing(sqlite3.connect(data / "atelier.sqlite")) as db:
        named = {row[0] for row in db.execute("SELECT file FROM pictures WHERE deleted_at IS NULL")}
    folder = data / "pictures"
    files = [path for path in folder.rglob("*") if path.is_file()]
    wrong = [f"{name} is missing" for name in named if not (folder / name).is_file()]
    stems = {Path(name).stem for name in named}
    wrong += [f"{path.name} is nobody's" for path in files if path.stem.split(".")[0] not in stems]
    return finding("pictures and files agree", wrong, f"{len(named)} pictures, {len(files)} files")


def log_is_quiet(log: Path) -> Finding:
    """No traceback and no error, whatever was done to it."""
    text = log.read_text(errors="replace", encoding="utf-8")
    wrong = []
    for line in text.splitlines():
        error = '"level": "error"' in line or '"level": "critical"' in line
        if "Traceback" in line or (error and not any(each in line for each in HARMLESS)):
            wrong.append(line[:600])
    return finding("no traceback in the log", wrong, f"{len(text.splitlines())} lines")


def no_secret_in_log(log: Path, secrets: Iterable[str]) -> Finding:
    """No token stands in it."""
    text = log.read_text(errors="replace", encoding="utf-8")
    leaks = [f"{each[:6]}…" for each in secrets if each in text]
    return finding("no secret in the log", leaks, "tokens of both chats and all interactions")


def platforms_are_content(town: Town, telegram: Telegram) -> Finding:
    """Nothing was asked of Discord and Telegram that they do not know."""
    wrong = [*town.discord.failures, *telegram.failures, *town.discord.posts.dropped]
    wrong += [each for each in town.discord.refusals if "40060" not in each]
    forgiven = ("not modified", "not found", "query is too old", "can't be deleted")
    wrong += [each for each in telegram.refusals if not any(word in each for word in forgiven)]
    told = f"{len(town.discord.api.log)} calls, {len(telegram.server.calls)} calls"
    return finding("the platforms had nothing to object", wrong, told)


def nothing_strange(journal: Journal) -> Finding:
    """No 5xx, no rubbish accepted, no death, no wrong picture."""
    return finding("nothing strange on the page", journal.strange, "5xx, words, sums of pictures")


def memory_is_flat(lives: list[Life]) -> Finding:
    """No life that was long enough to tell grows by more than its caches hold."""
    told = [(life, life.slope, life.growth) for life in lives if life.slope is not None]
    steep = [f"{growth:+.0f} MiB" for _, _, growth in told if growth > CACHES_MIB]
    said = ", ".join(
        f"{slope:+.0f} MiB/h, {growth:+.0f} MiB in a life of {life.seconds:.0f} s"
        for life, slope, growth in told
    )
    return finding("memory is flat", steep, said or "no life was long enough to tell")


def handles_are_flat(lives: list[Life]) -> Finding:
    """Neither open files nor threads become more."""
    wrong = []
    for life in lives:
        handles, threads = life.drift("handles"), life.drift("threads")
        if handles > HANDLES:
            wrong.append(f"{handles:+.0f} handles")
        if threads > THREADS:
            wrong.append(f"{threads:+.0f} threads")
    last = lives[-1].looks[-1] if lives[-1].looks else None
    told = "" if last is None else f"at the end {last.handles} handles, {last.threads} threads"
    return finding("handles and threads are flat", wrong, told)
