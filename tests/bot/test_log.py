"""The log: one form for everybody, and no secret in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.log import set_up


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave the process as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_lines_are_json_with_the_job_and_without_secrets() -> None:
    """Ours and those of libraries, tracebacks included."""
    stream = io.StringIO()
    set_up("json", secrets=["hush-hush"], stream=stream)
    with structlog.contextvars.bound_contextvars(job="k3v9"):
        structlog.get_logger("bot").info("painted", seconds=2)
        logging.getLogger("uvicorn").warning("GET /bot%s", "hush-hush")
        try:
            raise ValueError("hush-hush")
        except ValueError:
            structlog.get_logger("bot").exception("failed")
    text = stream.getvalue()
    assert "hush" not in text
    first, second, third = (json.loads(line) for line in text.splitlines())
    assert (first["event"], first["job"], first["seconds"]) == ("painted", "k3v9", 2)
    assert (second["event"], second["level"], second["job"]) == ("GET /bot•••", "warning", "k3v9")
    assert "ValueError" in third["exception"]


def test_the_console_form_is_for_people() -> None:
    """One readable line, uncoloured where nobody looks."""
    stream = io.StringIO()
    set_up("console", stream=stream)
    structlog.get_logger("bot").info("painted", seconds=2)
    assert "painted" in stream.getvalue()
    assert "seconds=2" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_chatty_libraries_are_quiet() -> None:
    """What they say at every request is not for the log."""
    stream = io.StringIO()
    set_up("json", stream=stream)
    logging.getLogger("httpx").info("HTTP Request: GET https://…/bot123:abc")
    assert stream.getvalue() == ""
