"""The routes of pictures: the gallery, bytes, keeping, deleting, and uploads to start from."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse

from bot.on_web.refusals import DOCUMENTED, documented
from bot.on_web.schemas import GalleryOut, RequestOut, SourceOut
from bot.on_web.views import shown_out
from bot.on_web.visit import Here, PageSize, Search
from engine import metadata

router = APIRouter(prefix="/api", tags=["pictures"], responses=DOCUMENTED)

UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "The bytes of the picture."}
}


WEBP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}}, "description": "The bytes of the small picture."}
}


@router.get("/pictures")
async def gallery(
    visit: Here,
    search: Search = None,
    pinned: Annotated[bool, Query(description="Only those that are kept.")] = False,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: PageSize = 40,
) -> GalleryOut:
    """Your pictures, newest first; with `search`, those whose prompt has these words."""
    found = await visit.studio.pictures(
        visit.asker, search=search, before=before, limit=limit + 1, pinned=pinned
    )
    pictures = [shown_out(visit, shown) for shown in found[:limit]]
    return GalleryOut(pictures=pictures, more=len(found) > limit)


@router.get("/pictures/{picture}", response_class=FileResponse, responses=PNG)
async def look(
    visit: Here,
    picture: str,
    download: Annotated[bool, Query(description="Send it as a file to keep.")] = False,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A picture of yours, as PNG. The request that paints it again stands in its metadata."""
    row, path = await visit.studio.picture(visit.asker, picture)
    name = f"atelier-{row.id}.png" if download else None
    return _kept(path, "image/png", row.sha256, if_none_match, name)


@router.get("/pictures/{picture}/thumbnail", response_class=FileResponse, responses=WEBP)
async def thumbnail(
    visit: Here, picture: str, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """A small WebP of a picture of yours, at most 384 pixels a side."""
    row, path = await visit.studio.thumbnail(visit.asker, picture)
    return _kept(path, "image/webp", f"{row.sha256}.small", if_none_match)


@router.put("/pictures/{picture}/pin", status_code=204, responses=documented(409))
async def pin(visit: Here, picture: str) -> None:
    """Keep a picture of yours: it goes last when room is needed."""
    await visit.studio.pin(visit.asker, picture, True)


@router.delete("/pictures/{picture}/pin", status_code=204)
async def unpin(visit: Here, picture: str) -> None:
    """Let a picture go that was kept; it stays until its time is over."""
    await visit.studio.pin(visit.asker, picture, False)


@router.delete("/pictures/{picture}", status_code=204)
async def delete(visit: Here, picture: str) -> None:
    """Delete a picture of yours, for good. What it cost stays."""
    await visit.studio.delete_picture(visit.asker, picture)


@router.post("/sources", status_code=201, openapi_extra=UPLOAD, responses=documented(413, 507))
async def upload(visit: Here, request: Request) -> SourceOut:
    """Upload a picture to start from: the body is the file itself (PNG, JPEG or WebP).

    If it says how it was made, as those painted here do, the answer has that as `request`.
    """
    body = await request.body()
    source = await visit.studio.upload(visit.asker, body)
    ask = await asyncio.to_thread(metadata.read, body)
    return SourceOut(source=source, request=None if ask is None else RequestOut.of(ask))


def _kept(
    path: Path, media_type: str, mark: str, known: str | None, filename: str | None = None
) -> Response:
    """A file that never changes: whoever has it need not fetch it again; it is theirs alone."""
    headers = {
        "ETag": f'"{mark}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Vary": "Cookie",
    }
    if known and f'"{mark}"' in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=media_type, filename=filename, headers=headers)
