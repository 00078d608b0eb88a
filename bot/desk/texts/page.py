"""The words of the page and of the HTTP API, by key; the sentences of refusals stand apart.

The page's scripts hold no sentence of their own: they get these with the page. What stands in
{braces} is filled in where the sentence is used.
"""

from __future__ import annotations

from collections.abc import Mapping

PLAIN = "en"

EXAMPLES = (
    "a lighthouse on the sea at sunset",
    "a fox in the snow under northern lights",
    "a hot air balloon over lavender fields at dawn",
    "a castle in the mountains at night",
    "a sailboat on the ocean in fog, as a watercolour painting",
    "a windmill in a meadow under a rainbow --ar 3:2",
)
"""Prompts to click. In English whatever the language of the page: it is what the models read."""

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "about": "Describe a picture; it is painted on this computer.",
        "skip": "To the prompt",
        "noscript": "This page needs JavaScript to show your pictures being painted. "
        "The HTTP API works without: see /docs.",
        "close": "Close",
        "feed.label": "Your pictures",
        "earlier": "Earlier pictures",
        "welcome.title": "What shall I paint?",
        "welcome.words": "Describe a scene in a few words. It is painted right here, by this "
        "computer’s own processor, and goes nowhere else.",
        "examples.label": "Examples to try",
        "prompt.label": "What to paint",
        "prompt.placeholder": "A quiet harbour at dawn …",
        "send": "Paint it",
        "hint.words": "Enter paints, Shift + Enter starts a new line.",
        "hint.flags": "You can add",
        "budget.left": "{left} of {budget} credits left",
        "budget.later": "{left} of {budget} credits left, more at {time}",
        "offline": "The connection is lost. I keep trying; your pictures go on being painted.",
        "offline.unsent": "That could not be sent: the connection is lost. Your words are kept.",
        "about.seconds": "about {n}\u00a0s",
        "about.minutes": "about {n}\u00a0min",
        "about.hours": "about {n}\u00a0h",
        "left": "{about} left",
        "queued.first": "First in line",
        "queued.later": "Number {n} in line",
        "warming.first": "Warming up, you are first in line",
        "warming.later": "Warming up, you are number {n} in line",
        "painting.one": "Painting",
        "painting.several": "Painting picture {i} of {n}",
        "progress.label": "How far the painting is",
        "job.done": "Done.",
        "deleted": "Deleted.",
        "cancel": "Cancel",
        "again": "Again",
        "download": "Download",
        "delete": "Delete",
        "delete.sure": "Delete for good?",
        "picture.alt": "Painted: {prompt}",
        "steps": "{n} steps",
        "seed": "seed {n}",
        "took": "{n}\u00a0s",
        "live.painting": "Now painting: {prompt}",
        "live.done": "Your picture is ready: {prompt}",
        "live.failed": "This one went wrong: {prompt}",
        "live.cancelled": "Cancelled: {prompt}",
        "refused": "That was not possible.",
        "door.words": "This Atelier asks for a password.",
        "door.label": "Password",
        "door.enter": "Come in",
        "door.wrong": "That is not the password.",
        "door.wait": "Too many wrong passwords. Please try again in {minutes} min.",
        "http.sign_in_needed": "Please sign in first: this page asks for a password.",
        "http.wrong_host": "This server does not answer to that name. Set ATELIER_WEB_URL to the "
        "address people use.",
        "http.other_site": "Requests from other sites are refused.",
        "http.too_large": "That is too large.",
        "http.not_found": "There is nothing here.",
        "http.method_not_allowed": "That cannot be done here.",
        "http.invalid_request": "{field}: {problem}.",
        "http.internal": "Something went wrong here. It is in the log.",
        "http.refused": "That was not possible.",
        "docs.title": "The HTTP API",
        "docs.words": "Everything the page does, programs can do too. Refusals have one form: "
        "code, message, limit, frees_at.",
        "docs.takes": "Takes",
        "docs.answers": "Answers",
    },
    "de": {
        "about": "Beschreibe ein Bild; es wird auf diesem Computer gemalt.",
        "skip": "Zum Eingabefeld",
        "noscript": "Diese Seite braucht JavaScript, um deine Bilder beim Entstehen zu zeigen. "
        "Die HTTP-API geht ohne: siehe /docs.",
        "close": "Schließen",
        "feed.label": "Deine Bilder",
        "earlier": "Frühere Bilder",
        "welcome.title": "Was soll ich malen?",
        "welcome.words": "Beschreibe eine Szene in ein paar Worten, am besten auf Englisch. Sie "
        "wird gleich hier gemalt, vom Prozessor dieses Computers, und geht nirgendwohin.",
        "examples.label": "Beispiele zum Ausprobieren",
        "prompt.label": "Was gemalt werden soll",
        "prompt.placeholder": "A quiet harbour at dawn …",
        "send": "Malen",
        "hint.words": "Eingabe malt, Umschalt + Eingabe beginnt eine neue Zeile.",
        "hint.flags": "Dazu geht auch",
        "budget.left": "{left} von {budget} Credits übrig",
        "budget.later": "{left} von {budget} Credits übrig, mehr um {time}",
        "offline": "Die Verbindung ist weg. Ich versuche es weiter; deine Bilder werden "
        "trotzdem gemalt.",
        "offline.unsent": "Das ging nicht hinaus: Die Verbindung ist weg. Deine Worte sind "
        "noch da.",
        "about.seconds": "etwa {n}\u00a0s",
        "about.minutes": "etwa {n}\u00a0min",
        "about.hours": "etwa {n}\u00a0h",
        "left": "noch {about}",
        "queued.first": "Als Nächstes an der Reihe",
        "queued.later": "Nummer {n} in der Reihe",
        "warming.first": "Wird warm, du bist als Erstes dran",
        "warming.later": "Wird warm, du bist Nummer {n} in der Reihe",
        "painting.one": "Wird gemalt",
        "painting.several": "Bild {i} von {n} wird gemalt",
        "progress.label": "Wie weit das Malen ist",
        "job.done": "Fertig.",
        "deleted": "Gelöscht.",
        "cancel": "Abbrechen",
        "again": "Nochmal",
        "download": "Herunterladen",
        "delete": "Löschen",
        "delete.sure": "Endgültig löschen?",
        "picture.alt": "Gemalt: {prompt}",
        "steps": "{n} Schritte",
        "seed": "Seed {n}",
        "took": "{n}\u00a0s",
        "live.painting": "Wird jetzt gemalt: {prompt}",
        "live.done": "Dein Bild ist fertig: {prompt}",
        "live.failed": "Das ging schief: {prompt}",
        "live.cancelled": "Abgebrochen: {prompt}",
        "refused": "Das ging nicht.",
        "door.words": "Dieses Atelier fragt nach einem Passwort.",
        "door.label": "Passwort",
        "door.enter": "Hinein",
        "door.wrong": "Das ist nicht das Passwort.",
        "door.wait": "Zu viele falsche Passwörter. Bitte versuche es in {minutes} min wieder.",
        "http.sign_in_needed": "Bitte melde dich zuerst an: Diese Seite fragt nach einem Passwort.",
        "http.wrong_host": "Dieser Server hört nicht auf diesen Namen. Setze ATELIER_WEB_URL auf "
        "die Adresse, die die Leute benutzen.",
        "http.other_site": "Anfragen von anderen Seiten werden abgelehnt.",
        "http.too_large": "Das ist zu groß.",
        "http.not_found": "Hier ist nichts.",
        "http.method_not_allowed": "Das geht hier nicht.",
        "http.invalid_request": "{field}: {problem}.",
        "http.internal": "Hier ging etwas schief. Es steht im Protokoll.",
        "http.refused": "Das ging nicht.",
        "docs.title": "Die HTTP-API",
        "docs.words": "Was die Seite kann, können auch Programme. Ablehnungen haben eine Form: "
        "code, message, limit, frees_at.",
        "docs.takes": "Nimmt",
        "docs.answers": "Antwortet",
    },
}


def page_messages(language: str) -> Mapping[str, str]:
    """All sentences of the page in `language`, or in English."""
    return MESSAGES.get(language, MESSAGES[PLAIN])
