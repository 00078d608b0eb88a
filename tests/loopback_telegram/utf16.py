"""Lengths as Telegram counts them."""

from __future__ import annotations


def units(text: str) -> int:
    """UTF-16 code units: an emoji counts two."""
    return len(text) + sum(ord(character) > 0xFFFF for character in text)
