"""Owns what goes back to programs that speak OpenAI's images API: all at once, or as it comes."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from bot.on_api import shapes
from bot.on_api.asking import finished
from bot.on_api.errors import Unserved
from bot.on_api.openai_forms import ImageOut, ImagesOut
from bot.on_api.pictures import address_of, in_form, read_all, small_png, to_base64
from bot.on_web.schemas import RefusedOut
from storage.picture import Veil

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from bot.on_api.asking import Painted, Taken
    from bot.on_api.calling import Call
    from bot.on_api.openai_forms import WishIn
    from bot.on_api.waiting import Ongoing

MOST_PARTIAL = 3
"""So many unfinished pictures that API sends at most."""
KEEP_ALIVE_S = 15.0


async def answer(call: Call, wish: WishIn, taken: Taken) -> Response:
    """All pictures at the end. Raises `Unserved`."""
    painted = await finished(call, taken)
    images = await _images(call, wish, painted)
    paint = painted.view.job.paint
    width, height = paint.final_size
    out = ImagesOut(
        created=round(painted.view.job.finished_at or time.time()),
        data=images,
        size=f"{width}x{height}",
        output_format=wish.form.value,
    )
    body = await asyncio.to_thread(out.model_dump_json)
    return Response(body, media_type="application/json", headers=taken.headers)


async def _images(call: Call, wish: WishIn, painted: Painted) -> list[ImageOut]:
    """What was asked for of the bytes and the addresses; both, where nothing was."""
    paint = painted.view.job.paint
    revised = paint.prompt if paint.prompt != wish.prompt else None
    images = []
    for row, png in await read_all(call, painted.view):
        url = data = None
        if wish.response_format != "b64_json" and wish.form.value == "png":
            url = address_of(call, row.id)
        if wish.response_format != "url" or url is None:
            file = await asyncio.to_thread(in_form, png, wish.form, wish.quality_of_form)
            data = to_base64(file)
        veiled = row.veil is not Veil.OPEN
        images.append(ImageOut(b64_json=data, url=url, revised_prompt=revised, veiled=veiled))
    return images


class ImageStream(Response):
    """The same as events: some unfinished pictures, then each finished one, or why not."""

    media_type = "text/event-stream"

    def __init__(self, call: Call, wish: WishIn, taken: Taken, event: str) -> None:
        more = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(headers={**taken.headers, **more})
        del self.headers["content-length"]
        self._call = call
        self._wish = wish
        self._taken = taken
        self._event = event
        self._wanted = max(0, min(wish.partial_images or 0, MOST_PARTIAL))
        self._sent = 0
        self._newest: Ongoing | None = None
        self._news = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(name: str, facts: dict[str, Any]) -> None:
            text = f"event: {name}\ndata: {json.dumps(facts)}\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        waiting = asyncio.create_task(finished(self._call, self._taken, self._hear))
        try:
            while not waiting.done():
                await self._partial(say, waiting, send)
            for facts in await self._completed(waiting.result()):
                await say(facts["type"], facts)
        except Unserved as error:
            if error.code != "hung_up":
                await say("error", self._refusal(error))
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _hear(self, news: Ongoing) -> None:
        self._newest = news
        self._news.set()

    async def _partial(self, say: Any, waiting: asyncio.Task[Painted], send: Send) -> None:
        """Wait for news, and send the picture as it is, if it has come far enough."""
        hearing = asyncio.create_task(self._news.wait())
        try:
            ends = {hearing, waiting}
            done, _ = await asyncio.wait(
                ends, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            hearing.cancel()
        if not done:
            await send({"type": "http.response.body", "body": b": here\n\n", "more_body": True})
        self._news.clear()
        news = self._newest
        if waiting.done() or news is None or news.progress is None or news.preview is None:
            return
        due = self._sent < self._wanted
        if due and news.progress.share >= (self._sent + 1) / (self._wanted + 1):
            data = await asyncio.to_thread(small_png, news.preview)
            index, self._sent = self._sent, self._sent + 1
            facts = self._facts("partial_image", data, "png")
            await say(facts["type"], {**facts, "partial_image_index": index})

    async def _completed(self, painted: Painted) -> list[dict[str, Any]]:
        found = []
        for _, png in await read_all(self._call, painted.view):
            form = self._wish.form
            data = await asyncio.to_thread(in_form, png, form, self._wish.quality_of_form)
            found.append({**self._facts("completed", data, form.value), "usage": None})
        return found

    def _facts(self, name: str, data: bytes, form: str) -> dict[str, Any]:
        width, height = self._taken.ticket.job.paint.final_size
        return {
            "type": f"{self._event}.{name}",
            "b64_json": to_base64(data),
            "created_at": round(time.time()),
            "size": f"{width}x{height}",
            "quality": "auto",
            "background": "opaque",
            "output_format": form,
        }

    def _refusal(self, error: Unserved) -> dict[str, Any]:
        message = self._call.ear.say(f"http.{error.code}", **error.facts)
        out = RefusedOut(code=error.code, message=message)
        shaped = shapes.shaped(shapes.OPENAI, error.status, out)
        assert shaped is not None
        return shaped[1]
