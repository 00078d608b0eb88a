"""Owns what is measured while Atelier runs, and how a monitoring system reads it: `/metrics`.

Nothing in it names a person, a prompt or a place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from engine.errors import Refusal

if TYPE_CHECKING:
    from bot.desk.answers import Asker
    from storage.job import Job, Waiting

    P = ParamSpec("P")
    T = TypeVar("T")

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
WAITS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
PAINTS = (0.2, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
LOADS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
PULSE_S = 0.5

disable_created_metrics()  # type: ignore[no-untyped-call] # a second line for every number, which no dashboard reads


class Meter:
    """Counts what happens. One a process; tests make as many as they like."""

    def __init__(
        self,
        *,
        version: str = "dev",
        clock: Callable[[], float] = time.time,
        on_refusal: Callable[[Refusal, Asker], None] = lambda refusal, asker: None,
    ) -> None:
        """`on_refusal` hears of every refusal that is counted."""
        self._clock = clock
        self._on_refusal = on_refusal
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        Info("atelier", "Which Atelier this is.", registry=registry).info({"version": version})
        self._jobs = Counter(
            "atelier_jobs",
            "Jobs that came to their end and were handed over.",
            ("state", "model", "platform"),
            registry=registry,
        )
        self._wait = Histogram(
            "atelier_wait_seconds",
            "From asking to the beginning of the painting.",
            ("model", "platform"),
            buckets=WAITS,
            registry=registry,
        )
        self._paint = Histogram(
            "atelier_paint_seconds",
            "From the beginning of the painting to its stored pictures.",
            ("model", "platform"),
            buckets=PAINTS,
            registry=registry,
        )
        self._pictures = Counter(
            "atelier_pictures",
            "Pictures that were painted and handed over.",
            ("model", "platform"),
            registry=registry,
        )
        self._refusals = Counter(
            "atelier_refusals",
            "Requests that were not taken on.",
            ("reason", "platform"),
            registry=registry,
        )
        self._deliveries = Counter(
            "atelier_deliveries",
            "Tries to hand over a finished job: delivered, failed, later, given_up.",
            ("platform", "outcome"),
            registry=registry,
        )
        self._loads = Histogram(
            "atelier_model_load_seconds",
            "Loading a model and compiling it for one size.",
            ("model",),
            buckets=LOADS,
            registry=registry,
        )
        self._lag = Histogram(
            "atelier_loop_lag_seconds",
            "How late the event loop is to what it should do now.",
            buckets=LAGS,
            registry=registry,
        )
        self._queue = Gauge("atelier_queue_jobs", "Jobs that wait.", registry=registry)
        self._oldest = Gauge(
            "atelier_queue_oldest_seconds",
            "How long the one that waits longest has waited.",
            registry=registry,
        )
        self._ready = Gauge(
            "atelier_engine_ready", "1 when the engine can paint.", registry=registry
        )
        self._full = Gauge(
            "atelier_disk_full", "1 when there is no room for more jobs.", registry=registry
        )
        self._free = Gauge(
            "atelier_disk_free_bytes", "What is free on the data folder's disk.", registry=registry
        )
        self._chats = Gauge(
            "atelier_chat_connected",
            "1 when the chat is connected.",
            ("platform",),
            registry=registry,
        )

    def handed_over(self, job: Job, pictures: int, platform: str) -> None:
        """A finished job has arrived: each counts once, however many tries that took."""
        model = job.paint.kind
        self._jobs.labels(job.state.value, model, platform).inc()
        if job.started_at is not None and job.finished_at is not None:
            self._wait.labels(model, platform).observe(max(0.0, job.started_at - job.created_at))
            if pictures:
                seconds = max(0.0, job.finished_at - job.started_at)
                self._paint.labels(model, platform).observe(seconds)
        if pictures:
            self._pictures.labels(model, platform).inc(pictures)

    def tried(self, platform: str, outcome: str) -> None:
        """One try to hand something over: delivered, failed, later or given_up."""
        self._deliveries.labels(platform, outcome).inc()

    def refused(self, refusal: Refusal, platform: str) -> None:
        """Somebody asked for what could not be taken on."""
        self._refusals.labels(refusal.code, platform).inc()

    def loaded(self, model: str, seconds: float) -> None:
        """A model was made ready for one size. May be called from any thread."""
        self._loads.labels(model).observe(seconds)

    def counting(
        self, ask: Callable[Concatenate[Asker, P], Awaitable[T]]
    ) -> Callable[Concatenate[Asker, P], Coroutine[Any, Any, T]]:
        """`ask`, with its refusals counted."""

        async def counted(asker: Asker, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return await ask(asker, *args, **kwargs)
            except Refusal as refusal:
                self.refused(refusal, asker.place.platform)
                self._on_refusal(refusal, asker)
                raise

        return counted

    async def watch_loop(self) -> None:
        """Measure the event loop's lag until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PULSE_S
            await asyncio.sleep(PULSE_S)
            self._lag.observe(max(0.0, loop.time() - due))

    def read(
        self,
        *,
        waiting: Waiting,
        ready: bool,
        disk_full: bool,
        free_bytes: int,
        chats: Mapping[str, str],
    ) -> bytes:
        """Everything in Prometheus' text format, with how things stand at this moment."""
        self._queue.set(waiting.jobs)
        oldest = waiting.oldest_at
        self._oldest.set(0.0 if oldest is None else max(0.0, self._clock() - oldest))
        self._ready.set(ready)
        self._full.set(disk_full)
        self._free.set(free_bytes)
        for platform, state in chats.items():
            self._chats.labels(platform).set(state == "connected")
        return generate_latest(self.registry)
