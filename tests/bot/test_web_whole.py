"""Whole files by an address that a chat was given."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.bot.test_web_pictures import painted
from tests.bot.web_parts import open_web


async def test_the_address_is_the_permission(tmp_path: Path) -> None:
    """Nobody has to sign in, or is given a cookie; without the signature there is nothing."""
    async with open_web(tmp_path, password="open sesame") as parts, parts.visitor() as ann:
        await ann.post("/sign-in", data={"password": "open sesame"})
        job = await painted(ann)
        picture = str(job["pictures"][0]["id"])
        own = (await ann.get(f"/api/pictures/{picture}")).content
        address = parts.links.to(picture)
        assert address is not None
        path = urlsplit(address).path
        async with httpx.AsyncClient(base_url=parts.url) as stranger:
            found = await stranger.get(path)
            assert found.status_code == 200
            assert found.content == own
            assert found.headers["content-type"] == "image/png"
            assert "set-cookie" not in found.headers
            assert picture in found.headers["content-disposition"]
            wrong = f"{path[:-1]}{'A' if path[-1] != 'A' else 'B'}"
            for refused in (wrong, f"/whole/{picture}/", f"/whole/{picture}/é"):
                assert (await stranger.get(refused)).status_code == 404
            await ann.delete(f"/api/pictures/{picture}")
            assert (await stranger.get(path)).status_code == 404
