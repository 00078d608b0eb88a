"""Owns the menus of commands: which are shown in private chats, in groups, and to admins."""

from __future__ import annotations

from telegram import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from bot.desk.texts import LANGUAGES
from bot.desk.texts import on_telegram as words
from bot.on_telegram.parts import Menu

MEMBERS = (
    "imagine",
    "upscale",
    "queue",
    "usage",
    "history",
    "show",
    "models",
    "styles",
    "settings",
    "cancel",
    "forget",
    "help",
)
GROUPS = (
    "imagine",
    "upscale",
    "queue",
    "usage",
    "show",
    "models",
    "styles",
    "settings",
    "cancel",
    "help",
)
RULERS = (
    "rules",
    "pause",
    "resume",
    "ban",
    "unban",
    "budget",
    "topics",
    "words",
    "pictures",
    "jobs",
    "audit",
)


def menus() -> tuple[Menu, ...]:
    """What Telegram shall show; the first language is for everybody whose own is not there."""
    scopes = (
        (BotCommandScopeAllPrivateChats(), MEMBERS),
        (BotCommandScopeAllGroupChats(), GROUPS),
        (BotCommandScopeAllChatAdministrators(), (*GROUPS, *RULERS)),
    )
    return tuple(
        Menu(
            scope=scope,
            lang=lang if nth else None,
            commands=tuple(BotCommand(name, words.about_command(name, lang)) for name in names),
        )
        for scope, names in scopes
        for nth, lang in enumerate(LANGUAGES)
    )
