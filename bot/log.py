"""How the log looks: structlog for everybody, on the console or as JSON, with secrets hidden."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO
from urllib.parse import quote

import structlog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "•••"


def set_up(
    style: Literal["console", "json"],
    *,
    secrets: Sequence[str] = (),
    stream: TextIO | None = None,
    level: int = logging.INFO,
) -> None:
    """Send structlog and the standard `logging` of the libraries to one place, in one form.

    `job` and `person` bound with `structlog.contextvars` stand in every line. No line contains one
    of `secrets`, whoever wrote it; nor as it stands in an address, with its signs escaped.
    """
    stream = stream or sys.stderr
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor]
    if style == "json":
        last = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        plain = structlog.dev.plain_traceback  # the default shows the variables, tokens among them
        last = [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=first,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *last,
            _hiding({form for each in secrets if each for form in (each, quote(each, safe=""))}),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("httpx", "httpcore"):  # they write every address, and some contain a token
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *first,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _hiding(secrets: Collection[str]) -> Any:
    def hide(logger: WrappedLogger, name: str, line: str | EventDict) -> str:
        text = str(line)
        for secret in secrets:
            text = text.replace(secret, HIDDEN)
        return text

    return hide
