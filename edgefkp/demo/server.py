"""A small web server for one person's pages, on the standard library alone, so that a board needs nothing more.

A thread serves each connection: viewers of a stream wait for frames on their own, and none holds up another. It listens
on loopback, or on any other address with a token.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from edgefkp.demo.answers import Get, Post, Upload
from edgefkp.demo.connections import LimitedServer
from edgefkp.demo.handler import Handler
from edgefkp.errors import EdgefkpError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Server:
    """Serves pages until it is closed.

    gets: by the prefix of a path. post: carries out the command of a path, False for an unknown one. uploads: by the
    prefix of a path; requests with a body are taken there alone.
    Raises EdgefkpError for a port that is taken or a certificate that cannot be read.
    """

    def __init__(
        self,
        gets: dict[str, Get],
        post: Post,
        host: str = "127.0.0.1",
        port: int = 8000,
        tls: tuple[Path, Path] | None = None,
        uploads: dict[str, Upload] | None = None,
    ) -> None:
        # Every request must carry it, on any address but loopback.
        self.token = None if host in LOOPBACK else secrets.token_urlsafe(16)
        self._host = host
        self._tls = _tls_of(*tls) if tls else None
        handler = type("Handler", (Handler,), {"app": self})
        self.gets, self.post, self.uploads = gets, post, uploads or {}
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
