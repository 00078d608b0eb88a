"""The route to a whole picture, for whoever was given its address in a chat."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse
from starlette.responses import Response

from bot.desk.links import CALLED
from bot.on_web.visit import web_of

router = APIRouter(include_in_schema=False)


@router.get(f"{CALLED}{{picture}}/{{signature}}")
async def whole(request: Request, picture: str, signature: str) -> Response:
    """The file as it was painted; its address is the permission."""
    links = web_of(request).links
    if links is None:
        raise HTTPException(404)
    path = await links.open(picture, signature)
    headers = {"Cache-Control": "private, max-age=86400", "X-Robots-Tag": "noindex"}
    return FileResponse(
        path,
        filename=f"atelier-{picture}{path.suffix}",
        headers=headers,
        content_disposition_type="inline",
    )
