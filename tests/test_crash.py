"""kill -9 at any moment: nothing accepted is lost, doubled, or charged wrongly."""

from __future__ import annotations

import asyncio
import io
import os
import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.serving import Serving, serving

KILLS = int(os.environ.get("CRASH_KILLS", "8"))
PEOPLE = 4
SEED = int(os.environ.get("CRASH_SEED", "20261123"))


@dataclass
class Person:
    """Somebody who submits, repeats what was not answered, and sometimes cancels."""

    client: httpx.AsyncClient
    chance: random.Random
    accepted: dict[str, str] = field(default_factory=dict)  # key -> job id
    counts: dict[str, int] = field(default_factory=dict)  # job id -> pictures asked for
    doubtful: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    async def live(self) -> None:
        """Go on until cancelled; a server that is away only makes them try again later."""
        number = 0
        while True:
            await asyncio.sleep(self.chance.uniform(0.1, 1.2))
            try:
                if self.doubtful:
                    await self.submit(*self.doubtful[0])
                elif self.counts and self.chance.random() < 0.15:
                    job = self.chance.choice(list(self.counts))
                    await self.client.post(f"/api/jobs/{job}/cancel")
                else:
                    number += 1
                    asked: dict[str, object] = {
                        "prompt": self.chance.choice(["a castle at night", "the sea at sunset"]),
                        "steps": self.chance.randint(1, 3),
                        "count": self.chance.choice([1, 1, 1, 2]),
                        "upscale": self.chance.choice([1, 1, 2]),
                    }
                    key = f"key-{id(self)}-{number}"
                    self.doubtful.append((key, asked))
                    await self.submit(key, asked)
            except httpx.TransportError:
                continue

    async def submit(self, key: str, asked: dict[str, object]) -> None:
        answer = await self.client.post("/api/jobs", json=asked, headers={"Idempotency-Key": key})
        assert answer.status_code in (202, 429), answer.text
        self.doubtful = [each for each in self.doubtful if each[0] != key]
        if answer.status_code == 202:
            job = answer.json()["id"]
            assert self.accepted.setdefault(key, job) == job, "one key, two jobs"
            self.counts[job] = int(str(asked["count"]))


async def _kill_at_random(server: Serving, chance: random.Random) -> None:
    for number in range(KILLS):
        await asyncio.to_thread(server.start)
        if number % 3 == 0:  # in the middle of the start, imports and recovery
            await asyncio.sleep(chance.uniform(0.0, 5.0))
        else:  # while it paints
            await asyncio.to_thread(server.wait_until_ready)
            await asyncio.sleep(chance.uniform(0.0, 4.0))
        server.kill()


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """After all kills under load every accepted job is final once, whole or refunded."""
    data = tmp_path / "data"
    settings = {
        "ATELIER_BUDGET": "100000",
        "ATELIER_WAITING_PER_PERSON": "40",
        "ATELIER_QUEUE_LIMIT": "100",
    }
    chance = random.Random(SEED)
    with serving(data, start=False, **settings) as server:
        clients = [httpx.AsyncClient(base_url=server.url, timeout=10) for _ in range(PEOPLE)]
        people = [Person(client, random.Random(chance.random())) for client in clients]
        lives = [asyncio.create_task(person.live()) for person in people]
        await _kill_at_random(server, chance)
        await asyncio.to_thread(server.start)
        for life in lives:
            life.cancel()
        for outcome in await asyncio.gather(*lives, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError), outcome
        for person in people:
            for key, asked in list(person.doubtful):  # accepted or not: the key finds out
                await person.submit(key, asked)

        accepted = {job: person for person in people for job in person.accepted.values()}
        assert len(accepted) == sum(len(person.accepted) for person in people)
        assert len(accepted) >= KILLS
        finals = await _wait_for_all(accepted, server)
        for job, person in accepted.items():
            if finals[job]["state"] == "done":
                await _check_pictures(person, finals[job], person.counts[job])
        used = {id(p): (await p.client.get("/api/me")).json()["used"] for p in people}
        for client in clients:
            await client.aclose()
        assert await asyncio.to_thread(server.stop) == 0

    states = _check_database(data, accepted)
    assert sum(used.values()) == pytest.approx(states.pop("charge"))
    print(f"{KILLS} kills, seed {SEED}, {len(accepted)} jobs accepted: {states}")
    assert states["done"] > 0


async def _wait_for_all(
    accepted: dict[str, Person], server: Serving
) -> dict[str, dict[str, object]]:
    finals: dict[str, dict[str, object]] = {}
    async with asyncio.timeout(400):
        for job, person in accepted.items():
            while True:
                shown = (await person.client.get(f"/api/jobs/{job}")).json()
                if shown["state"] in ("done", "failed", "cancelled"):
                    finals[job] = shown
                    break
                await asyncio.sleep(0.2)
    return finals


async def _check_pictures(person: Person, job: dict[str, object], count: int) -> None:
    pictures = job["pictures"]
    assert isinstance(pictures, list)
    assert len(pictures) == count
    for picture in pictures:
        answer = await person.client.get(f"/api/pictures/{picture['id']}")
        with Image.open(io.BytesIO(answer.content)) as image:
            image.load()
            assert image.size == (picture["width"], picture["height"])
            assert image.size in ((256, 256), (512, 512))


def _check_database(data: Path, accepted: dict[str, Person]) -> dict[str, float]:
    with sqlite3.connect(data / "atelier.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute("SELECT public, state, cost, charge, id FROM jobs").fetchall()
        files = dict(db.execute("SELECT job, count(*) FROM pictures GROUP BY job"))
        named = {name for (name,) in db.execute("SELECT file FROM pictures")}
    db.close()
    assert len({row[0] for row in rows}) == len(rows)
    assert set(accepted) <= {row[0] for row in rows}
    for public, state, cost, charge, number in rows:
        assert state in ("done", "failed", "cancelled"), (public, state)
        if state == "done":
            assert charge == cost
            if public in accepted:
                assert files[number] == accepted[public].counts[public]
        else:
            assert number not in files
            assert charge == 0 if state == "failed" else 0 <= charge <= cost
    on_disk = [path for path in (data / "pictures").rglob("*") if path.is_file()]
    assert {each.name for each in on_disk if each.suffix == ".png"} == {
        Path(name).name for name in named
    }
    assert {each.stem for each in on_disk} == {Path(name).stem for name in named}
    counted: dict[str, float] = {"charge": sum(row[3] for row in rows) / 100}
    for row in rows:
        counted[row[1]] = counted.get(row[1], 0) + 1
    return counted
