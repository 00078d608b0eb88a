"""A plain HTTP server on loopback, in threads of its own, for whatever answers requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Answer = Callable[[BaseHTTPRequestHandler], None]
LOOKS_EVERY_S = 0.02
"""How often a server looks whether it shall end."""


@dataclass(slots=True, kw_only=True)
class Loopback:
    """One server for each of `answers`, in that order; use it with `with`.

    `release` is set at the end, so that no answer waits for ever.
    """

    release: threading.Event = field(default_factory=threading.Event)
    _servers: list[ThreadingHTTPServer] = field(default_factory=list)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What answers the requests to each server."""
        raise NotImplementedError

    def place(self, number: int = 0) -> str:
        """The root of a server, without a slash at the end."""
        return f"http://127.0.0.1:{self._servers[number].server_address[1]}"

    def __enter__(self) -> Self:
        for answer in self.answers:
            server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer))
            serve = server.serve_forever
            threading.Thread(target=serve, args=(LOOKS_EVERY_S,), daemon=True).start()
            self._servers.append(server)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def do_HEAD(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    return Handler
