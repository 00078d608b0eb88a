"""Owns the addresses at which a whole picture can be fetched by whoever was given the address.

A picture's id grants nothing; what stands behind it here is a signature that only we can make.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from storage.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from storage.pictures import Pictures

CALLED = "/whole/"
"""The path on the page below which such addresses lie."""


class Links:
    """Makes addresses and opens them; without the page's public address there are none."""

    def __init__(self, *, base: str | None, secret: bytes, pictures: Pictures) -> None:
        self._base = None if base is None else base.rstrip("/")
        self._key = hashlib.sha256(b"whole pictures:" + secret).digest()
        self._pictures = pictures

    def to(self, picture_id: str) -> str | None:
        """The address of the whole picture; None if the page cannot be reached from outside."""
        return None if self._base is None else f"{self._base}{self.path(picture_id)}"

    def path(self, picture_id: str) -> str:
        """The same without the server's name, for somebody who knows under which they came."""
        return f"{CALLED}{picture_id}/{self._signature(picture_id)}"

    async def open(self, picture_id: str, signature: str) -> Path:
        """The file behind an address of ours. Raises `NotFound`, also once it is deleted."""
        made = self._signature(picture_id).encode()
        if not hmac.compare_digest(made, signature.encode("utf-8", "replace")):
            raise NotFound("picture")
        return self._pictures.path(await self._pictures.get(picture_id))

    def _signature(self, picture_id: str) -> str:
        made = hmac.digest(self._key, picture_id.encode("utf-8", "replace"), "sha256")[:18]
        return base64.urlsafe_b64encode(made).decode()
