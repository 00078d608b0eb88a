"""Owns how jobs are shown: what the studio knows, as the JSON of the API with its sentences."""

from bot.desk.studio import JobView
from bot.on_web import words
from bot.on_web.schemas import (
    JobOut,
    ModelOut,
    NoteOut,
    PictureOut,
    ProgressOut,
    maybe_moment,
    moment,
)
from engine.catalogue import Model
from engine.request import Note
from storage.job import JobState
from storage.pictures import PictureRow


def job_out(language: str, view: JobView, *, notes: tuple[Note, ...] = ()) -> JobOut:
    """A job as its owner sees it; `notes` are those that came up while it was painted."""
    job, paint = view.job, view.job.paint
    return JobOut(
        id=job.public,
        state=job.state,
        position=view.position,
        eta_s=rounded(view.eta_s),
        warming=view.warming,
        message=job_words(language, view),
        prompt=paint.prompt,
        negative=paint.negative,
        model=paint.model,
        width=paint.width,
        height=paint.height,
        steps=paint.steps,
        guidance=paint.guidance,
        seed=paint.seed,
        count=paint.count,
        source=paint.source,
        strength=paint.strength,
        cost=job.cost,
        charge=job.charge,
        notes=[
            NoteOut(code=note.code, field=note.field, message=words.note_words(language, note))
            for note in dict.fromkeys(job.notes + notes)
        ],
        error=job.error,
        progress=ProgressOut.of(view.progress) if view.progress else None,
        pictures=[picture_out(picture) for picture in view.pictures],
        created_at=moment(job.created_at),
        started_at=maybe_moment(job.started_at),
        finished_at=maybe_moment(job.finished_at),
    )


def picture_out(picture: PictureRow) -> PictureOut:
    return PictureOut(
        id=picture.id,
        index=picture.index,
        seed=picture.seed,
        width=picture.width,
        height=picture.height,
        url=f"/api/pictures/{picture.id}",
    )


def model_out(model: Model, *, default: bool) -> ModelOut:
    return ModelOut(
        name=model.name,
        title=model.title,
        description=model.description,
        licence=model.licence,
        default=default,
        sizes=list(model.sizes),
        default_steps=model.default_steps,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        default_guidance=model.default_guidance,
        max_guidance=model.max_guidance,
        negative=model.negative,
        guidance=model.guidance,
        image_to_image=model.image_to_image,
    )


def job_words(language: str, view: JobView) -> str:
    """How the job stands, in one sentence."""
    if view.job.state is JobState.QUEUED:
        return line_words(language, view.position, view.eta_s, warming=view.warming)
    if view.job.state is JobState.RUNNING:
        return painting_words(language, view.eta_s)
    return words.say(language, f"job.{view.job.state}", id=view.job.public)


def line_words(language: str, position: int, eta_s: float | None, *, warming: bool) -> str:
    """Where a job stands in line: "Next in line, about 20 s"."""
    place = "first" if position <= 1 else "later"
    where = words.say(language, f"{'warming' if warming else 'queued'}.{place}", n=position)
    return where if eta_s is None else f"{where}, {words.about(language, eta_s)}"


def painting_words(language: str, eta_s: float | None) -> str:
    """How long a painting goes on: "Painting, about 20 s left"."""
    painting = words.say(language, "painting.one")
    if eta_s is None:
        return painting
    return f"{painting}, {words.say(language, 'left', about=words.about(language, eta_s))}"


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
