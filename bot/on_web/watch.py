"""The routes that machines look at: is it ready for work, and what a monitoring system measures."""

import hmac

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.on_web.proxies import parsed
from bot.on_web.visit import web_of
from engine.thread import EngineState

router = APIRouter(include_in_schema=False)

FORWARDED = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
"""What a proxy says of itself, each in its own way."""

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/readyz")
@router.head("/readyz")
async def ready(request: Request) -> Response:
    """200 when a request would be painted now, 503 while it would have to wait or be refused."""
    web = web_of(request)
    facts = {
        "engine": web.engine_state() is EngineState.ready,
        "disk": not web.studio.disk_full,
        "open": not web.streams.closing.is_set(),  # not on its way out
    }
    well = all(facts.values())
    return JSONResponse({"ready": well, **facts}, 200 if well else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus' text format; for this machine alone, or for whoever brings the token."""
    web = web_of(request)
    if web.metrics is None:
        return PlainTextResponse("nothing is measured here\n", 404)
    if not _may_read(request, web.metrics_token):
        return PlainTextResponse("ATELIER_METRICS_TOKEN opens this from elsewhere\n", 403)
    return Response(await web.metrics(), media_type=TEXT)


def _may_read(request: Request, token: str | None) -> bool:
    if token is not None:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    address = parsed(request.client.host) if request.client else None
    # Through a proxy that we were not told of, the whole world seems to be this machine.
    through = FORWARDED & set(request.headers.keys())
    return address is not None and address.is_loopback and not through
