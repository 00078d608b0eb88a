"""MarkdownV2 as Telegram reads it: every mark that is not meant must be escaped."""

from __future__ import annotations

import re

from tests.loopback_telegram.errors import ApiError, Json, bad
from tests.loopback_telegram.utf16 import units

RESERVED = set("_*[]()~`>#+-=|{}.!")
SPANS = {
    "__": "underline",
    "||": "spoiler",
    "_": "italic",
    "*": "bold",
    "~": "strikethrough",
}
_LANGUAGE = re.compile(r"[^\s`]*(?=\n)")


def parse_markdown(text: str) -> tuple[str, list[Json]]:
    """The plain text and its entities."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._plain: list[str] = []
        self._length = 0
        self._open: list[tuple[str, Json, int]] = []  # mark, entity, its first unit
        self._found: list[Json] = []

    def read(self) -> tuple[str, list[Json]]:
        while self._at < len(self._text):
            self._step()
        self._end_quote()
        if self._open:
            kind = self._open[-1][1]["type"]
            raise _unparsed(f"Can't find end of {kind.title()} entity", self._text, len(self._text))
        self._found.sort(key=lambda e: (e["offset"], -e["length"]))
        return "".join(self._plain), self._found

    def _step(self) -> None:
        text, at = self._text, self._at
        character = text[at]
        if character == "\\" and at + 1 < len(text) and 0 < ord(text[at + 1]) < 127:
            self._put(text[at + 1], 2)
        elif self._top in ("`", "```"):
            if text.startswith(self._top, at):
                self._close(len(self._top))
            elif character == "`":
                raise _unparsed("Character '`' must be escaped inside code", text, at)
            else:
                self._put(character)
        elif character == "\n":
            self._end_quote()
            self._put(character)
        elif character not in RESERVED:
            self._put(character)
        else:
            self._mark(character)

    def _mark(self, character: str) -> None:
        text, at = self._text, self._at
        mark = text[at : at + 2] if text[at : at + 2] in SPANS else character
        if self._top == mark and mark in SPANS:
            self._close(len(mark))
        elif self._top == "__" and character == "_":
            self._close(2) if text.startswith("__", at) else self._begin("_", "italic", 1)
        elif mark in SPANS:
            self._begin(mark, SPANS[mark], len(mark))
        elif text.startswith("```", at):
            self._begin("```", "pre", 3)
            if language := _LANGUAGE.match(text, self._at):
                if language[0]:
                    self._open[-1][1]["language"] = language[0]
                self._at = language.end() + 1
        elif character == "`":
            self._begin("`", "code", 1)
        elif character == "[":
            self._begin("[", "text_link", 1)
        elif text.startswith("![", at):
            self._begin("[", "custom_emoji", 2)
        elif character == "]" and self._top == "[":
            self._link()
        elif character == ">" and (not self._plain or self._plain[-1] == "\n"):
            self._begin(">", "blockquote", 1)
        else:
            raise _unparsed(
                f"Character '{character}' is reserved and must be escaped with the preceding '\\'",
                text,
                at,
            )

    def _link(self) -> None:
        address = re.compile(r"\]\(((?:\\.|[^)\\])*)\)").match(self._text, self._at)
        if address is None:
            raise _unparsed("Can't find end of a URL", self._text, self._at)
        self._open[-1][1]["url"] = re.sub(r"\\(.)", r"\1", address[1])
        self._close(address.end() - self._at)

    @property
    def _top(self) -> str | None:
        return self._open[-1][0] if self._open else None

    def _begin(self, mark: str, kind: str, width: int) -> None:
        if any(mark == opened for opened, _, _ in self._open):
            raise _unparsed(f"{kind.title()} inside {kind.title()}", self._text, self._at)
        self._open.append((mark, {"type": kind}, self._length))
        self._at += width

    def _close(self, width: int) -> None:
        _, entity, offset = self._open.pop()
        if self._length > offset:
            self._found.append(entity | {"offset": offset, "length": self._length - offset})
        self._at += width

    def _end_quote(self) -> None:
        if self._top == ">":
            self._close(0)

    def _put(self, character: str, width: int = 1) -> None:
        self._plain.append(character)
        self._length += units(character)
        self._at += width


def _unparsed(why: str, text: str, at: int) -> ApiError:
    return bad(f"can't parse entities: {why} at byte offset {len(text[:at].encode())}")
