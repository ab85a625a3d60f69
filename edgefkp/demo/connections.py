"""Connections of the web server: limited in number, and in the time that a request may take."""

import contextlib
import io
import socket
import ssl
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

PATIENCE = 10.0  # seconds that a viewer may take to read a frame, or to send a whole request
CONNECTIONS = 128  # at a time; a page in a browser holds two or three


class LimitedServer(ThreadingHTTPServer):
    daemon_threads = True
    # A port that another server holds is an error, not a second listener; after a restart it is free at once.
    allow_reuse_address = True
    request_queue_size = CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: Any, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # The parent looks up the host's name, which can take seconds without a network.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.send(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread is left
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here and not where it is accepted: a slow handshake holds up its own thread alone.
        request.settimeout(PATIENCE)
        if self._tls:
            request = self._tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a viewer that went away, or spoke no TLS


class Incoming(io.RawIOBase):
    """What a connection sends, until the deadline of the request that is read: slow drops do not extend it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return int(self._connection.recv_into(buffer))


class Body(io.RawIOBase):
    """What follows the head of a request, and not a byte more."""

    def __init__(self, stream: Any, length: int) -> None:
        self._stream = stream  # io.BufferedReader
        self.left = length  # bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read1(min(len(buffer), self.left)) if self.left else b""
        self.left -= len(content)
        buffer[: len(content)] = content
        return len(content)
