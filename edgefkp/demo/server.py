"""A small web server for one person's pages, on the standard library alone, so that a board needs nothing more.

A thread serves each connection: viewers of a stream wait for frames on their own, and none holds up another. It listens
on loopback, or on any other address with a token.
"""

import hmac
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PATIENCE = 10.0  # seconds that a viewer may take to read a frame, or to send a request
COOKIE = "edgefkp_token"
# Other sites cannot send this header without permission, which they do not get: their pages cannot press our buttons.
OWN_HEADER = "X-Edgefkp"
BOUNDARY = "frame"


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
            self._server = _ThreadingServer((host, port), handler, self._tls)
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
        name = urlsplit(f"//{header or ''}").hostname
        return name in LOOPBACK

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _ThreadingServer(ThreadingHTTPServer):
    daemon_threads = True
    # A port that another server holds is an error, not a second listener; after a restart it is free at once.
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: Any, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # The parent looks up the host's name, which can take seconds without a network.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here and not where it is accepted: a slow handshake holds up its own thread alone.
        request.settimeout(PATIENCE)
        if self._tls:
            request = self._tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a viewer that went away, or spoke no TLS


class _Handler(BaseHTTPRequestHandler):
    app: Server
    protocol_version = "HTTP/1.1"
    server_version = "edgefkp"
    sys_version = ""
    timeout = PATIENCE

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
        # No command carries a body; an unread one would be taken for the next request.
        self.close_connection = True
        if self.headers.get(OWN_HEADER) is None:
            self._send(refusal(HTTPStatus.FORBIDDEN, f"the header {OWN_HEADER} is missing"))
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
            self.send_header("Set-Cookie", f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict")
            self.send_header("Location", parts.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        if hmac.compare_digest(_cookie(self.headers.get("Cookie", "")).encode(), token.encode()):
            return True
        self._send(refusal(HTTPStatus.UNAUTHORIZED, "open the address with the token that edgefkp demo printed"))
        return False

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if isinstance(answer.body, bytes):
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
        else:
            self.close_connection = True
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
