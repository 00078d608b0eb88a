"""A file server on loopback that speaks ranges, tags and redirects, and fails as it is told."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.loopback_http import Answer, Loopback


@dataclass(slots=True)
class FileServer(Loopback):
    """Serves `files` by path; use it with `with`.

    `cut_after` ends the connection after so many bytes of a body, once for every number in it.
    `hold_after` sends so many bytes and then waits for `release`. `ranges` is whether it resumes.
    `hub` answers as the hub does: a redirect that names the file's sum.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    fail_with: list[int] = field(default_factory=list)
    hold_after: int | None = None
    ranges: bool = True
    hub: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Its root, without a slash at the end."""
        return self.place()

    @property
    def answers(self) -> tuple[Answer, ...]:
        return (self.answer,)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request as planned."""
        wanted = request.headers.get("Range")
        self.asked.append((request.path, wanted))
        if self.fail_with:
            self._empty(request, self.fail_with.pop(0))
            return
        path = request.path.removeprefix("/blob")
        data = self.files.get(path)
        if data is None:
            self._empty(request, 404)
            return
        digest = hashlib.sha256(data).hexdigest()
        if self.hub and path == request.path:
            headers = {"Location": f"/blob{path}", "X-Linked-Etag": f'"{digest}"'}
            self._empty(request, 302, headers)
            return
        self._send(request, data, f'"{digest[:16]}"', wanted)

    def _send(
        self, request: BaseHTTPRequestHandler, data: bytes, tag: str, wanted: str | None
    ) -> None:
        begin = 0
        same = request.headers.get("If-Range") in (None, tag)
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if self.ranges and same and match:
            begin = int(match[1])
            if begin >= len(data):
                self._empty(request, 416, {"Content-Range": f"bytes */{len(data)}"})
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(data) - begin))
        request.send_header("ETag", tag)
        request.end_headers()
        body = data[begin:]
        try:
            if self.cut_after:
                request.wfile.write(body[: self.cut_after.pop(0)])
                request.wfile.flush()
                request.close_connection = True
                return
            if self.hold_after is not None:
                request.wfile.write(body[: self.hold_after])
                request.wfile.flush()
                self.held.set()
                self.release.wait(60)
                body = body[self.hold_after :]
            request.wfile.write(body)
        except OSError:
            return  # whoever asked is gone

    def _empty(
        self, request: BaseHTTPRequestHandler, code: int, headers: dict[str, str] | None = None
    ) -> None:
        request.send_response(code)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()
