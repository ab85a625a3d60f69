"""A small web server for one person's pages, on the standard library alone, so that a board needs nothing more.

A thread serves each connection: viewers of a stream wait for frames on their own, and none holds up another. It listens
on loopback, or on any other address with a token.
"""

import base64
import hashlib
import hmac
import io
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from edgefkp.demo.connections import PATIENCE, Incoming, LimitedServer
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "edgefkp_token"
# Other sites cannot send this header without permission, which they do not get: their pages cannot press our buttons.
OWN_HEADER = "X-Edgefkp"
BOUNDARY = "frame"
# Of every answer: no other site may show our pages in its own, or read or embed the image.
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What a path returns."""

    body: bytes | Iterator[bytes]  # the whole content, or the JPEG images of a stream
    kind: str = "application/octet-stream"
    status: HTTPStatus = HTTPStatus.OK


def text(content: str, kind: str = "text/html; charset=utf-8") -> Answer:
    return Answer(content.encode(), kind)


def as_json(value: Any) -> Answer:
    return Answer(json_text(value, indent=None).encode(), "application/json")


def policy(page: bytes) -> str:
    """The Content-Security-Policy of a page: its own scripts and ours, and nothing from elsewhere."""
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page))
    scripts = " ".join(["'self'", "'wasm-unsafe-eval'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def refusal(status: HTTPStatus, message: str) -> Answer:
    return Answer(f"{status.value} {message}\n".encode(), "text/plain; charset=utf-8", status)


# The rest of the path, after the prefix -> the answer; None: nothing there.
Get = Callable[[str], Answer | None]
Post = Callable[[str], bool]


class Server:
    """Serves pages until it is closed.

    gets: by the prefix of a path. post: carries out the command of a path, False for an unknown one.
    Raises EdgefkpError for a port that is taken or a certificate that cannot be read.
    """

    def __init__(
        self,
        gets: dict[str, Get],
        post: Post,
        host: str = "127.0.0.1",
        port: int = 8000,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        # Every request must carry it, on any address but loopback.
        self.token = None if host in LOOPBACK else secrets.token_urlsafe(16)
        self._host = host
        self._tls = _tls_of(*tls) if tls else None
        handler = type("Handler", (_Handler,), {"app": self})
        self.gets, self.post = gets, post
        self.closing = threading.Event()
        try:
            self._server = LimitedServer((host, port), handler, self._tls)
        except (OSError, OverflowError) as error:
            raise EdgefkpError(
                f"cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}",
                "choose another one: --port 8001",
            ) from error
        threading.Thread(target=self._server.serve_forever, name="edgefkp-web", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """To open in a browser, with the token if there is one."""
        host = _own_address() if self._host in ("0.0.0.0", "::", "") else self._host
        shown = f"[{host}]" if ":" in host else host
        query = "?" + urlencode({"token": self.token}) if self.token else ""
        return f"{'https' if self._tls else 'http'}://{shown}:{self.port}/{query}"

    def knows_host(self, header: str | None) -> bool:
        """On loopback, only its own names: else a foreign site could point its own name here (DNS rebinding)."""
        if self.token:
            return True
        try:
            name = urlsplit(f"//{header or ''}")
        except ValueError:
            return False
        return name.hostname in LOOPBACK and name.username is None

    def knows_origin(self, origin: str | None, host: str | None) -> bool:
        """A browser's request comes from one of our pages; programs send no origin."""
        return origin is None or origin == f"{'https' if self.secure else 'http'}://{host}"

    @property
    def secure(self) -> bool:
        return self._tls is not None

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    app: Server
    protocol_version = "HTTP/1.1"
    server_version = "edgefkp"
    sys_version = ""
    timeout = PATIENCE
    _policy = ""  # of the page that is sent

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._incoming = Incoming(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        self._incoming.deadline = time.monotonic() + PATIENCE
        super().handle_one_request()

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        self.connection.settimeout(PATIENCE)
        # No request of ours carries a body; an unread one would be taken for the next request.
        if parsed and (self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers):
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
        if self.headers.get(OWN_HEADER) is None:
            self._send(refusal(HTTPStatus.FORBIDDEN, f"the header {OWN_HEADER} is missing"))
        elif not self.app.knows_origin(self.headers.get("Origin"), self.headers.get("Host")):
            self._send(refusal(HTTPStatus.FORBIDDEN, "commands come from this server's own pages"))
        elif self.app.post(urlsplit(self.path).path):
            self._send(as_json({"done": True}))
        else:
            self._send(refusal(HTTPStatus.NOT_FOUND, "no such command"))

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
        self.send_response(answer.status)
        if self.close_connection or not isinstance(answer.body, bytes):
            self.send_header("Connection", "close")
        if isinstance(answer.body, bytes):
            self.send_header("Content-Type", answer.kind)
            self._policy = policy(answer.body) if answer.kind.startswith("text/html") else ""
            self.send_header("Content-Length", str(len(answer.body)))
        else:
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(answer.body, bytes):
            self.wfile.write(answer.body)
            return
        for jpeg in answer.body:
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

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


def _tls_of(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise EdgefkpError(
            f"{certificate} and {key} cannot be used for TLS: {error.strerror or error}",
            "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=edgefkp -keyout key.pem -out cert.pem",
        ) from error
    return context


def _own_address() -> str:
    """The address that other machines on the network reach; no packet is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
