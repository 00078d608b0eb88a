"""The sentences that only Telegram needs: questions, short labels, help, the menu of commands."""

from __future__ import annotations

from bot.desk.actions import Verb
from bot.desk.errors import SeveralPictures
from bot.desk.texts.language import SOURCE, duration, number, translations
from bot.desk.texts.reader import Reader
from bot.desk.texts.refusals import _explain


@_explain.register
def _(error: SeveralPictures, r: Reader) -> str:
    gettext = r.say
    return gettext(
        "These are {n} pictures. Tap “Each one” and reply to the one you want to start from."
    ).format(n=error.count)


def question(lang: str = SOURCE, *, picture: bool = False, again: bool = False) -> str:
    """Asks for the prompt."""
    gettext = translations(lang).gettext
    if again:
        return gettext("In which words this time?")
    if picture:
        return gettext("What shall I make of your picture?")
    return gettext("What shall I paint?")


def placeholder(lang: str = SOURCE) -> str:
    """Stands in the field of the answer until something is typed; 64 characters at most."""
    gettext = translations(lang).gettext
    return gettext("a lighthouse at dusk --ar 3:2")


def ready(count: int, lang: str = SOURCE) -> str:
    """Tells somebody who waited long; the picture comes into the same message."""
    t = translations(lang)
    return t.ngettext(
        "Your picture is painted, here it comes.",
        "Your pictures are painted, here they come.",
        count,
    )


def cancelling(lang: str = SOURCE) -> str:
    """That a press was understood; the message will tell what it has cost."""
    gettext = translations(lang).gettext
    return gettext("Cancelled.")


def nothing_to_cancel(lang: str = SOURCE) -> str:
    """None of one's own jobs waits."""
    gettext = translations(lang).gettext
    return gettext("Nothing of yours is waiting or being painted.")


def which_to_cancel(lang: str = SOURCE) -> str:
    """Asks which of several jobs is meant."""
    gettext = translations(lang).gettext
    return gettext("Which one shall I cancel?")


def crowded(lang: str = SOURCE) -> str:
    """Telegram takes only so many messages a minute in a group, and pictures come first."""
    gettext = translations(lang).gettext
    return gettext(
        "There is a lot going on here just now. Please try again in a minute, or in a chat with me."
    )


def given_up(lang: str = SOURCE) -> str:
    """A message or a press that could not be handled, however often it was tried."""
    gettext = translations(lang).gettext
    return gettext("That one could not be handled, I am sorry. Please ask again.")


def unknown_command(lang: str = SOURCE) -> str:
    """A command that is none of ours."""
    gettext = translations(lang).gettext
    return gettext("I do not know this command. /help lists mine.")


def steps(n: int, lang: str = SOURCE) -> str:
    """A number of steps on a button."""
    t = translations(lang)
    return t.ngettext("{n} step", "{n} steps", n).format(n=number(n, lang))


def pictures(n: int, lang: str = SOURCE) -> str:
    """A number of pictures on a button."""
    t = translations(lang)
    return t.ngettext("{n} picture", "{n} pictures", n).format(n=number(n, lang))


def which_to_enlarge(lang: str = SOURCE) -> str:
    """How a picture is enlarged, to somebody who showed none."""
    gettext = translations(lang).gettext
    return gettext(
        "Send me a picture with `/upscale 4` as its caption, or reply to one with `/upscale 4`."
    )


def paint_for(credits: float, lang: str = SOURCE) -> str:
    """The button that paints with what is chosen, and what that costs."""
    gettext = translations(lang).gettext
    return gettext("Paint for {credits} credits").format(credits=number(credits, lang))


def short_label(verb: Verb, lang: str = SOURCE) -> str:
    """What stands on a button that has little room."""
    gettext = translations(lang).gettext
    return {
        Verb.PROMPT: gettext("Words"),
        Verb.DETAILS: gettext("Details"),
        Verb.KEEP: gettext("Back"),
    }[verb]


def licence(name: str, lang: str = SOURCE) -> str:
    """Under which licence a model may be used."""
    gettext = translations(lang).gettext
    return gettext("Licence: {name}").format(name=name)


def styles_heading(lang: str = SOURCE) -> str:
    """What stands above the styles."""
    gettext = translations(lang).gettext
    return gettext("Styles; tap one to copy it")


def no_defaults(lang: str = SOURCE) -> str:
    """Nothing fills the gaps yet."""
    gettext = translations(lang).gettext
    return gettext(
        "Choose what fills the gaps of your requests. Everything else goes with "
        "`/settings --no text --style poster`."
    )


def ago(seconds: float, lang: str = SOURCE) -> str:
    """How long ago something was."""
    gettext = translations(lang).gettext
    return gettext("{duration} ago").format(duration=duration(seconds, lang))


def paint_something(lang: str = SOURCE) -> str:
    """The button above one's own pictures that leads to the chat with the bot."""
    gettext = translations(lang).gettext
    return gettext("Paint something new")


def none_found(lang: str = SOURCE) -> str:
    """No picture of one's own goes with these words."""
    gettext = translations(lang).gettext
    return gettext("No picture of yours has these words")


def help_text(lang: str = SOURCE, *, private: bool, ruler: bool) -> tuple[str, ...]:
    """How everything works, a paragraph each; `code` and **bold** are ours."""
    gettext = translations(lang).gettext
    begin = (
        gettext(
            "I paint what you describe, right here on this computer’s own processor. "
            "Just write a few words, best in English."
        )
        if private
        else gettext(
            "I paint what you describe, right here on this computer’s own processor. Write "
            "`/imagine` and a few words, best in English."
        )
    )
    found = [
        begin,
        gettext(
            "**Flags** may stand anywhere in it: `--ar 3:2`, `--seed 7`, `--no clouds`, "
            "`--steps 6`, `--count 4`, `--style poster`, `--model name`, `--spoiler`."
        ),
        gettext(
            "**From a picture**: send one with your words as its caption, or reply to one with "
            "`/imagine` and your words."
        ),
        gettext(
            "**Under a picture**: 🪄 or V1–V4 vary it, 🔁 paints it anew, ⚙️ changes size, steps, "
            "model or words, 📄 sends the file without loss, ✖ deletes your own."
        ),
        gettext(
            "**Larger**: 🔍 ×2, ×4 or U1–U4 enlarge a picture, /upscale one that you send or reply "
            "to, and `--upscale 2` at once."
        ),
        gettext(
            "**More**: /queue who waits, /usage what you have used, /history your pictures, /show "
            "one of them, /models, /styles, /settings what fills your gaps, /cancel."
        ),
    ]
    if ruler:
        found.append(
            gettext(
                "**For admins**: /rules what holds here, /pause and /resume, /ban and /unban "
                "(reply to somebody), /budget, /topics, /words, /jobs, `/cancel all`, /audit."
            )
        )
    return tuple(found)


def whom(command: str, example: str, lang: str = SOURCE) -> str:
    """How to say whom a command means."""
    gettext = translations(lang).gettext
    sentence = gettext("Reply to a message of theirs with {command}, or write their id behind it.")
    return sentence.format(command=f"{command} {example}".strip())


def budget_hint(lang: str = SOURCE) -> str:
    """How budgets are set."""
    gettext = translations(lang).gettext
    return gettext("/budget 20 is for each, /budget all 200 for all, in reply to somebody for one.")


def words_hint(lang: str = SOURCE) -> str:
    """How the list of words is changed."""
    gettext = translations(lang).gettext
    return gettext("/words add spider, /words remove spider, /words none.")


def pictures_hint(lang: str = SOURCE) -> str:
    """How it is said what becomes of flagged pictures."""
    gettext = translations(lang).gettext
    return gettext("/pictures show, spoiler, withhold or none; /pictures files on or files off.")


def topics_hint(lang: str = SOURCE) -> str:
    """How the topics are chosen."""
    gettext = translations(lang).gettext
    return gettext("/topics here adds this one, /topics not here takes it away, /topics all.")


def topic(number_there: str, lang: str = SOURCE) -> str:
    """What a topic is called; Telegram tells bots no names."""
    gettext = translations(lang).gettext
    if number_there in ("0", "1"):
        return gettext("General")
    return gettext("topic {number}").format(number=number_there)


def every_topic(lang: str = SOURCE) -> str:
    """No topic is left out."""
    gettext = translations(lang).gettext
    return gettext("Pictures may be asked for in every topic.")


def these_topics(topics: str, lang: str = SOURCE) -> str:
    """Only some topics are open."""
    gettext = translations(lang).gettext
    return gettext("Pictures may be asked for in these topics: {topics}.").format(topics=topics)


def greeting(name: str, lang: str = SOURCE) -> str:
    """The first words to somebody new."""
    gettext = translations(lang).gettext
    return gettext("Hello {name}!").format(name=name) if name else gettext("Hello!")


def about_command(name: str, lang: str = SOURCE) -> str:
    """What a command does, in the menu; 256 characters at most."""
    gettext = translations(lang).gettext
    return {
        "imagine": gettext("Paint a picture from your words"),
        "queue": gettext("Who is in line"),
        "usage": gettext("What you have used today"),
        "history": gettext("Your pictures, page by page"),
        "show": gettext("Show your latest picture, or the one with this id"),
        "models": gettext("The models to paint with"),
        "styles": gettext("The styles to paint in"),
        "settings": gettext("What fills the gaps of your requests"),
        "cancel": gettext("Cancel what is waiting or being painted"),
        "upscale": gettext("Make a picture larger (as its caption, or in reply to it)"),
        "forget": gettext("Delete all that is yours here"),
        "help": gettext("How everything works"),
        "rules": gettext("What holds in this chat"),
        "pause": gettext("Take no jobs here for now"),
        "resume": gettext("Take jobs here again"),
        "ban": gettext("Take no jobs from somebody (reply, or id; and for how long)"),
        "unban": gettext("Take jobs from somebody again (reply, or id)"),
        "budget": gettext("Credits a day for each person, for all, or for one (reply)"),
        "topics": gettext("Paint in this topic, or in every topic"),
        "words": gettext("Words that may not be asked for"),
        "pictures": gettext("Flagged pictures, and what files say"),
        "jobs": gettext("What waits here, to be cancelled"),
        "audit": gettext("What admins have done lately"),
    }[name]
