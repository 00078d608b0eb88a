"""Owns how jobs are shown: what the studio knows, as the JSON of the API with its sentences."""

from bot.desk.studio import JobView
from bot.desk.texts import about_note, cancelled, failed, painting, waiting
from bot.on_web.schemas import (
    JobOut,
    ModelOut,
    NoteOut,
    PictureOut,
    ProgressOut,
    maybe_moment,
    moment,
)
from bot.on_web.words import Ear
from engine.catalogue import Model
from engine.request import Note
from storage.job import JobState
from storage.pictures import PictureRow


def job_out(ear: Ear, view: JobView, *, notes: tuple[Note, ...] = ()) -> JobOut:
    """A job as its owner sees it; `notes` are those that came up while it was painted."""
    job, paint = view.job, view.job.paint
    return JobOut(
        id=job.public,
        state=job.state,
        position=view.position,
        eta_s=rounded(view.eta_s),
        warming=view.warming,
        message=job_words(ear, view),
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
            NoteOut(code=note.code, field=note.field, message=about_note(note, ear.language))
            for note in dict.fromkeys(job.notes + notes)
        ],
        error=job.error,
        progress=(ProgressOut.of(view.progress) if view.progress and not job.state.final else None),
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


def job_words(ear: Ear, view: JobView) -> str:
    """How the job stands, in one sentence."""
    job = view.job
    match job.state:
        case JobState.QUEUED:
            return waiting(view.position, view.eta_s, ear.language, warming=view.warming)
        case JobState.RUNNING:
            return painting(view.eta_s, ear.language, progress=view.progress)
        case JobState.FAILED:
            return failed(job.public, job.error, ear.language)
        case JobState.CANCELLED:
            return cancelled(job.charge, ear.language)
        case JobState.DONE:
            return ear.say("job.done")


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
