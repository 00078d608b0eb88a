"""Owns what a public id looks like: 12 random characters, easy to read out; it grants nothing."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o or u to be misread."""

LENGTH = 12


def random_id() -> str:
    """A new id; 60 random bits do not meet twice in the life of one machine."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
