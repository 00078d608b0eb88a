"""The routes of pictures: their bytes, deleting them, and uploads to start from."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse

from bot.on_web.refusals import DOCUMENTED
from bot.on_web.schemas import SourceOut
from bot.on_web.visit import Here

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


@router.get("/pictures/{picture}", response_class=FileResponse, responses=PNG)
async def look(
    visit: Here,
    picture: str,
    download: Annotated[bool, Query(description="Send it as a file to keep.")] = False,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A picture of yours, as PNG. The request that paints it again stands in its metadata."""
    row, path = await visit.studio.picture(visit.asker, picture)
    headers = {
        "ETag": f'"{row.sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Vary": "Cookie",
    }
    if if_none_match and row.sha256 in if_none_match:
        return Response(status_code=304, headers=headers)
    name = f"atelier-{row.id}.png" if download else None
    return FileResponse(path, media_type="image/png", filename=name, headers=headers)


@router.delete("/pictures/{picture}", status_code=204)
async def delete(visit: Here, picture: str) -> None:
    """Delete a picture of yours, for good. What it cost stays."""
    await visit.studio.delete_picture(visit.asker, picture)


@router.post("/sources", status_code=201, openapi_extra=UPLOAD)
async def upload(visit: Here, request: Request) -> SourceOut:
    """Upload a picture to start from: the body is the file itself (PNG, JPEG or WebP)."""
    return SourceOut(source=await visit.studio.upload(visit.asker, await request.body()))
