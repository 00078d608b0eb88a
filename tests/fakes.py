"""The two doubles of the suite: a painter of coloured squares, a courier that writes to a list."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic_settings import BaseSettings

from bot.settings import Settings
from engine.catalogue import Catalogue, Model
from engine.errors import BrokenModel
from engine.networks import Network, Networks
from engine.painter import OnStep, Picture, Progress, Stage
from engine.request import Paint
from storage.jobs import Job
from storage.pictures import PictureRow

SQUARES = Model(
    name="squares",
    title="Coloured squares",
    family="stable-diffusion",
    folder=Path("squares"),
    sizes=((32, 32), (48, 32), (32, 48)),
    default_steps=4,
    max_steps=50,
    default_guidance=1.0,
    guidance=True,
    negative=True,
    image_to_image=True,
    inpainting=True,
    schedulers=("lcm", "euler"),
    licence="CC0-1.0",
    memory_mb=250,
    second_look=True,
)
PLAIN = Model(
    name="plain",
    title="Squares without choices",
    family="latent-consistency",
    folder=Path("plain"),
    sizes=((32, 32),),
    default_steps=2,
    max_steps=8,
)
PATIENCE_S = 30.0
TILES = 4
"""So many steps an enlargement of the squares takes."""


def catalogue() -> Catalogue:
    """Two models: one that takes everything, one that takes nothing but a prompt."""
    return Catalogue(models={"squares": SQUARES, "plain": PLAIN}, broken={"torn": "it is torn"})


def networks() -> Networks:
    """Two that enlarge; the squares only repeat their pixels, whichever is asked for."""
    crisp = Network(
        name="crisp", title="Crisp", folder=Path("crisp"), files={2: Path("x2.xml")}, default=True
    )
    mend = Network(
        name="mend", title="Mend", folder=Path("mend"), files={4: Path("x4.xml")}, price=1.0
    )
    return Networks(networks={"mend": mend, "crisp": crisp}, broken={"worn": "it is worn"})


class GivenSettings(Settings):
    """Settings that come from the test alone, whatever the environment and `.env` say."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Any, *_: Any, **__: Any
    ) -> tuple[Any, ...]:
        """Only what is given."""
        return (init_settings,)


class SquarePainter:
    """Paints one colour per seed. By default at once; after `hold` step by step, as `step` allows.

    `fail` is called with each request before it is painted, and may raise; `pace_s` is what each
    step takes.
    """

    def __init__(self) -> None:
        self.painted: list[Paint] = []
        self.sources: list[Image.Image | None] = []
        self.fail: Callable[[Paint], None] = lambda paint: None
        self.pace_s = 0.0
        self.warm_up = threading.Event()
        self.warm_up.set()
        self._held = False
        self._steps = threading.Semaphore(0)

    def hold(self) -> None:
        """From now on every step waits for `step`."""
        self._held = True

    def step(self, count: int = 1) -> None:
        """Allow so many steps."""
        self._steps.release(count)

    def release(self) -> None:
        """Allow everything; also what waits at this moment."""
        self._held = False
        self.warm_up.set()
        self._steps.release(10_000)

    def warm(self, model: str) -> None:
        """Waits while a test keeps it cold."""
        assert self.warm_up.wait(PATIENCE_S)
        if model == "torn":
            raise BrokenModel("torn", "it is torn")

    def paint(self, paint: Paint, source: Image.Image | None, on_step: OnStep) -> Iterator[Picture]:
        """One square after the other; each step shows a preview that names itself."""
        self.painted.append(paint)
        self.sources.append(source)
        self.fail(paint)
        stages = paint.paints + (paint.upscale is not None)
        for index in range(paint.count):
            colour = _colour(paint.seed_of(index))
            if paint.paints:
                for step in range(1, paint.working_steps + 1):
                    self._wait()
                    preview = f"preview {index}.{step}".encode()
                    on_step(
                        Progress(
                            index=index,
                            count=paint.count,
                            step=step,
                            steps=paint.working_steps,
                            preview=preview,
                            stages=stages,
                        )
                    )
                image = Image.new("RGB", (paint.width, paint.height), colour)
            else:
                assert source is not None
                image = source
            if paint.upscale is not None:
                for tile in range(1, TILES + 1):
                    self._wait()
                    on_step(
                        Progress(
                            index=index,
                            count=paint.count,
                            step=tile,
                            steps=TILES,
                            stage=Stage.upscaling,
                            stage_index=stages - 1,
                            stages=stages,
                        )
                    )
                image = image.resize(paint.final_size, Image.Resampling.NEAREST)
            yield Picture(
                image=image,
                paint=paint.alone(index),
                index=index,
                step_seconds=0.25,
                other_seconds=0.5 if paint.paints else 0.0,
                latents=bytes(colour) if paint.paints and paint.model == "squares" else None,
            )

    def develop(self, paint: Paint, latents: bytes, on_step: OnStep) -> Picture:
        """The square again, in the colour that was kept; as large as it was asked for."""
        self.painted.append(paint)
        self._wait()
        on_step(Progress(index=0, count=1, step=1, steps=1, stage=Stage.developing))
        red, green, blue = latents
        return Picture(
            image=Image.new("RGB", paint.final_size, (red, green, blue)),
            paint=paint.alone(0),
            index=0,
            step_seconds=0.25,
            other_seconds=0.0,
        )

    def _wait(self) -> None:
        if self._held:
            assert self._steps.acquire(timeout=PATIENCE_S)
        time.sleep(self.pace_s)


def _colour(seed: int) -> tuple[int, int, int]:
    return seed & 255, seed >> 8 & 255, seed >> 16 & 255


class ListCourier:
    """Writes every delivery into `delivered`; raises what `refuse` holds, first things first."""

    def __init__(self, platform: str = "test") -> None:
        self.platform = platform
        self.delivered: list[tuple[Job, tuple[PictureRow, ...]]] = []
        self.refuse: list[Exception] = []
        self.tries = 0

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Take the delivery, or fail as planned."""
        self.tries += 1
        if self.refuse:
            raise self.refuse.pop(0)
        self.delivered.append((job, pictures))
