"""The sentences and the labels of chats: buttons, facts under a picture, details, history, help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.desk.actions import Verb
from bot.desk.errors import NoPicture, NotServed, Unreachable
from bot.desk.texts.language import SOURCE, duration, number, ordinal, translations
from bot.desk.texts.reader import Reader
from bot.desk.texts.refusals import _explain
from bot.desk.texts.states import about_note
from storage.job import JobState

if TYPE_CHECKING:
    from engine.catalogue import Model
    from engine.request import Paint
    from storage.job import Job


def label(verb: Verb, lang: str = SOURCE) -> str:
    """What stands on a button."""
    gettext = translations(lang).gettext
    return {
        Verb.CANCEL: gettext("Cancel"),
        Verb.AGAIN: gettext("Again"),
        Verb.PROMPT: gettext("Vary prompt"),
        Verb.VARY_SUBTLE: gettext("Vary (subtle)"),
        Verb.VARY_STRONG: gettext("Vary (strong)"),
        Verb.DETAILS: gettext("Details"),
        Verb.DM: gettext("Send me"),
        Verb.REPORT: gettext("Report"),
        Verb.DELETE: gettext("Delete"),
        Verb.DELETE_SURE: gettext("Delete for good"),
        Verb.KEEP: gettext("Keep"),
        Verb.SOURCE: gettext("Use as source"),
        Verb.SHOW: gettext("Show"),
        Verb.PAGE: gettext("Page"),
        Verb.CLEAR: gettext("Forget my defaults"),
        Verb.ALBUM: gettext("Each one"),
        Verb.ORIGINAL: gettext("Original"),
        Verb.TUNE: gettext("Change"),
        Verb.TUNED: gettext("Paint it"),
        Verb.SET: gettext("Choose"),
        Verb.UPSCALE2: gettext("Enlarge ×2"),
        Verb.UPSCALE4: gettext("Enlarge ×4"),
        Verb.HD: gettext("HD"),
        Verb.PIN: gettext("Pin"),
        Verb.FORGET: gettext("Forget me"),
        Verb.STAY: gettext("Keep"),
    }[verb]


def facts(paint: Paint, model_title: str, seconds: float | None, lang: str = SOURCE) -> str:
    """The line under a picture: model, size, enlargement, seed, and how long it took."""
    gettext = translations(lang).gettext
    parts = [model_title, "{}×{}".format(*paint.final_size)]
    if paint.upscale is not None:
        by = f"×{paint.upscale.scale}"
        parts.append(f"{by} {paint.upscale.network}" if paint.prompt else by)
    if paint.prompt:  # what somebody brought along has no seed
        parts.append(seed(paint.seed, lang))
    if seconds is not None:
        took = gettext("painted in {duration}") if paint.paints else gettext("made in {duration}")
        parts.append(took.format(duration=duration(seconds, lang)))
    return " · ".join(parts)


def seed(number_drawn: int, lang: str = SOURCE) -> str:
    """The number that a picture was begun from."""
    gettext = translations(lang).gettext
    return gettext("seed {seed}").format(seed=number_drawn)


def elsewhere(public: str, lang: str = SOURCE) -> str:
    """That the picture is done but could not be shown here."""
    gettext = translations(lang).gettext
    return gettext("Your picture is painted. See it with /show {job}.").format(job=public)


def deleted(lang: str = SOURCE) -> str:
    """What stands where a picture was."""
    gettext = translations(lang).gettext
    return gettext("The picture was deleted.")


def gone(job: Job, lang: str = SOURCE) -> str:
    """Why a finished job has no pictures to show."""
    withheld = [note for note in job.notes if note.code == "withheld"]
    return about_note(withheld[0], lang) if withheld else deleted(lang)


def variation_of(origin: str, lang: str = SOURCE) -> str:
    """Where a variation comes from; `origin` is an id or a link."""
    gettext = translations(lang).gettext
    return gettext("from {origin}").format(origin=origin)


@_explain.register
def _(error: Unreachable, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "This would be ready in about {duration}; by then I can post nothing here, and your "
        "direct messages are closed to me. Please open them, or try again later."
    ).format(duration=duration(error.eta_s, r.lang))


@_explain.register
def _(error: NotServed, r: Reader) -> str:
    gettext = r.say
    return gettext("I do not paint in this place.")


@_explain.register
def _(error: NoPicture, r: Reader) -> str:
    gettext = r.say
    return gettext("I see no picture there that I could use.")


def stale_button(lang: str = SOURCE) -> str:
    """A button that nobody knows any more."""
    gettext = translations(lang).gettext
    return gettext("This button leads nowhere any more.")


def is_over(lang: str = SOURCE) -> str:
    """There is nothing left to cancel."""
    gettext = translations(lang).gettext
    return gettext("This one is finished already.")


def sure(count: int, lang: str = SOURCE) -> str:
    """Asks once before something is deleted."""
    gettext = translations(lang).gettext
    if count == 1:
        return gettext("Delete this picture for good?")
    return gettext("Delete all {n} pictures for good, or one of them?").format(n=count)


def defaults_heading(lang: str = SOURCE) -> str:
    """What stands above somebody's defaults."""
    gettext = translations(lang).gettext
    return gettext("This fills the gaps of your requests:")


def queue_heading(waiting: int, lang: str = SOURCE) -> str:
    """How many wait."""
    if not waiting:
        return translations(lang).gettext("Nobody is waiting.")
    return (
        translations(lang)
        .ngettext("{n} job is waiting.", "{n} jobs are waiting.", waiting)
        .format(n=number(waiting, lang))
    )


def in_queue(
    position: int,
    *,
    running: bool,
    mine: bool,
    name: str,
    prompt: str | None,
    eta_s: float | None,
    lang: str = SOURCE,
) -> str:
    """A line of the queue; `name` and `prompt` are ready to be shown, or not known."""
    gettext = translations(lang).gettext
    parts = [gettext("now") if running else ordinal(position, lang)]
    if prompt is not None:
        parts.append(prompt or gettext("a picture to enlarge"))
    else:
        parts.append(gettext("one of yours, private") if mine else gettext("somebody’s picture"))
    if mine and prompt is not None:
        parts.append(gettext("yours"))
    elif name and not mine:
        parts.append(name)
    if eta_s is not None:
        parts.append(gettext("about {duration}").format(duration=duration(eta_s, lang)))
    return " · ".join(parts)


def more_in_line(count: int, lang: str = SOURCE) -> str:
    """Those who are not shown one by one."""
    return (
        translations(lang)
        .ngettext("and {n} more", "and {n} more", count)
        .format(n=number(count, lang))
    )


def your_waiting(waiting: int, limit: int, lang: str = SOURCE) -> str:
    """How many of one's own jobs wait, and how many may."""
    gettext = translations(lang).gettext
    return gettext("{waiting} of your jobs wait; {limit} may.").format(
        waiting=number(waiting, lang), limit=number(limit, lang)
    )


def history_heading(page: int, lang: str = SOURCE) -> str:
    """The heading of a page of one's own pictures, counted from 1."""
    gettext = translations(lang).gettext
    return gettext("Your pictures, page {page}").format(page=number(page, lang))


def history_empty(lang: str = SOURCE) -> str:
    """Nothing was asked for yet."""
    gettext = translations(lang).gettext
    return gettext("There is nothing here yet. Paint something with /imagine.")


def newer(lang: str = SOURCE) -> str:
    """The button to the page before."""
    gettext = translations(lang).gettext
    return gettext("Newer")


def older(lang: str = SOURCE) -> str:
    """The button to the next page."""
    gettext = translations(lang).gettext
    return gettext("Older")


def state(state: JobState, lang: str = SOURCE) -> str:
    """How a job stands, in one word."""
    gettext = translations(lang).gettext
    return {
        JobState.QUEUED: gettext("waiting"),
        JobState.RUNNING: gettext("being painted"),
        JobState.DONE: gettext("painted"),
        JobState.FAILED: gettext("failed"),
        JobState.CANCELLED: gettext("cancelled"),
    }[state]


def private(lang: str = SOURCE) -> str:
    """Nobody else sees it."""
    gettext = translations(lang).gettext
    return gettext("private")


def models_heading(lang: str = SOURCE) -> str:
    """What stands above the models."""
    gettext = translations(lang).gettext
    return gettext("Models to paint with")


def default_model(lang: str = SOURCE) -> str:
    """The model that paints when nobody names one."""
    gettext = translations(lang).gettext
    return gettext("used if you name none")


def model_facts(model: Model, lang: str = SOURCE) -> str:
    """What a model can do, in one line."""
    gettext = translations(lang).gettext
    steps = gettext("{default} steps, {most} at most").format(
        default=number(model.default_steps, lang), most=number(model.max_steps, lang)
    )
    abilities = [
        gettext("negative prompt") if model.negative else "",
        gettext("guidance") if model.guidance else "",
        gettext("starts from a picture") if model.image_to_image else "",
        gettext("paints inside a mask") if model.inpainting else "",
        gettext("schedulers: {names}").format(names=", ".join(model.schedulers))
        if len(model.schedulers) > 1
        else "",
        "" if model.commercial else gettext("not for commercial use"),
    ]
    sizes = ", ".join(f"{width}×{height}" for width, height in model.sizes)
    return " · ".join([sizes, steps, *filter(None, abilities)])


def known_world(model: Model, lang: str = SOURCE) -> str:
    """What a model with a small world knows, a kind of thing after the other; else nothing."""
    if model.vocabulary is None:
        return ""
    things = "; ".join(", ".join(names) for names in model.vocabulary.groups.values())
    return translations(lang).gettext("knows {things}").format(things=things)


def details_heading(public: str, lang: str = SOURCE) -> str:
    """The heading of everything that is known of a job."""
    gettext = translations(lang).gettext
    return gettext("Details of {job}").format(job=public)


def paint_again(lang: str = SOURCE) -> str:
    """What stands above the text that paints the same again."""
    gettext = translations(lang).gettext
    return gettext("Type this to paint it again:")


def cost(credits: float, lang: str = SOURCE) -> str:
    """What a job has cost, or will cost."""
    whole = 1 if credits == 1 else 2  # "0.5 credits" is a plural
    return (
        translations(lang)
        .ngettext("{cost} credit", "{cost} credits", whole)
        .format(cost=number(credits, lang))
    )
