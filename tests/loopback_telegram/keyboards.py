"""Reply markup, checked as the server does."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from tests.loopback_telegram.errors import Json, bad
from tests.loopback_telegram.fields import Strange, known
from tests.loopback_telegram.utf16 import units

KINDS = (
    "url callback_data web_app login_url switch_inline_query switch_inline_query_current_chat"
    " switch_inline_query_chosen_chat copy_text callback_game pay"
)
MOST_BUTTONS, MOST_IN_ROW = 100, 8
MOST_DATA = 64  # bytes


def checked(markup: Any, *, inline_only: bool = False, private: bool = True) -> Json | None:
    """The markup as it is kept; None for none."""
    if markup is None or markup == {}:
        return None
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in markup:
        known("InlineKeyboardMarkup", markup, "inline_keyboard")
        return _inline(markup["inline_keyboard"])
    if inline_only:
        raise bad("inline keyboard expected")
    if "force_reply" in markup:
        known("ForceReply", markup, "force_reply input_field_placeholder selective")
        placeholder = markup.get("input_field_placeholder")
        if placeholder is not None and not 1 <= units(placeholder) <= 64:
            raise bad("input field placeholder must be 1-64 characters long")
    elif "remove_keyboard" in markup:
        known("ReplyKeyboardRemove", markup, "remove_keyboard selective")
    elif "keyboard" in markup:
        raise Strange("reply keyboards are not played by this server")
    else:
        raise bad("can't parse reply keyboard markup JSON object")
    return markup


def _inline(rows: Any) -> Json | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse inline keyboard: array of arrays expected")
    kept = [[_button(button) for button in row] for row in rows if row]
    if sum(map(len, kept)) > MOST_BUTTONS or any(len(row) > MOST_IN_ROW for row in kept):
        raise bad("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def _button(button: Any) -> Json:
    known("InlineKeyboardButton", button, f"text style icon_custom_emoji_id {KINDS}")
    if not str(button.get("text", "")).strip():
        raise bad("can't parse inline keyboard button: button text is empty")
    kinds = [kind for kind in KINDS.split() if kind in button]
    if not kinds:
        raise bad(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if len(kinds) > 1:
        raise Strange(f"a button may do one thing only, not {kinds}")
    if button.get("style") not in (None, "danger", "success", "primary"):
        raise Strange(f"unknown style {button['style']!r}")
    value = button[kinds[0]]
    if kinds[0] == "callback_data" and not 1 <= len(str(value).encode()) <= MOST_DATA:
        raise bad("BUTTON_DATA_INVALID")
    if kinds[0] == "url":
        _address(str(value))
    if kinds[0] == "copy_text":
        known("CopyTextButton", value, "text")
        if not 1 <= units(value["text"]) <= 256:
            raise bad("BUTTON_COPY_TEXT_INVALID")
    return dict(button)


def _address(address: str) -> None:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    host = parts.hostname or ""
    fine = parts.scheme == "tg" or (parts.scheme in ("http", "https") and "." in host)
    if not fine or re.search(r"\s", address):
        raise bad(f"inline keyboard button URL '{address}' is invalid: Wrong HTTP URL")


def same(one: Json | None, other: Json | None) -> bool:
    """Two keyboards that look and act alike."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
