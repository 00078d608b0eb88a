"""Formatted text as Telegram reads it: HTML, MarkdownV2, given entities; offsets in UTF-16."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from tests.loopback_telegram.errors import ApiError, Json, bad
from tests.loopback_telegram.markdown import parse_markdown
from tests.loopback_telegram.utf16 import units

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
KINDS = set(TAGS.values()) | {
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "text_mention",
    "expandable_blockquote",
}
KEYS = {"type", "offset", "length", "url", "user", "language", "custom_emoji_id"}
_CHARACTER = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));?")
_ATTRIBUTE = re.compile(r"""\s+([a-zA-Z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_SEEN = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)"
    r"|(?P<url>https?://[^\s]+)"
    r"|(?P<mention>(?<!\w)@\w{4,32})"
    r"|(?P<hashtag>(?<!\w)#\w+)"
)


def formatted(
    text: str, mode: str | None, given: list[Json] | None = None
) -> tuple[str, list[Json]]:
    """The plain text and its entities; 400 if they cannot be read."""
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise bad("strings must be encoded in UTF-8")
    if mode is not None and mode.lower() == "html":
        plain, entities = parse_html(text)
    elif mode is not None and mode.lower() == "markdownv2":
        plain, entities = parse_markdown(text)
    elif mode:
        raise bad("unsupported parse_mode")
    else:
        plain, entities = text, list(given or ())
        for entity in entities:
            _check(entity, plain)
    return _stripped(plain, entities)


def parse_html(text: str) -> tuple[str, list[Json]]:
    """The few tags that Telegram knows; everything else is refused."""
    plain: list[str] = []
    entities: list[Json] = []
    stack: list[tuple[str, Json, int]] = []
    at, length = 0, 0
    while at < len(text):
        character = text[at]
        if character == "&" and (found := _CHARACTER.match(text, at)):
            character = html.unescape(f"&{found[0].strip('&;')};")
            at = found.end()
        elif character == "<":
            if text.startswith("</", at):
                at = _close(text, at, stack, length, entities)
            else:
                at = _open(text, at, stack, length)
            continue
        else:
            at += 1
        plain.append(character)
        length += units(character)
    if stack:
        raise _unparsed(f'Can\'t find end tag corresponding to start tag "{stack[-1][0]}"')
    entities.sort(key=lambda e: (e["offset"], -e["length"]))
    return "".join(plain), entities


def _open(text: str, at: int, stack: list[tuple[str, Json, int]], offset: int) -> int:
    found = re.compile(r"<([^\s>/]*)").match(text, at)
    assert found is not None
    tag = found[1].lower()
    byte = len(text[:at].encode())
    if tag not in TAGS:
        raise _unparsed(f'Unsupported start tag "{tag}" at byte offset {byte}')
    end = found.end()
    attributes: dict[str, str] = {}
    while attribute := _ATTRIBUTE.match(text, end):
        attributes[attribute[1].lower()] = html.unescape((attribute[2] or "").strip("\"'"))
        end = attribute.end()
    closing = re.compile(r"\s*>").match(text, end)
    if closing is None:
        raise _unparsed(f'Unclosed start tag "{tag}" at byte offset {byte}')
    entity: Json = {"type": TAGS[tag]}
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise _unparsed(f'Tag "span" must have class "tg-spoiler" at byte offset {byte}')
    if tag == "a":
        entity["url"] = attributes.get("href", "")
    if tag == "tg-emoji":
        entity["custom_emoji_id"] = attributes.get("emoji-id", "")
    if tag == "code" and attributes.get("class", "").startswith("language-"):
        entity["language"] = attributes["class"].removeprefix("language-")
    if tag == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    stack.append((tag, entity, offset))
    return closing.end()


def _close(
    text: str,
    at: int,
    stack: list[tuple[str, Json, int]],
    length: int,
    entities: list[Json],
) -> int:
    byte = len(text[:at].encode())
    end = text.find(">", at)
    if end < 0:
        raise _unparsed(f"Unclosed end tag at byte offset {byte}")
    tag = text[at + 2 : end].strip().lower()
    if not stack:
        raise _unparsed(f"Unexpected end tag at byte offset {byte}")
    opened, entity, offset = stack.pop()
    if tag and tag != opened:
        raise _unparsed(
            f'Unmatched end tag at byte offset {byte}, expected "</{opened}>", found "</{tag}>"'
        )
    if length > offset:
        entities.append(entity | {"offset": offset, "length": length - offset})
    return end + 1


def _check(entity: Json, text: str) -> None:
    if unknown := set(entity) - KEYS:
        raise bad(f"can't parse entities: unknown field {min(unknown)!r}")
    kind, offset, length = entity.get("type"), entity.get("offset"), entity.get("length")
    if kind not in KINDS:
        raise bad("can't parse entities: Unsupported type specified")
    if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length <= 0:
        raise bad("can't parse entities: offset and length must be positive")
    if offset + length > units(text):
        raise bad(
            f"entity beginning at UTF-16 offset {offset} ends after the end of the text"
            f" at UTF-16 offset {units(text)}"
        )
    edges = set(_edges(text))
    for edge in (offset, offset + length):
        if edge not in edges:
            raise bad(f"entity beginning at UTF-16 offset {offset} splits a UTF-16 symbol")


def _edges(text: str) -> Iterator[int]:
    at = 0
    yield at
    for character in text:
        at += units(character)
        yield at


def _stripped(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Telegram keeps no white space at either end, and its entities follow."""
    cut = units(text) - units(text.lstrip())
    kept = text.strip()
    end = units(kept)
    moved = []
    for entity in entities:
        first = max(entity["offset"] - cut, 0)
        last = min(entity["offset"] - cut + entity["length"], end)
        if last > first:
            moved.append(entity | {"offset": first, "length": last - first})
    return kept, moved


def seen(text: str) -> list[Json]:
    """Commands, mentions, addresses and hashtags that clients find by themselves."""
    return [
        {
            "type": found.lastgroup,
            "offset": units(text[: found.start()]),
            "length": units(found[0]),
        }
        for found in _SEEN.finditer(text)
    ]


def _unparsed(why: str) -> ApiError:
    return bad(f"can't parse entities: {why}")
