"""Application commands as the bot registers them: names, lengths, order, choices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.loopback_discord.errors import form
from tests.loopback_discord.forms import (
    Check,
    anything,
    at,
    fields,
    flags,
    items,
    number,
    one_of,
    text,
    truth,
    whole,
)

SLASH, ON_USER, ON_MESSAGE = 1, 2, 3
SUB, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = range(1, 12)
NAME = re.compile(r"^[-_'\w]{1,32}$")
LOCALES = frozenset(
    {"id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl"}
    | {"no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi"}
    | {"th", "zh-CN", "ja", "zh-TW", "ko"}
)
CHOICE = fields(
    {"name": text(1, 100), "value": anything, "name_localizations": anything},
    required=("name", "value"),
)
OPTION: dict[str, Check] = {
    "type": one_of(*range(1, 12)),
    "name": anything,
    "name_localizations": anything,
    "description": text(1, 100),
    "description_localizations": anything,
    "required": truth,
    "choices": items(CHOICE, 0, 25),
    "options": anything,
    "channel_types": items(whole(0)),
    "min_value": number,
    "max_value": number,
    "min_length": whole(0, 6000),
    "max_length": whole(1, 6000),
    "autocomplete": truth,
}
COMMAND: dict[str, Check] = {
    "id": anything,
    "name": anything,
    "name_localizations": anything,
    "description": text(0, 100),
    "description_localizations": anything,
    "options": anything,
    "default_member_permissions": lambda value, where: (
        None if value is None or str(value).isdecimal() else whole()(value, where)
    ),
    "dm_permission": truth,
    "integration_types": items(one_of(0, 1), null=True),
    "contexts": items(one_of(0, 1, 2), null=True),
    "type": one_of(SLASH, ON_USER, ON_MESSAGE),
    "nsfw": truth,
    "handler": flags(1, 2),
}


def check_commands(commands: Any) -> None:
    """Raise unless an application may have exactly these."""
    items(anything, 0, 100 + 15 + 15)(commands, "")
    seen: set[tuple[object, object]] = set()
    for index, command in enumerate(commands):
        check_command(command, str(index))
        key = (command.get("type", SLASH), command["name"])
        if key in seen:
            raise form(at(str(index), "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Unique.")
        seen.add(key)
    slashes = sum(command.get("type", SLASH) == SLASH for command in commands)
    for kind, most in ((SLASH, 100), (ON_USER, 15), (ON_MESSAGE, 15)):
        if sum(command.get("type", SLASH) == kind for command in commands) > most:
            raise form("", "APPLICATION_COMMAND_TOO_MANY", f"{slashes} slash commands")


def check_command(command: Any, where: str) -> None:
    """Raise unless this is one command."""
    fields(COMMAND, required=("name",))(command, where)
    if command.get("type", SLASH) != SLASH:
        text(1, 32)(command["name"], at(where, "name"))
        if command.get("description") or command.get("options"):
            raise form(where, "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", "It has none.")
        return
    _named(command, where)
    text(1, 100)(command.get("description"), at(where, "description"))
    _options(command.get("options") or [], at(where, "options"), depth=0)
    length = sum(len(each) for each in _texts(command))
    if length > 8000:
        raise form(where, "APPLICATION_COMMAND_TOO_LARGE", f"{length} characters, 8000 at most")


def _named(thing: dict[str, Any], where: str) -> None:
    for value, path in (
        (thing.get("name"), at(where, "name")),
        *((v, at(where, k)) for k, v in (thing.get("name_localizations") or {}).items()),
    ):
        if not isinstance(value, str) or not NAME.match(value) or value != value.lower():
            raise form(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    for kind, most in (("name_localizations", 32), ("description_localizations", 100)):
        for locale, value in (thing.get(kind) or {}).items():
            if locale not in LOCALES:
                raise form(at(where, kind), "ENUM_TYPE_COERCE", f"{locale} is not a locale.")
            text(1, most)(value, at(where, f"{kind}.{locale}"))


def _options(options: Any, where: str, *, depth: int) -> None:
    items(fields(OPTION, required=("type", "name", "description")), 0, 25)(options, where)
    names = [option["name"] for option in options]
    if len(set(names)) != len(names):
        raise form(where, "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", "Unique, please.")
    nested = [option for option in options if option["type"] in (SUB, GROUP)]
    if nested and len(nested) != len(options):
        raise form(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-commands or options.")
    optional = False
    for index, option in enumerate(options):
        path = at(where, index)
        _named(option, path)
        if option["type"] in (SUB, GROUP):
            if depth >= (1 if option["type"] == GROUP else 2):
                raise form(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Too deep.")
            down = depth + 1 if option["type"] == GROUP else 2
            _options(option.get("options") or [], at(path, "options"), depth=down)
            continue
        if option.get("required") and optional:
            raise form(
                path,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional |= not option.get("required")
        _value(option, path)


def _value(option: dict[str, Any], where: str) -> None:
    choices = option.get("choices") or []
    if choices and option.get("autocomplete"):
        raise form(where, "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "One of them.")
    kinds: dict[int, type | tuple[type, ...]] = {STRING: str, INTEGER: int, NUMBER: (int, float)}
    if (choices or option.get("autocomplete")) and option["type"] not in kinds:
        raise form(where, "APPLICATION_COMMAND_OPTIONS_CHOICES_TYPE", "It takes no choices.")
    for index, choice in enumerate(choices):
        if not isinstance(choice["value"], kinds[option["type"]]):
            raise form(at(where, f"choices.{index}"), "BASE_TYPE_BAD_TYPE", "Wrong type.")
        if isinstance(choice["value"], str):
            text(0, 100)(choice["value"], at(where, f"choices.{index}.value"))
    if len({choice["name"] for choice in choices}) != len(choices):
        raise form(where, "APPLICATION_COMMAND_OPTIONS_CHOICE_NAMES_DUPLICATED", "Unique.")
    for name, allowed in (("min_value", (INTEGER, NUMBER)), ("min_length", (STRING,))):
        for bound in (name, name.replace("min", "max")):
            if bound in option and option["type"] not in allowed:
                raise form(at(where, bound), "APPLICATION_COMMAND_OPTIONS_BOUND", "Not here.")


def _texts(thing: dict[str, Any]) -> Iterator[str]:
    yield from (str(thing.get("name", "")), str(thing.get("description", "")))
    for choice in thing.get("choices") or []:
        yield from (str(choice["name"]), str(choice["value"]))
    for option in thing.get("options") or []:
        yield from _texts(option)
