"""Owns the JSON of the HTTP API: what is asked, what is answered; it decides nothing."""

import math
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from engine.painter import Progress, Stage
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
    style: str | None = Field(
        default=None,
        max_length=40,
        description="A style by its name, as `/api/styles` lists them; `none` for no style at all.",
    )
    upscale: Whole | None = Field(
        default=None, description="Enlarge what is painted by 2, 3, 4, 8 or 16; 1 is not at all."
    )
    upscaler: str | None = Field(
        default=None, max_length=100, description="With which network, see `/api/upscalers`."
    )
    creative: float | None = Field(
        default=None, description="How strongly to paint the enlarged picture over, 0.05–0.6."
    )
    scheduler: str | None = Field(
        default=None, max_length=40, description="One that the model offers, see `/api/models`."
    )
    mask: str | None = Field(
        default=None,
        max_length=100,
        description="What of `source` is painted anew: the `source` of an uploaded mask, whose "
        "white parts are and whose black parts stay; or `alpha`, its transparent parts.",
    )
    flags: bool = Field(default=False, description="Read flags such as --ar 3:2 in the prompt.")

    def ask(self) -> Ask:
        """The request as the engine knows it."""
        return Ask(**self.model_dump(exclude={"flags"}))


class VaryIn(Exact):
    """How far a variation may go from its picture."""

    strong: bool = False


class UpscaleIn(Exact):
    """A stored picture to enlarge: nothing is painted, unless `creative` paints it over.

    `source` is the `source` of an upload, or `picture:` and an id.
    """

    source: str = Field(max_length=100, examples=["picture:k3v9x2ma"])
    scale: Whole = Field(default=2, description="2, 3, 4, 8 or 16.")
    upscaler: str | None = Field(default=None, max_length=100)
    creative: float | None = None


class NoteOut(BaseModel):
    """Something to know about a request, such as a field the model has no use for."""

    code: str
    field: str
    message: str


class ProgressOut(BaseModel):
    """Step `step` of `steps` of picture `index` (from 0) of `count`; `share` is of everything.

    The steps are those of `stage`, number `stage_index` (from 0) of the `stages` of a picture.
    """

    index: int
    count: int
    step: int
    steps: int
    share: float
    stage: Stage = Stage.painting
    stage_index: int = 0
    stages: int = 1

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        return cls(
            index=progress.index,
            count=progress.count,
            step=progress.step,
            steps=progress.steps,
            share=round(progress.share, 4),
            stage=progress.stage,
            stage_index=progress.stage_index,
            stages=progress.stages,
        )


class RequestOut(BaseModel):
    """A request as somebody put it, their own words and the style apart; null is left open."""

    prompt: str
    negative: str | None
    model: str | None
    width: int | None
    height: int | None
    steps: int | None
    guidance: float | None
    seed: int | None
    count: int | None
    source: str | None
    strength: float | None
    style: str | None
    upscale: int | None
    upscaler: str | None
    creative: float | None
    scheduler: str | None
    mask: str | None

    @classmethod
    def of(cls, ask: Ask) -> "RequestOut":
        return cls(**{name: getattr(ask, name) for name in cls.model_fields})


class PictureOut(BaseModel):
    """A stored picture: `url` has its bytes, `thumb` a small WebP of at most 384 pixels a side.

    `flags` is the text that asks for it again; `scales` are those it can be enlarged by at a
    press, `varies` is whether there can be variations of it, `finer` whether a second look at it is
    possible. `pinned` ones are kept the longest, `veiled` ones not shown before somebody wants to.
    """

    id: str
    index: int
    seed: int
    width: int
    height: int
    url: str
    thumb: str
    flags: str
    pinned: bool
    veiled: bool
    finer: bool
    varies: bool
    scales: list[int]


class ShownOut(PictureOut):
    """A picture of the gallery, with what its job (`job`) says about it."""

    job: str
    prompt: str
    model: str
    request: RequestOut
    created_at: datetime


class GalleryOut(BaseModel):
    """Your pictures, newest first; when there are `more`, ask for those `before` the last id."""

    pictures: list[ShownOut]
    more: bool


class UpscaleOut(BaseModel):
    """How a job enlarges: `of` names the stored picture if nothing is painted, else it is null."""

    scale: int
    network: str
    of: str | None
    creative: float | None


class JobOut(BaseModel):
    """A job as it stands: `position` 1 is next in line, 0 is not waiting (any more).

    `eta_s` is the seconds until its pictures are there, null when that cannot be said; `charge`
    is what it weighs in the budget; `message` says all of it in one sentence. `width` and `height`
    are painted, `final_width` and `final_height` come out; `request` is what asks for it again.
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
    scheduler: str | None
    mask: str | None
    upscale: UpscaleOut | None
    second_look_of: str | None
    final_width: int
    final_height: int
    request: RequestOut
    parent: str | None
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
    """What to put into `source` of a request.

    `request` is how the picture was made, where it says so itself (those painted here do).
    """

    source: str
    request: RequestOut | None


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


class StepOut(ProgressOut):
    """Event `step`: how far the painting is."""

    id: str
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
