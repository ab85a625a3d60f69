import base64
import contextlib
import hashlib
import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from edgefkp.demo.answers import Answer, policy, text
from edgefkp.demo.server import Server
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


@pytest.fixture
def tls(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_tls(serve, tls):
    server = serve(tls=tls)
    assert server.url.startswith("https://")
    # Someone who connects and says nothing holds up no one.
    with socket.create_connection(("127.0.0.1", server.port)):
        context = ssl.create_default_context(cafile=str(tls[0]))
        connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"home"
        connection.close()


def test_over_tls_the_cookie_is_for_tls_only(serve, tls):
    server = serve(host="0.0.0.0", tls=tls)
    context = ssl.create_default_context(cafile=str(tls[0]))
    connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=10)
    connection.request("GET", f"/?token={server.token}")
    assert "; Secure" in connection.getresponse().headers["Set-Cookie"]
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


def raw(server, request, wait=5.0):
    """Everything that the server sends until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        connection.sendall(request)
        got = b""
        try:
            while part := connection.recv(65536):
                got += part
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def test_every_answer_forbids_frames_foreign_scripts_and_foreign_readers(serve):
    server, tokened = serve(), serve(host="0.0.0.0")
    answers = [ask(server, path)[0] for path in ("/", "/files/a", "/nothing")]
    answers += [ask(server, "/do/it", "POST")[0], ask(server, "/", "PUT")[0], ask(server, host="evil.example")[0]]
    answers += [ask(tokened)[0], ask(tokened, f"/?token={tokened.token}")[0]]
    assert {answer.status for answer in answers} == {200, 303, 401, 403, 404, 501}
    for answer in answers:
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")


def test_the_policy_admits_the_pages_own_scripts_by_their_hashes():
    rule = policy(b'<script src="/a.js"></script><script>one</script><script type="importmap">{}</script>')
    for script in (b"one", b"{}"):
        assert base64.b64encode(hashlib.sha256(script).digest()).decode() in rule
    scripts = next(part for part in rule.split("; ") if part.startswith("script-src"))
    assert scripts.count("sha256-") == 2
    assert "unsafe-inline" not in scripts


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/\\/evil.example", "///evil.example"])
def test_the_redirect_stays_on_this_server(serve, path):
    server = serve(host="0.0.0.0")
    answer = raw(server, f"GET {path}?token={server.token} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    location = next(line for line in answer.decode().splitlines() if line.startswith("Location"))
    assert location.split(" ")[1][:2] not in ("//", "/\\")
    assert location.split(" ")[1].startswith("/")


def test_commands_of_foreign_pages_are_refused(serve, commands):
    server = serve()
    own = f"http://127.0.0.1:{server.port}"
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{server.port}", "http://127.0.0.1:1"):
        assert ask(server, "/do/it", "POST", {"X-Edgefkp": "1", "Origin": origin})[0].status == 403
    assert commands == []
    assert ask(server, "/do/it", "POST", {"X-Edgefkp": "1", "Origin": own})[0].status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("length", ["Content-Length: {}", "Transfer-Encoding: chunked", "Content-Length: x"])
def test_a_body_is_not_taken_for_a_second_request(serve, commands, method, length):
    server = serve()
    inner = b"POST /do/it HTTP/1.1\r\nHost: localhost\r\nX-Edgefkp: 1\r\n\r\n"
    head = f"{method} / HTTP/1.1\r\nHost: localhost\r\n{length.format(len(inner))}\r\n\r\n".encode()
    answer = raw(server, head + inner)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert commands == []


def test_a_host_with_a_users_name_is_refused(serve):
    assert ask(serve(), host="evil.example@localhost")[0].status == 403


def test_a_slow_request_ends_though_it_never_pauses_for_long(serve, monkeypatch):
    monkeypatch.setattr("edgefkp.demo.handler.PATIENCE", 0.5)
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(600):
                connection.sendall(b"x")
                time.sleep(0.05)
            pytest.fail("the server still listens")
    assert ask(server)[1] == b"home"


def test_connections_are_limited_and_come_free_again(serve, monkeypatch):
    monkeypatch.setattr("edgefkp.demo.connections.CONNECTIONS", 4)
    server = serve()
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    for connection in held:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(10)
    assert raw(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 503")
    for connection in held:
        connection.close()
    deadline = time.monotonic() + 30
    while not raw(server, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").endswith(b"home"):
        assert time.monotonic() < deadline


def test_a_hundred_connections_at_once_are_all_taken(serve):
    server = serve()
    many = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(100)]
    for connection in many:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in many)
    for connection in many:
        connection.close()
