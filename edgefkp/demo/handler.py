"""One connection of the web server: who is admitted, which path answers, and how that is sent."""

from __future__ import annotations

import contextlib
import hmac
import io
import os
import threading
import time
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit

from edgefkp.demo.answers import HEADERS, Answer, Get, Post, Upload, as_json, part_of, policy, refusal
from edgefkp.demo.connections import PATIENCE, Body, Incoming

COOKIE = "edgefkp_token"
# Other sites cannot send this header without permission, which they do not get: their pages cannot press our buttons.
OWN_HEADER = "X-Edgefkp"
UPLOAD_BYTES = 64 << 20
UPLOAD_SECONDS = 120.0  # for all of it, on the network
_CHUNK = 1 << 16


class App(Protocol):
    """What the handler needs of its server."""

    token: str | None  # that every request must carry
    gets: dict[str, Get]
    post: Post
    uploads: dict[str, Upload]
    closing: threading.Event

    @property
    def secure(self) -> bool: ...
    def knows_host(self, header: str | None) -> bool: ...
    def knows_origin(self, origin: str | None, host: str | None) -> bool: ...


class Handler(BaseHTTPRequestHandler):
    app: App
    protocol_version = "HTTP/1.1"
    server_version = "edgefkp"
    sys_version = ""
    timeout = PATIENCE
    _policy = ""  # of the page that is sent
    _has_body = False

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._incoming = Incoming(self.connection)
        self._reader = self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        self._incoming.deadline = time.monotonic() + PATIENCE
        super().handle_one_request()

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        self.connection.settimeout(PATIENCE)
        self._has_body = parsed and (
            self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers
        )
        # An unread body would be taken for the next request.
        if self._has_body:
            self.close_connection = True
        return parsed

    def do_GET(self) -> None:
        if not self._admitted():
            return
        path = urlsplit(self.path).path
        for prefix, get in self.app.gets.items():
            if path == prefix or (prefix.endswith("/") and prefix != "/" and path.startswith(prefix)):
                if (answer := get(path[len(prefix) :])) is not None:
                    self._send(answer)
                    return
                break
        self._send(refusal(HTTPStatus.NOT_FOUND, f"nothing at {path}"))

    do_HEAD = do_GET

    def do_POST(self) -> None:
        if not self._admitted():
            return
        path = urlsplit(self.path).path
        if self.headers.get(OWN_HEADER) is None:
            self._send(refusal(HTTPStatus.FORBIDDEN, f"the header {OWN_HEADER} is missing"))
        elif not self.app.knows_origin(self.headers.get("Origin"), self.headers.get("Host")):
            self._send(refusal(HTTPStatus.FORBIDDEN, "commands come from this server's own pages"))
        elif prefix := next((prefix for prefix in self.app.uploads if path.startswith(prefix)), None):
            self._send(self._uploaded(self.app.uploads[prefix], unquote(path[len(prefix) :])))
        elif not self._has_body and self.app.post(path):
            self._send(as_json({"done": True}))
        else:
            self._send(refusal(HTTPStatus.NOT_FOUND, "no such command"))

    def _uploaded(self, upload: Upload, name: str) -> Answer:
        """Hand the body over; what is too long or too slow is refused."""
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or "Transfer-Encoding" in self.headers:
            return refusal(HTTPStatus.LENGTH_REQUIRED, "the upload has no length")
        if not (lengths[0].isascii() and lengths[0].isdigit()):
            return refusal(HTTPStatus.BAD_REQUEST, "the upload's length is no number")
        length = int(lengths[0][:20])  # a longer number is too large anyway
        if length > UPLOAD_BYTES:
            limit = f"the upload has {length >> 20} MB; up to {UPLOAD_BYTES >> 20} MB are taken"
            return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit)
        self._incoming.deadline = time.monotonic() + UPLOAD_SECONDS
        body = Body(self._reader, length)
        answer = upload(name, body, length)
        self._has_body = body.left > 0
        return answer

    def _admitted(self) -> bool:
        if not self.app.knows_host(self.headers.get("Host")):
            self._send(refusal(HTTPStatus.FORBIDDEN, "this page is reached as localhost or 127.0.0.1 only"))
            return False
        token = self.app.token
        if token is None:
            return True
        parts = urlsplit(self.path)
        given = parse_qs(parts.query).get("token", [""])[0]
        if hmac.compare_digest(given.encode(), token.encode()):
            # Out of the address line, so that a screenshot or a shared link does not give it away.
            self.send_response(HTTPStatus.SEE_OTHER)
            secure = "; Secure" if self.app.secure else ""
            self.send_header("Set-Cookie", f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}")
            # A path of this server: browsers take "//" and "/\\" for the start of another one's name.
            self.send_header("Location", "/" + quote(parts.path.lstrip("/"), safe="/%"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        if hmac.compare_digest(_cookie(self.headers.get("Cookie", "")).encode(), token.encode()):
            return True
        self._send(refusal(HTTPStatus.UNAUTHORIZED, "open the address with the token that edgefkp demo printed"))
        return False

    def _send(self, answer: Answer) -> None:
        if isinstance(answer.body, bytes):
            self._policy = policy(answer.body) if answer.kind.startswith("text/html") else ""
            self._head(answer, len(answer.body))
            if self.command != "HEAD":
                self.wfile.write(answer.body)
        elif isinstance(answer.body, Path):
            self._send_file(answer, answer.body)
        else:
            self.close_connection = True
            with contextlib.ExitStack() as closing:
                if close := getattr(answer.body, "close", None):
                    closing.callback(close)
                self._head(answer)
                if self.command != "HEAD":
                    for part in answer.body:
                        self.wfile.write(part)
        if self._has_body:
            self._drain()

    def _send_file(self, answer: Answer, path: Path) -> None:
        try:
            stream = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            self._send(refusal(HTTPStatus.NOT_FOUND, f"{path.name}: {error.strerror}"))
            return
        with stream:
            size = os.fstat(stream.fileno()).st_size
            try:
                part = part_of(self.headers.get("Range"), size)
            except ValueError:
                self._send(refusal(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"{path.name} has {size} bytes"))
                return
            begin, end = part or (0, size)
            headers = {"Accept-Ranges": "bytes"}
            if part:
                headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
            if answer.download:
                headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(os.fsencode(path.name))}"
            self._head(answer, end - begin, HTTPStatus.PARTIAL_CONTENT if part else answer.status, headers)
            stream.seek(begin)
            while self.command != "HEAD" and begin < end and (content := stream.read(min(_CHUNK, end - begin))):
                self.wfile.write(content)
                begin += len(content)

    def _head(
        self,
        answer: Answer,
        length: int | None = None,
        status: HTTPStatus | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status or answer.status)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Type", answer.kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _drain(self) -> None:
        """Read on for a moment: a connection that is closed with unread bytes loses the answer on its way."""
        end = time.monotonic() + 2.0
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                self._incoming.deadline = time.monotonic() + 0.2
                if not self.rfile.read1(_CHUNK):
                    return

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", self._policy or policy(b""))
        self._policy = ""
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass  # requests are no news


def _cookie(header: str) -> str:
    try:
        cookie = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""
