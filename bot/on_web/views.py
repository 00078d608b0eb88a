"""Owns how jobs are shown: what the studio knows, as the JSON of the API with its sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.desk.completing import asked_for
from bot.desk.flags import format_flags
from bot.desk.styles import NO_STYLE
from bot.desk.texts import about_note, cancelled, failed, painting, waiting
from bot.on_web.offers import ModelOut, UpscalerOut
from bot.on_web.schemas import (
    JobOut,
    NoteOut,
    PictureOut,
    ProgressOut,
    RequestOut,
    ShownOut,
    UpscaleOut,
    maybe_moment,
    moment,
)
from engine.request import Limits
from storage.job import JobState
from storage.picture import Veil

if TYPE_CHECKING:
    from bot.desk.answers import JobView, PictureView
    from bot.on_web.visit import Visit
    from bot.on_web.words import Ear
    from engine.catalogue import Model
    from engine.networks import Network
    from engine.request import Note, Upscale
    from storage.job import Job
    from storage.pictures import PictureRow


def job_out(visit: Visit, view: JobView, *, notes: tuple[Note, ...] = ()) -> JobOut:
    """A job as its owner sees it; `notes` are those that came up while it was painted."""
    ear, job, paint = visit.ear, view.job, view.job.paint
    final_width, final_height = paint.final_size
    return JobOut(
        id=job.public,
        state=job.state,
        position=view.position,
        eta_s=rounded(view.eta_s),
        warming=view.warming,
        message=job_words(ear, view),
        prompt=prompt_words(ear, job),
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
        scheduler=paint.scheduler or None,
        mask=paint.mask,
        upscale=upscale_out(paint.upscale),
        second_look_of=paint.latents_of,
        final_width=final_width,
        final_height=final_height,
        request=RequestOut.of(asked_for(job)),
        parent=job.parent,
        cost=job.cost,
        charge=job.charge,
        notes=[
            NoteOut(code=note.code, field=note.field, message=about_note(note, ear.language))
            for note in dict.fromkeys(job.notes + notes)
        ],
        error=job.error,
        progress=(ProgressOut.of(view.progress) if view.progress and not job.state.final else None),
        pictures=[PictureOut(**picture_facts(visit, job, picture)) for picture in view.pictures],
        created_at=moment(job.created_at),
        started_at=maybe_moment(job.started_at),
        finished_at=maybe_moment(job.finished_at),
    )


def shown_out(visit: Visit, shown: PictureView) -> ShownOut:
    """A picture of the gallery."""
    picture, job = shown.picture, shown.job
    return ShownOut(
        **picture_facts(visit, job, picture),
        job=job.public,
        prompt=prompt_words(visit.ear, job),
        model=job.paint.model,
        request=RequestOut.of(asked_for(job)),
        created_at=moment(picture.created_at),
    )


def picture_facts(visit: Visit, job: Job, picture: PictureRow) -> dict[str, Any]:
    """The fields of `PictureOut`."""
    models = {model.name: model for model in visit.studio.models()}
    model = models.get(job.paint.model)
    return {
        "id": picture.id,
        "index": picture.index,
        "seed": picture.seed,
        "width": picture.width,
        "height": picture.height,
        "url": f"/api/pictures/{picture.id}",
        "thumb": f"/api/pictures/{picture.id}/thumbnail",
        "flags": flags_of(job, picture.index, model),
        "pinned": picture.pinned,
        "veiled": picture.veil is not Veil.OPEN,
        "finer": picture.latent > 0,
        "varies": bool(job.paint.prompt) and model is not None and model.image_to_image,
        "scales": list(visit.studio.scales(picture)),
    }


def flags_of(job: Job, index: int, model: Model | None) -> str:
    """The text that asks for picture `index` of a job again."""
    ask, paint = asked_for(job), job.paint.alone(index)
    upscale = paint.upscale and replace(
        paint.upscale, scale=ask.upscale or paint.upscale.scale, of=None
    )
    paint = replace(
        paint,
        prompt=ask.prompt,
        negative=ask.negative or "",
        width=ask.width or paint.width,
        height=ask.height or paint.height,
        upscale=upscale,
        latents_of=None,
    )
    return format_flags(paint, model, style=None if ask.style == NO_STYLE else ask.style)


def upscale_out(upscale: Upscale | None) -> UpscaleOut | None:
    if upscale is None:
        return None
    return UpscaleOut(
        scale=upscale.scale, network=upscale.network, of=upscale.of, creative=upscale.creative
    )


def model_out(model: Model, *, default: bool, seconds: float) -> ModelOut:
    return ModelOut(
        name=model.name,
        title=model.title,
        description=model.description,
        licence=model.licence,
        default=default,
        sizes=list(model.sizes),
        default_steps=model.default_steps,
        min_steps=model.min_steps,
        max_steps=min(model.max_steps, Limits().max_steps),
        default_guidance=model.default_guidance,
        max_guidance=model.max_guidance,
        negative=model.negative,
        guidance=model.guidance,
        image_to_image=model.image_to_image,
        inpainting=model.inpainting,
        schedulers=list(model.schedulers),
        scheduler=model.scheduler or None,
        commercial=model.commercial,
        seconds=round(seconds, 1),
    )


def upscaler_out(network: Network, *, default: bool) -> UpscalerOut:
    return UpscalerOut(
        name=network.name,
        title=network.title,
        description=network.description,
        licence=network.licence,
        default=default,
        price=network.price,
    )


def prompt_words(ear: Ear, job: Job) -> str:
    """What was asked for, also of a picture that came without words."""
    return job.paint.prompt or ear.say("enlarged.own")


def job_words(ear: Ear, view: JobView) -> str:
    """How the job stands, in one sentence."""
    job = view.job
    match job.state:
        case JobState.QUEUED:
            return waiting(view.position, view.eta_s, ear.language, warming=view.warming)
        case JobState.RUNNING:
            return painting(
                view.eta_s, ear.language, progress=view.progress, paints=job.paint.paints
            )
        case JobState.FAILED:
            return failed(job.public, job.error, ear.language)
        case JobState.CANCELLED:
            return cancelled(job.charge, ear.language)
        case JobState.DONE:
            return ear.say("job.done")


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
