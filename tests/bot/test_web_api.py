"""The HTTP API: what is asked and answered, who may see what, what is refused and how."""

from __future__ import annotations

from pathlib import Path

from tests.bot.web_parts import open_web


async def test_a_prompt_becomes_a_picture(tmp_path: Path) -> None:
    """202 with id, state, position and estimate; then the events; then the bytes."""
    async with open_web(tmp_path) as web, web.visitor() as visitor:
        web.painter.free()
        answer = await visitor.post("/api/jobs", json={"prompt": "a fox"})
        assert answer.status_code == 202, answer.text
        print(answer.json())
        async with visitor.stream("GET", f"/api/jobs/{answer.json()['id']}/events") as stream:
            text = "".join([part async for part in stream.aiter_text()])
        print(text)
