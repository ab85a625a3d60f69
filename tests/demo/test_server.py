import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from edgefkp.demo.server import Answer, Server, text
from edgefkp.errors import EdgefkpError


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 100_000


GETS = {
    "/": lambda rest: text("home"),
    "/files/": lambda rest: Answer(b"a") if rest == "a" else None,
    "/stream": lambda rest: Answer(endless()),
}


@pytest.fixture
def commands() -> list[str]:
    return []


@pytest.fixture
def serve(commands):
    servers = []

    def start(**options):
        def post(path: str) -> bool:
            commands.append(path)
            return path == "/do/it"

        server = Server(GETS, post, port=0, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def ask(server, path="/", method="GET", headers=None, host="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers={"Host": f"{host}:{server.port}", **(headers or {})})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_pages_and_what_is_not_there(serve):
    server = serve()
    assert ask(server)[1] == b"home"
    assert ask(server, "/files/a")[1] == b"a"
    assert ask(server, "/?x=1")[0].status == 200
    for path in ("/files/b", "/nothing", "/files/../files/a", "/files/%2e%2e/a"):
        assert ask(server, path)[0].status == 404
    assert ask(server, "/", "HEAD")[1] == b""
    assert ask(server, "/stream", "HEAD")[0].status == 200


def test_loopback_is_the_default_and_asks_for_no_token(serve):
    server = serve()
    assert server.token is None
    assert server.url == f"http://127.0.0.1:{server.port}/"


def test_a_foreign_name_for_this_machine_is_refused(serve):
    server = serve()
    assert ask(server, host="evil.example")[0].status == 403
    assert ask(server, host="localhost")[0].status == 200


def test_commands_need_the_pages_own_header(serve, commands):
    server = serve()
    assert ask(server, "/do/it", "POST")[0].status == 403
    assert commands == []
    assert ask(server, "/do/it", "POST", {"X-Edgefkp": "1"})[0].status == 200
    assert ask(server, "/do/that", "POST", {"X-Edgefkp": "1"})[0].status == 404
    assert commands == ["/do/it", "/do/that"]


def test_on_the_network_everything_needs_the_token(serve, commands):
    server = serve(host="0.0.0.0")
    assert server.token in server.url
    for path in ("/", "/files/a", "/stream", "/?token=wrong", "/?token=", "/?token=%FF"):
        assert ask(server, path)[0].status == 401
    assert ask(server, "/", headers={"Cookie": "edgefkp_token=wrong"})[0].status == 401
    assert ask(server, "/do/it", "POST", {"X-Edgefkp": "1"})[0].status == 401
    assert commands == []
    parts = urlsplit(server.url)
    answer, _ = ask(server, f"{parts.path}?{parts.query}")
    assert answer.status == 303
    assert "token" not in answer.headers["Location"]
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    assert ask(server, "/", headers={"Cookie": cookie})[1] == b"home"


def test_two_servers_have_two_tokens(serve):
    assert serve(host="0.0.0.0").token != serve(host="0.0.0.0").token


def test_a_taken_port_is_said(serve):
    server = serve()
    with pytest.raises(EdgefkpError, match="cannot listen") as raised:
        Server(GETS, lambda path: False, port=server.port)
    assert "--port" in raised.value.hint


def test_silent_and_stalled_connections_hold_up_nobody(serve):
    server = serve()
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    stalled = socket.create_connection(("127.0.0.1", server.port))
    stalled.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and never reads
    assert ask(server)[1] == b"home"
    for connection in [*silent, stalled]:
        connection.close()


@pytest.mark.parametrize("request_line", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x00", b"GET / HTTP/9.9\r\n\r\n"])
def test_nonsense_leaves_the_server_alive(serve, request_line, capfd):
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request_line)
    assert ask(server)[1] == b"home"
    assert capfd.readouterr() == ("", "")


def test_tls(serve, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    server = serve(tls=(certificate, key))
    assert server.url.startswith("https://")
    # Someone who connects and says nothing holds up no one.
    with socket.create_connection(("127.0.0.1", server.port)):
        context = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"home"
        connection.close()


def test_a_certificate_that_is_none(tmp_path):
    wrong = tmp_path / "cert.pem"
    wrong.write_text("no certificate")
    with pytest.raises(EdgefkpError, match="cannot be used for TLS"):
        Server(GETS, lambda path: False, port=0, tls=(wrong, wrong))


def test_closing_ends_in_time(serve):
    server = serve()
    done = threading.Event()
    started = time.monotonic()
    threading.Thread(target=lambda: (server.close(), done.set())).start()
    assert done.wait(10), time.monotonic() - started
    with pytest.raises(OSError, match="refused"):
        ask(server)
