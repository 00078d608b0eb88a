"""The sentences that only Discord needs: forms, direct messages, permissions, help."""

from __future__ import annotations

from bot.desk.errors import MissingPermissions
from bot.desk.texts.language import SOURCE, translations
from bot.desk.texts.names import field_name
from bot.desk.texts.reader import Reader
from bot.desk.texts.refusals import _explain

PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
}
"""What the platform calls its permissions; untranslated, as admins find them in its settings."""


@_explain.register
def _(error: MissingPermissions, r: Reader) -> str:
    return r.count(
        "I cannot post pictures here: the permission {names} is missing. "
        "Please ask an admin of this server.",
        "I cannot post pictures here: the permissions {names} are missing. "
        "Please ask an admin of this server.",
        len(error.names),
    ).format(names=", ".join(f"“{PERMISSIONS.get(name, name)}”" for name in error.names))


def moved(link: str, lang: str = SOURCE) -> str:
    """That the picture came as a message of its own."""
    gettext = translations(lang).gettext
    return gettext("Done: [here is your picture]({link}).").format(link=link)


def comes_here(lang: str = SOURCE) -> str:
    """The direct message that proves that a late picture will arrive."""
    gettext = translations(lang).gettext
    return gettext("This will take a while. Your picture comes here as soon as it is painted.")


def point_again(lang: str = SOURCE) -> str:
    """What was pointed at was forgotten meanwhile."""
    gettext = translations(lang).gettext
    return gettext("That took too long, or I was restarted. Please point at the picture again.")


def sent(lang: str = SOURCE) -> str:
    """The picture is among the person's direct messages."""
    gettext = translations(lang).gettext
    return gettext("Sent. Look into your direct messages.")


def dm_closed(lang: str = SOURCE) -> str:
    """The person takes no direct messages from us."""
    gettext = translations(lang).gettext
    return gettext(
        "I may not write to you: your direct messages are closed to me. "
        "You can open them in the privacy settings of this server."
    )


def all_of_them(lang: str = SOURCE) -> str:
    """The button that deletes every picture of a job."""
    gettext = translations(lang).gettext
    return gettext("All of them")


def kept(lang: str = SOURCE) -> str:
    """Nothing was deleted."""
    gettext = translations(lang).gettext
    return gettext("It stays.")


def prompt_title(lang: str = SOURCE) -> str:
    """The heading of the form that asks for a prompt."""
    gettext = translations(lang).gettext
    return gettext("What shall I paint?")


def field_label(field: str, lang: str = SOURCE) -> str:
    """The label of a field of a form."""
    gettext = translations(lang).gettext
    if field == "which":
        return gettext("Which picture?")
    if field == "source_strength":
        return gettext("How much may change (0.05–1)?")
    name = field_name(field, lang)
    return name[:1].upper() + name[1:]


def defaults_forgotten(lang: str = SOURCE) -> str:
    """The person has no defaults any more."""
    gettext = translations(lang).gettext
    return gettext("Your defaults are forgotten.")


def defaults_saved(lang: str = SOURCE) -> str:
    """The person's defaults are kept."""
    gettext = translations(lang).gettext
    return gettext("Saved. This fills the gaps of your requests from now on:")


def no_defaults(lang: str = SOURCE) -> str:
    """Nothing fills the gaps."""
    gettext = translations(lang).gettext
    return gettext("You have no defaults. Set some with /settings set.")


def styles_heading(lang: str = SOURCE) -> str:
    """What stands above the styles."""
    gettext = translations(lang).gettext
    return gettext("Styles, for the option style or as --style")


def steps(count: int, lang: str = SOURCE) -> str:
    """So many denoising steps."""
    return translations(lang).ngettext("{n} step", "{n} steps", count).format(n=count)


def pictures(count: int, lang: str = SOURCE) -> str:
    """So many pictures."""
    return translations(lang).ngettext("{n} picture", "{n} pictures", count).format(n=count)


def help_text(lang: str = SOURCE) -> str:
    """How everything works, for the chat's own light markup."""
    gettext = translations(lang).gettext
    return "\n\n".join(
        [
            gettext(
                "I paint on this computer’s own processor what you describe. Try "
                "`/imagine` with a few words, best in English."
            ),
            gettext(
                "**Flags** also work within the words: `--ar 3:2`, `--seed 7`, `--no text`, "
                "`--steps 6`, `--count 4`, `--style watercolor`, `--model name`."
            ),
            gettext(
                "**Under a picture**: V1–V4 or Vary paint a variation, 🔁 the same again with a "
                "new seed, ✏️ with other words; 🔎 tells everything about it, ✉️ sends it to "
                "you, 🚩 tells the moderators, 🗑️ deletes your own."
            ),
            gettext(
                "**Larger**: 🔍 ×2, ×4 or U1–U4 enlarge a picture, `/upscale` one of your own, and "
                "`--upscale 2` at once."
            ),
            gettext(
                "**From a picture**: give `/imagine` an image, or open the menu of any message: "
                "Apps → Use as source."
            ),
            gettext(
                "**More**: `/queue` who waits, `/usage` what you have used, `/history` your "
                "pictures, `/show` one of them, `/models`, `/styles`, `/settings` your defaults."
            ),
            gettext("With `private` only you see it, and it is hidden in the queue."),
            gettext("`/forget me` deletes all that is yours."),
        ]
    )
