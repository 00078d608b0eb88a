"""The log: one form for everybody, and no secret in it."""

from __future__ import annotations

import io
import json
import logging

import structlog

from bot.log import set_up


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


def test_a_secret_in_an_address_is_hidden_as_well() -> None:
    """httpx escapes the colon of a Telegram token when it downloads a file."""
    stream = io.StringIO()
    set_up("json", secrets=["123:abc-DEF"], stream=stream)
    logging.getLogger("library").warning("GET http://api/file/bot123%3Aabc-DEF/photos/1.jpg")
    assert "abc-DEF" not in stream.getvalue()
    assert "bot•••/photos/1.jpg" in stream.getvalue()


def test_the_console_form_is_for_people() -> None:
    """One readable line, uncoloured where nobody looks."""
    stream = io.StringIO()
    set_up("console", stream=stream)
    structlog.get_logger("bot").info("painted", seconds=2)
    assert "painted" in stream.getvalue()
    assert "seconds=2" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_traceback_on_the_console_shows_no_variables() -> None:
    """A long token among them could be wrapped or cut, where nothing would recognise it."""
    stream, token = io.StringIO(), "MTAw" + "abcdefgh" * 12 + ".GhostX." + "q" * 38
    set_up("console", secrets=[token], stream=stream)

    def connect(given: str) -> None:
        raise ConnectionError("no network")

    try:
        connect(token)
    except ConnectionError:
        logging.getLogger("somebody").exception("Failed to connect")
        structlog.get_logger("bot").exception("failed")
    text = stream.getvalue()
    assert text.count("ConnectionError: no network") == 2
    assert "abcdefgh" not in text


def test_chatty_libraries_are_quiet() -> None:
    """What they say at every request is not for the log."""
    stream = io.StringIO()
    set_up("json", stream=stream)
    logging.getLogger("httpx").info("HTTP Request: GET https://…/bot123:abc")
    assert stream.getvalue() == ""
