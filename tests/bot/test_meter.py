"""What is measured: once for each thing that happened, readable by those who may, naming nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bot.desk.delivery import Deliverer, Later, Undeliverable
from bot.meter import Meter
from storage.database import Database
from storage.job import Job, Waiting
from storage.jobs import Jobs
from storage.pictures import PictureRow, Pictures
from tests.bot.web_parts import open_web
from tests.storage.house import Clock, House, pictures_of

SECRET_PROMPT = "a fox that nobody else may know of"


def _values(text: str) -> dict[str, float]:
    """Every line as Prometheus reads it: the name with its labels, and the value."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def _read(meter: Meter, **given: object) -> dict[str, float]:
    facts = {
        "waiting": Waiting(jobs=0, oldest_at=None),
        "ready": True,
        "disk_full": False,
        "free_bytes": 5,
        "chats": {},
    }
    return _values(meter.read(**{**facts, **given}).decode())  # type: ignore[arg-type]


class _Moody:
    """A courier that does what it is told, one mood a try."""

    platform = "web"

    def __init__(self, *moods: Exception | None) -> None:
        self.moods = list(moods)

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        mood = self.moods.pop(0)
        if mood is not None:
            raise mood


async def _deliver(tmp_path: Path, *moods: Exception | None) -> dict[str, float]:
    """Paint one job and hand it over through the moods of its courier."""
    clock = Clock()
    db = await Database.open(tmp_path / "data", clock=clock)
    house, jobs, meter = House(db, clock), Jobs(db), Meter()
    await house.enqueued("ada")
    clock.turn(7)
    job = await jobs.claim()
    assert job is not None
    clock.turn(3)
    await jobs.finish(job.id, pictures_of(job))
    courier = _Moody(*moods)
    deliverer = Deliverer(
        jobs=jobs,
        pictures=Pictures(db, tmp_path / "data" / "pictures"),
        couriers=[courier],
        first_backoff_s=0.0,
        meter=meter,
    )
    running = asyncio.create_task(deliverer.run())
    async with asyncio.timeout(20):
        while courier.moods or await jobs.undelivered():
            deliverer.wake()
            await asyncio.sleep(0.01)
        while not (found := _read(meter)).get(  # noqa: ASYNC110 - it is counted a moment later
            "atelier_jobs_total{model=starter,platform=web,state=done}"
        ):
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await db.close()
    return found


async def test_a_job_counts_once_however_often_it_was_tried(tmp_path: Path) -> None:
    """Its wait and its painting as they were, its tries by what came of each."""
    found = await _deliver(tmp_path, OSError("away"), Later(0.0), OSError("away"), None)
    kind = "model=starter,platform=web"
    assert found[f"atelier_jobs_total{{{kind},state=done}}"] == 1
    assert found[f"atelier_pictures_total{{{kind}}}"] == 1
    assert found[f"atelier_wait_seconds_sum{{{kind}}}"] == 7
    assert found[f"atelier_paint_seconds_sum{{{kind}}}"] == 3
    for outcome, times in (("failed", 2), ("later", 1), ("delivered", 1)):
        assert found[f"atelier_deliveries_total{{outcome={outcome},platform=web}}"] == times


async def test_what_was_given_up_is_no_delivery(tmp_path: Path) -> None:
    """The chat is gone: the job is over, and nothing arrived."""
    found = await _deliver(tmp_path, Undeliverable("gone"))
    assert found["atelier_deliveries_total{outcome=given_up,platform=web}"] == 1
    assert "atelier_deliveries_total{outcome=delivered,platform=web}" not in found


def test_the_moment_it_is_read_is_in_it() -> None:
    """The queue and the age of its oldest, the engine, the disk, the chats; nobody waits: 0."""
    meter = Meter(clock=lambda: 130.0)
    found = _read(
        meter,
        waiting=Waiting(jobs=4, oldest_at=100.0),
        ready=False,
        disk_full=True,
        chats={"discord": "connected", "telegram": "connecting"},
    )
    assert found["atelier_queue_jobs{}"] == 4
    assert found["atelier_queue_oldest_seconds{}"] == 30
    assert found["atelier_engine_ready{}"] == 0
    assert found["atelier_disk_full{}"] == 1
    assert found["atelier_disk_free_bytes{}"] == 5
    assert found["atelier_chat_connected{platform=discord}"] == 1
    assert found["atelier_chat_connected{platform=telegram}"] == 0
    assert _read(meter)["atelier_queue_oldest_seconds{}"] == 0
    meter.loaded("starter", 4.0)
    assert _read(meter)["atelier_model_load_seconds_count{model=starter}"] == 1


async def test_the_line_knows_its_oldest(tmp_path: Path) -> None:
    """The one that was asked for first, also when another is served before it."""
    clock = Clock()
    db = await Database.open(tmp_path / "data", clock=clock)
    house, jobs = House(db, clock), Jobs(db)
    assert await jobs.line() == Waiting(jobs=0, oldest_at=None)
    began = clock()
    await house.enqueued("ada", cost=50)
    clock.turn(5)
    await house.enqueued("bob")
    assert await jobs.line() == Waiting(jobs=2, oldest_at=began)
    await db.close()


async def test_refusals_count_by_reason_and_nobody_is_named(tmp_path: Path) -> None:
    """Over the page: the reason and the platform, once each; no prompt, no person."""
    async with open_web(tmp_path, budget="1") as web, web.visitor() as visitor:
        for _ in range(3):
            await visitor.post("/api/jobs", json={"prompt": SECRET_PROMPT})
        await visitor.post("/api/jobs", json={"prompt": "a fox", "model": "nobody"})
        text = (await visitor.get("/metrics")).text
    found = _values(text)
    assert found["atelier_refusals_total{platform=web,reason=over_budget}"] == 2
    assert found["atelier_refusals_total{platform=web,reason=unknown_model}"] == 1
    assert "fox" not in text


async def test_only_this_machine_reads_it_without_a_token(tmp_path: Path) -> None:
    """A visitor through a proxy does not, whether we know the proxy or not."""
    for trusted in ("", "127.0.0.1"):
        async with open_web(tmp_path, trusted_proxies=trusted) as web, web.visitor() as visitor:
            assert (await visitor.get("/metrics")).status_code == 200
            for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
                through = {name: "203.0.113.5"}
                assert (await visitor.get("/metrics", headers=through)).status_code == 403, name
            assert "set-cookie" not in (await visitor.get("/metrics")).headers


async def test_with_a_token_it_is_for_whoever_has_it(tmp_path: Path) -> None:
    """Wherever they are; and for nobody else, not even here."""
    async with open_web(tmp_path, metrics_token="let me see") as web, web.visitor() as visitor:
        for authorization, status in (
            ({}, 403),
            ({"Authorization": "Bearer let me"}, 403),
            ({"Authorization": "Bearer let me see"}, 200),
        ):
            assert (await visitor.get("/metrics", headers=authorization)).status_code == status


async def test_ready_is_less_than_healthy(tmp_path: Path) -> None:
    """While the engine warms up the server is well, but not ready; afterwards it is both."""
    async with open_web(tmp_path, cold=True) as web, web.visitor() as visitor:
        assert (await visitor.get("/healthz")).status_code == 200
        answer = await visitor.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "engine": False, "disk": True, "open": True}
        web.painter.warm_up.set()
        async with asyncio.timeout(20):
            while (await visitor.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_a_full_disk_is_not_ready(tmp_path: Path) -> None:
    """Whoever sends requests to where they can be served goes elsewhere."""
    async with open_web(tmp_path, disk_reserve="100%") as web, web.visitor() as visitor:
        answer = await visitor.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["disk"] is False
