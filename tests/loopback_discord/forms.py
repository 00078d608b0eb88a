"""Reading JSON bodies strictly: every field by name, type and length; the rest is 400."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.loopback_discord.errors import form, unknown_field

Check = Callable[[Any, str], None]


def at(where: str, part: object) -> str:
    """The path one step further down."""
    return f"{where}.{part}" if where else str(part)


def text(least: int = 0, most: int | None = None, *, null: bool = False) -> Check:
    """A string of so many characters."""

    def check(value: Any, where: str) -> None:
        if value is None and null:
            return
        if not isinstance(value, str):
            raise form(where, "BASE_TYPE_BAD_TYPE", "Must be a string.")
        if len(value) < least or (most is not None and len(value) > most):
            raise form(
                where, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length."
            )

    return check


def whole(least: int | None = None, most: int | None = None, *, null: bool = False) -> Check:
    """A whole number within bounds."""

    def check(value: Any, where: str) -> None:
        if value is None and null:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            raise form(where, "NUMBER_TYPE_COERCE", f"Value {value!r} is not an int.")
        if least is not None and value < least:
            raise form(where, "NUMBER_TYPE_MIN", f"Must be at least {least}.")
        if most is not None and value > most:
            raise form(where, "NUMBER_TYPE_MAX", f"Must be at most {most}.")

    return check


def number(value: Any, where: str) -> None:
    """Any number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise form(where, "NUMBER_TYPE_COERCE", f"Value {value!r} is not a number.")


def truth(value: Any, where: str) -> None:
    """true or false."""
    if not isinstance(value, bool):
        raise form(where, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


def snowflake(value: Any, where: str) -> None:
    """An id, as a number or a text of digits."""
    if isinstance(value, bool) or not str(value).isdecimal():
        raise form(where, "NUMBER_TYPE_COERCE", f"Value {value!r} is not snowflake.")


def nullable(check: Check) -> Check:
    """The same, or null."""
    return lambda value, where: None if value is None else check(value, where)


def anything(value: Any, where: str) -> None:
    """No rule here: somebody else looks at it."""


def one_of(*allowed: object, null: bool = False) -> Check:
    """One of these values."""

    def check(value: Any, where: str) -> None:
        if value is None and null:
            return
        if value not in allowed or isinstance(value, bool):
            raise form(where, "BASE_TYPE_CHOICES", f"Value must be one of {allowed}.")

    return check


def items(each: Check, least: int = 0, most: int | None = None, *, null: bool = False) -> Check:
    """A list whose every element passes `each`."""

    def check(value: Any, where: str) -> None:
        if value is None and null:
            return
        if not isinstance(value, list):
            raise form(where, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
        if len(value) < least or (most is not None and len(value) > most):
            raise form(
                where, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length."
            )
        for index, element in enumerate(value):
            each(element, at(where, index))

    return check


def fields(
    known: Mapping[str, Check], *, required: tuple[str, ...] = (), null: bool = False
) -> Check:
    """An object with these fields and no others."""

    def check(value: Any, where: str) -> None:
        if value is None and null:
            return
        if not isinstance(value, dict):
            raise form(where, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType.")
        for name in required:
            if name not in value:
                raise form(at(where, name), "BASE_TYPE_REQUIRED", "This field is required")
        for name, content in value.items():
            if name not in known:
                raise unknown_field(at(where, name))
            known[name](content, at(where, name))

    return check


def flags(*bits: int) -> Check:
    """A sum of these bits and no others."""

    def check(value: Any, where: str) -> None:
        whole(0)(value, where)
        if value & ~sum(bits):
            raise form(where, "BITFIELD_ANY_FLAGS", f"Only {bits} may be set, not {value}.")

    return check
