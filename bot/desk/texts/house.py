"""The refusals of a place and its rules, in words: styles, channels, roles, words, budgets."""

from __future__ import annotations

from bot.desk.errors import (
    BadPattern,
    BlockedWord,
    ChannelNotAllowed,
    ModelNotAllowed,
    NoBudgetHere,
    NotAllowed,
    RoleNotAllowed,
    TooManyReports,
    UnknownStyle,
)
from bot.desk.texts.reader import Reader
from bot.desk.texts.refusals import _explain

NAMED = 5
"""So many channels or roles are named at most."""


@_explain.register
def _(error: UnknownStyle, r: Reader) -> str:
    gettext = r.say
    return gettext("There is no style “{name}”. Try one of these: {styles}.").format(
        name=error.name, styles=", ".join(error.known)
    )


@_explain.register
def _(error: NotAllowed, r: Reader) -> str:
    gettext = r.say
    return {
        "moderator": gettext("Only those who moderate here may do this."),
        "admin": gettext("Only those who manage this place may do this."),
        "operator": gettext("Only the operator of this Atelier may do this."),
    }[error.needed]


@_explain.register
def _(error: ChannelNotAllowed, r: Reader) -> str:
    gettext = r.say
    if error.platform != "discord":
        return gettext("Pictures are painted elsewhere here, not in this channel.")
    named = ", ".join(f"<#{each}>" for each in error.allowed[:NAMED])
    return gettext("Pictures are not painted in this channel. Please ask in {channels}.").format(
        channels=named
    )


@_explain.register
def _(error: RoleNotAllowed, r: Reader) -> str:
    gettext = r.say
    if error.platform != "discord":
        return gettext("You need another role here to ask for pictures.")
    named = ", ".join(f"<@&{each}>" for each in error.allowed[:NAMED])
    return gettext("To ask for pictures here you need one of these roles: {roles}.").format(
        roles=named
    )


@_explain.register
def _(error: ModelNotAllowed, r: Reader) -> str:
    gettext = r.say
    if not error.allowed:
        return gettext("The model {model} is not used here.").format(model=error.name)
    return gettext("The model {model} is not used here. There are: {models}.").format(
        model=error.name, models=", ".join(error.allowed)
    )


@_explain.register
def _(error: BlockedWord, r: Reader) -> str:
    gettext = r.say
    if error.field == "negative":
        return gettext(
            "“{word}” is not wanted here, not even in the negative prompt. Please leave it out."
        ).format(word=error.found)
    return gettext("“{word}” is not painted here. Please put it another way.").format(
        word=error.found
    )


@_explain.register
def _(error: BadPattern, r: Reader) -> str:
    gettext = r.say
    limit = r.number(error.allowed or 0)
    if error.reason == "count":
        return gettext("These are too many; {limit} are possible at most.").format(limit=limit)
    if error.reason == "length":
        return gettext("“{pattern}…” is too long; {limit} characters are possible.").format(
            pattern=error.pattern, limit=limit
        )
    if error.reason == "everything":
        return gettext("“{pattern}” would be found everywhere.").format(pattern=error.pattern)
    return gettext("The pattern {pattern} cannot be used: {reason}.").format(
        pattern=error.pattern, reason=error.reason
    )


@_explain.register
def _(error: NoBudgetHere, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "People have no budget of their own here, only the {budget} credits a day that hold "
        "everywhere. Set one for this place first."
    ).format(budget=r.number(error.budget))


@_explain.register
def _(error: TooManyReports, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "You have reported {limit} pictures within an hour. The next report is taken {when}."
    ).format(limit=r.number(error.limit), when=r.when(error.again_at))
