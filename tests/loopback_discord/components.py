"""Components of messages and modals: what may stand where, how long, how many; V1 and V2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.loopback_discord.errors import form
from tests.loopback_discord.forms import (
    Check,
    anything,
    at,
    fields,
    items,
    nullable,
    one_of,
    snowflake,
    text,
    truth,
    whole,
)

ROW, BUTTON, SELECT, INPUT = 1, 2, 3, 4
SELECTS = (3, 5, 6, 7, 8)
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
UPLOAD, RADIO, CHECKS, CHECK = 19, 21, 22, 23
IN_CONTAINER = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR)
IN_LABEL = (INPUT, *SELECTS, UPLOAD, RADIO, CHECKS, CHECK)
MOST, MOST_TEXT = 40, 4000
CUSTOM_ID = text(1, 100)
COUNT = {"min_values": whole(0, 25), "max_values": whole(1, 25)}
MEDIA = fields({"url": text(1, 2048)}, required=("url",))
EMOJI = fields({"id": nullable(snowflake), "name": text(1, 64, null=True), "animated": truth})
SIGNS = re.compile(
    "[\U0001f000-\U0001faff©®‼⁉™ℹ↔-↙↩↪⌚⌛⌨⏏⏩-⏳⏸-⏺Ⓜ▪▫▶◀◻-◾☀-☄☎☑☔☕☘☝☠☢☣☦☪☮☯☸-☺♀♂♈-♓♟♠♣♥♦♨♻♾♿"
    "⚒-⚗⚙⚛⚜⚠⚡⚧⚪⚫⚰⚱⚽⚾⛄⛅⛈⛎⛏⛑⛓⛔⛩⛪⛰-⛵⛷-⛺⛽✂✅✈-✍✏✒✔✖✝✡✨✳✴❄❇❌❎❓-❕❗❣❤➕-➗➡➰➿⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙]"
    "|[0-9#*]\ufe0f?\u20e3"
)
OPTION: dict[str, Check] = {
    "label": text(1, 100),
    "value": text(1, 100),
    "description": text(0, 100, null=True),
    "default": truth,
    "emoji": EMOJI,
}
SELECT_FIELDS: dict[str, Check] = {
    "custom_id": CUSTOM_ID,
    "placeholder": text(0, 150, null=True),
    "disabled": truth,
    "required": truth,
    "default_values": items(fields({"id": snowflake, "type": text(1, 20)}), 0, 25),
    **COUNT,
}
KNOWN: dict[int, dict[str, Check]] = {
    ROW: {"components": items(anything, 1, 5)},
    BUTTON: {
        "style": one_of(1, 2, 3, 4, 5, 6),
        "label": text(0, 80, null=True),
        "custom_id": CUSTOM_ID,
        "url": text(1, 512, null=True),
        "disabled": truth,
        "emoji": EMOJI,
        "sku_id": snowflake,
    },
    SELECT: {
        **SELECT_FIELDS,
        "options": items(fields(OPTION, required=("label", "value")), 1, 25),
    },
    5: SELECT_FIELDS,
    6: SELECT_FIELDS,
    7: SELECT_FIELDS,
    8: {**SELECT_FIELDS, "channel_types": items(whole(0))},
    INPUT: {
        "custom_id": CUSTOM_ID,
        "style": one_of(1, 2),
        "label": text(1, 45, null=True),
        "min_length": whole(0, 4000, null=True),
        "max_length": whole(1, 4000, null=True),
        "required": truth,
        "value": text(0, 4000, null=True),
        "placeholder": text(0, 100, null=True),
    },
    SECTION: {"components": items(anything, 1, 3), "accessory": anything},
    TEXT: {"content": text(1, MOST_TEXT)},
    THUMBNAIL: {"media": MEDIA, "description": text(0, 1024, null=True), "spoiler": truth},
    GALLERY: {
        "items": items(
            fields(
                {"media": MEDIA, "description": text(0, 1024, null=True), "spoiler": truth},
                required=("media",),
            ),
            1,
            10,
        )
    },
    FILE: {"file": MEDIA, "spoiler": truth, "name": text(), "size": whole()},
    SEPARATOR: {"divider": truth, "spacing": one_of(1, 2)},
    CONTAINER: {
        "components": items(anything, 1),
        "accent_color": whole(0, 0xFFFFFF, null=True),
        "spoiler": truth,
    },
    LABEL: {"label": text(1, 45), "description": text(0, 100, null=True), "component": anything},
    UPLOAD: {"custom_id": CUSTOM_ID, "required": truth, **COUNT},
    RADIO: {
        "custom_id": CUSTOM_ID,
        "required": truth,
        "options": items(fields(OPTION, required=("label", "value")), 2, 10),
    },
    CHECKS: {
        "custom_id": CUSTOM_ID,
        "required": truth,
        "options": items(fields(OPTION, required=("label", "value")), 1, 10),
        **COUNT,
    },
    CHECK: {"custom_id": CUSTOM_ID, "default": truth},
}
NEEDED: dict[int, tuple[str, ...]] = {
    ROW: ("components",),
    BUTTON: ("style",),
    SELECT: ("custom_id", "options"),
    INPUT: ("custom_id", "style"),
    SECTION: ("components", "accessory"),
    TEXT: ("content",),
    THUMBNAIL: ("media",),
    GALLERY: ("items",),
    FILE: ("file",),
    CONTAINER: ("components",),
    LABEL: ("label", "component"),
}


def walk(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component, parents before children."""
    for each in components:
        yield each
        yield from walk(each.get("components", []))
        for single in ("accessory", "component"):
            if isinstance(each.get(single), dict):
                yield from walk([each[single]])


def media(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every media item that the components show, in order."""
    for each in walk(components):
        for found in (each.get("media"), each.get("file")):
            if found is not None:
                yield found
        for item in each.get("items", []):
            yield item["media"]


def check_message(components: Any, *, v2: bool, names: Mapping[str, object]) -> None:
    """Raise unless a message may have these; `names` are the files that `attachment://` reaches."""
    top = (ROW, *IN_CONTAINER, CONTAINER) if v2 else (ROW,)
    items(anything, 0, MOST if v2 else 5)(components, "components")
    for index, each in enumerate(components):
        _check(each, at("components", index), top)
    _check_whole(components, most=MOST if v2 else 25 + 5)
    for found in media(components):
        url = found["url"]
        if url.startswith("attachment://") and url.removeprefix("attachment://") not in names:
            raise form(
                "components",
                "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
                f"The referenced attachment '{url}' was not found.",
            )
        if not url.startswith(("attachment://", "http://", "https://")):
            raise form("components", "URL_TYPE_INVALID_SCHEME", f"{url!r} is not a known scheme.")


def check_modal(data: dict[str, Any]) -> None:
    """Raise unless this opens a modal."""
    fields(
        {
            "custom_id": CUSTOM_ID,
            "title": text(1, 45),
            "components": items(anything, 1, 5),
        },
        required=("custom_id", "title", "components"),
    )(data, "data")
    for index, each in enumerate(data["components"]):
        where = at("data.components", index)
        _check(each, where, (ROW, LABEL, TEXT), modal=True)
    _check_whole(data["components"], most=MOST)


def _check(each: Any, where: str, allowed: tuple[int, ...], *, modal: bool = False) -> None:
    kind = each.get("type") if isinstance(each, dict) else None
    if kind not in allowed:
        raise form(
            at(where, "type"),
            "UNION_TYPE_CHOICES",
            f'Value of field "type" must be one of {allowed}.',
        )
    needed = NEEDED.get(kind, ("custom_id",) if kind in (*IN_LABEL, *SELECTS) else ())
    fields({"type": whole(), "id": whole(0), **KNOWN[kind]}, required=needed)(each, where)
    rule: Callable[[dict[str, Any], str, bool], None] | None = RULES.get(kind)
    if rule:
        rule(each, where, modal)


def _row(row: dict[str, Any], where: str, modal: bool) -> None:
    for index, each in enumerate(row["components"]):
        allowed = (INPUT,) if modal else (BUTTON, *SELECTS)
        _check(each, at(where, f"components.{index}"), allowed)
    if len(row["components"]) > 1 and any(each["type"] != BUTTON for each in row["components"]):
        raise form(where, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component is too wide.")
    if modal and not row["components"][0].get("label"):
        raise form(at(where, "components.0.label"), "BASE_TYPE_REQUIRED", "This field is required")


def _button(button: dict[str, Any], where: str, modal: bool) -> None:
    link = button["style"] == 5
    if link != bool(button.get("url")):
        raise form(where, "BUTTON_COMPONENT_LINK_URL", "A link, and only a link, needs a url.")
    if button["style"] != 6 and link == ("custom_id" in button):
        raise form(where, "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id required")
    emoji = button.get("emoji")
    if not button.get("label") and not emoji:
        raise form(where, "BUTTON_COMPONENT_LABEL_OR_EMOJI", "A label or an emoji is required.")
    if emoji and not emoji.get("id") and not SIGNS.match(emoji.get("name") or ""):
        raise form(at(where, "emoji.name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")


def _section(section: dict[str, Any], where: str, modal: bool) -> None:
    for index, each in enumerate(section["components"]):
        _check(each, at(where, f"components.{index}"), (TEXT,))
    _check(section["accessory"], at(where, "accessory"), (BUTTON, THUMBNAIL))


def _container(container: dict[str, Any], where: str, modal: bool) -> None:
    for index, each in enumerate(container["components"]):
        _check(each, at(where, f"components.{index}"), IN_CONTAINER)


def _label(label: dict[str, Any], where: str, modal: bool) -> None:
    _check(label["component"], at(where, "component"), IN_LABEL)


def _file(file: dict[str, Any], where: str, modal: bool) -> None:
    if not file["file"]["url"].startswith("attachment://"):
        raise form(where, "FILE_COMPONENT_URL", "Only attachment:// is allowed here.")


RULES: dict[int, Callable[[dict[str, Any], str, bool], None]] = {
    ROW: _row,
    BUTTON: _button,
    SECTION: _section,
    CONTAINER: _container,
    LABEL: _label,
    FILE: _file,
}


def _check_whole(components: list[dict[str, Any]], *, most: int) -> None:
    every = list(walk(components))
    if len(every) > most:
        raise form(
            "components",
            "BASE_TYPE_MAX_LENGTH",
            f"The total number of components must be {most} or fewer, not {len(every)}.",
        )
    long = sum(len(each["content"]) for each in every if each["type"] == TEXT)
    if long > MOST_TEXT:
        raise form(
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            f"Component displayable text is {long}, above {MOST_TEXT}.",
        )
    for key in ("custom_id", "id"):
        seen: set[object] = set()
        for each in every:
            if key in each and each[key] in seen and each[key] != 0:
                reason = f"COMPONENT_{key.upper()}_DUPLICATED"
                raise form("components", reason, f"{each[key]!r} stands there twice.")
            seen.add(each.get(key))
