"""Owns the JSON of the HTTP API: what is asked, what is answered; it decides nothing."""

import math
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from engine.painter import Progress
from engine.request import Ask
from storage.job import JobState


class Exact(BaseModel):
    """Unknown fields are refused rather than passed over: they are mostly misspelt ones."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


Whole = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]


class AskIn(Exact):
    """A request for pictures; what is left open is filled from the model and your defaults.

    With `flags`, the prompt may hold flags ("a fox --ar 3:2 --seed 7"), and what the model cannot
    use becomes a note; without, the request is exact and such a field is refused.
    """

    prompt: str = Field(examples=["a lighthouse on the sea at sunset"])
    negative: str | None = None
    model: str | None = None
    width: Whole | None = None
    height: Whole | None = None
    aspect: str | None = Field(default=None, max_length=40, examples=["3:2"])
    steps: Whole | None = None
    guidance: float | None = None
    seed: Whole | None = None
    count: Whole | None = None
    source: str | None = Field(
        default=None,
        max_length=100,
        description="A picture to start from: the `source` of an upload, or `picture:` and an id.",
    )
    strength: float | None = None
    flags: bool = Field(default=False, description="Read flags such as --ar 3:2 in the prompt.")

    def ask(self) -> Ask:
        """The request as the engine knows it."""
        return Ask(**self.model_dump(exclude={"flags"}))


class NoteOut(BaseModel):
    """Something to know about a request, such as a field the model has no use for."""

    code: str
    field: str
    message: str


class ProgressOut(BaseModel):
    """Step `step` of `steps` of picture `index` (from 0) of `count`; `share` is of everything."""

    index: int
    count: int
    step: int
    steps: int
    share: float

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        return cls(
            index=progress.index,
            count=progress.count,
            step=progress.step,
            steps=progress.steps,
            share=round(progress.share, 4),
        )


class PictureOut(BaseModel):
    """A stored picture; `url` is where its bytes are."""

    id: str
    index: int
    seed: int
    width: int
    height: int
    url: str


class JobOut(BaseModel):
    """A job as it stands: `position` 1 is next in line, 0 is not waiting (any more).

    `eta_s` is the seconds until its pictures are there, null when that cannot be said; `charge`
    is what it weighs in the budget; `message` says all of it in one sentence.
    """

    id: str
    state: JobState
    position: int
    eta_s: float | None
    warming: bool
    message: str
    prompt: str
    negative: str
    model: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    count: int
    source: str | None
    strength: float
    cost: float
    charge: float
    notes: list[NoteOut]
    error: str | None
    progress: ProgressOut | None
    pictures: list[PictureOut]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class HistoryOut(BaseModel):
    """Your jobs, newest first; when there are `more`, ask for those `before` the last id."""

    jobs: list[JobOut]
    more: bool


class SourceOut(BaseModel):
    """What to put into `source` of a request."""

    source: str


class ModelOut(BaseModel):
    """A model on offer; sizes are [width, height], the first is the default."""

    name: str
    title: str
    description: str
    licence: str
    default: bool
    sizes: list[tuple[int, int]]
    default_steps: int
    min_steps: int
    max_steps: int
    default_guidance: float
    max_guidance: float
    negative: bool
    guidance: bool
    image_to_image: bool


class ModelsOut(BaseModel):
    models: list[ModelOut]


class MeOut(BaseModel):
    """What you have used of your tightest budget, in credits of the last 24 hours.

    `frees_at` is when a picture fits again or, while one does, when the first credits come back.
    """

    budget: float
    used: float
    left: float
    frees_at: datetime | None
    waiting: int
    waiting_limit: int


class HealthOut(BaseModel):
    """`ok` is whether requests are taken and will be painted; `engine` how far the engine is."""

    ok: bool
    engine: str


class RefusedOut(BaseModel):
    """Every "no". `code` is for programs, `message` for people, in their language.

    `limit` is the limit that was met (a number, or a range such as "1–30"), `frees_at` when it
    is worth trying again, `field` the field of the request it is about.
    """

    code: str
    message: str
    limit: int | float | str | None = None
    frees_at: datetime | None = None
    field: str | None = None


class QueuedOut(BaseModel):
    """Event `queued`: where the job stands in line."""

    id: str
    position: int
    eta_s: float | None
    warming: bool
    message: str


class StepOut(BaseModel):
    """Event `step`: how far the painting is."""

    id: str
    index: int
    count: int
    step: int
    steps: int
    share: float
    eta_s: float | None


class PreviewOut(BaseModel):
    """Event `preview`: a small picture of what is there, as a data URL."""

    id: str
    index: int
    image: str


def moment(seconds: float) -> datetime:
    """Epoch seconds as the API tells them."""
    return datetime.fromtimestamp(seconds, UTC)


def maybe_moment(seconds: float | None) -> datetime | None:
    """The same for a time that is not there yet, or never comes."""
    return None if seconds is None or seconds == math.inf else moment(seconds)
