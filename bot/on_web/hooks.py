"""The route that a chat's servers call with news, where that was chosen instead of asking them."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from bot.on_web.visit import web_of

CALLED = "/telegram/"
"""Paths below this are called by servers: by any name, without a cookie, with their own secret."""

router = APIRouter(include_in_schema=False)


@router.post(f"{CALLED}{{path}}")
async def news(request: Request) -> Response:
    """Hand an update to the bot, who checks the path and the secret."""
    hook = web_of(request).hook
    if hook is None:
        raise HTTPException(404)
    secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
    status = await hook(request.url.path, secret, await request.body())
    if status == 404:
        raise HTTPException(404)
    return Response(status_code=status)
