"""A process that orders, paints and stores as fast as it can, until it is killed.

Every accepted job's public id is printed once it is accepted, never before.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from storage.database import Database
from storage.jobs import Jobs
from storage.pictures import Pictures
from tests.storage.house import WIDE, Clock, House


async def work(folder: Path) -> None:
    db = await Database.open(folder)
    house, jobs = House(db, Clock()), Jobs(db)
    pictures = Pictures(db, folder / "pictures")
    await pictures.sweep()
    await jobs.recover(3)
    print("ready", flush=True)

    async def order() -> None:
        while True:
            count = random.randint(1, 3)
            key = f"key{random.randint(0, 50)}"
            wanted = await house.order(random.choice("abc"), key=key, prompt=key, count=count)
            job, _ = await jobs.enqueue(wanted, WIDE)
            print(job.public, job.person, key, flush=True)
            if random.random() < 0.2:
                await jobs.cancel(job.id)

    async def paint() -> None:
        while True:
            job = await jobs.claim()
            if job is None:
                await asyncio.sleep(0)
                continue
            made = [
                await asyncio.to_thread(
                    pictures.write, b"png", index=i, seed=job.paint.seed_of(i), width=1, height=1
                )
                for i in range(job.paint.count)
            ]
            if random.random() < 0.1:
                await jobs.fail(job.id, "unlucky")
            elif random.random() < 0.1:
                await jobs.cancel(job.id, random.random())
            else:
                await jobs.finish(job.id, made)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(order())
        group.create_task(paint())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
