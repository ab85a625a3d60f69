"""Files that a viewer drops on the page: the good ones are predicted, and the rest costs the demo nothing."""

import http.client
import io
import json
import struct
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefkp.demo import handler, uploaded, uploads
from edgefkp.demo.answers import Answer
from edgefkp.demo.server import Server
from edgefkp.demo.session import Work
from edgefkp.demo.uploads import Uploads
from edgefkp.detect.recorder import VideoRecorder
from tests.discs import TINY

WORK = Work(str(TINY), "whole-image", None, 1, 1, False)


@pytest.fixture
def taking():
    """Uploads whose every image is a face."""
    own = Uploads(lambda: WORK)
    yield own
    own.close()


@pytest.fixture
def png() -> bytes:
    gradient = np.tile(np.arange(96, dtype=np.uint8) * 2, (96, 1))
    return cv2.imencode(".png", np.repeat(gradient[..., None], 3, axis=2))[1].tobytes()


@pytest.fixture
def film(tmp_path) -> bytes:
    recorder = VideoRecorder(tmp_path / "film.avi", 10)
    for number in range(8):
        recorder.write(np.full((96, 96, 3), 20 * number, np.uint8))
    recorder.close()
    return (tmp_path / "film.avi").read_bytes()


def take(own: Uploads, name: str, content: bytes) -> Answer:
    return own.take(name, io.BytesIO(content), len(content))


def said(answer: Answer) -> tuple[int, str]:
    assert isinstance(answer.body, bytes)
    return answer.status, answer.body.decode()


def result_of(own: Uploads, found: dict) -> Path:
    answer = own.result(found["result"].removeprefix("/uploaded/"))
    assert isinstance(answer.body, Path)
    return answer.body


def test_a_photo_is_shown_with_its_points(taking, png):
    answer = take(taking, "../me & you.PNG", png)
    assert answer.status == 200, answer.body
    found = json.loads(answer.body)
    assert (found["kind"], found["faces"], found["size"]) == ("image", 1, [96, 96])
    assert found["file"] == "me___you-points.jpg"
    image = cv2.imread(str(result_of(taking, found)))
    assert image.shape == (96, 96, 3)
    assert (np.ptp(image.astype(int), axis=2) > 60).any()  # colored points on a gray image
    download = taking.result(found["download"].removeprefix("/uploaded/"))
    assert download.download
    assert [path.name for path in result_of(taking, found).parent.iterdir()] == [found["file"]]


def test_a_video_is_shown_with_its_points(taking, film):
    answer = take(taking, "film.avi", film)
    assert answer.status == 200, answer.body
    found = json.loads(answer.body)
    assert (found["kind"], found["frames"], found["rest"]) == ("video", 8, "")
    capture = cv2.VideoCapture(str(result_of(taking, found)))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 8


def test_of_a_long_video_the_beginning_is_shown(film, tmp_path, monkeypatch):
    monkeypatch.setattr(uploaded, "VIDEO_SECONDS", 0.35)
    (tmp_path / "given.avi").write_bytes(film)
    out = tmp_path / "out.webm"
    found = uploaded.predict_upload(str(tmp_path / "given.avi"), str(out), False, [*WORK])
    assert (found["frames"], found["rest"]) == (4, "only the first 0 s of it")
    assert out.exists()


def promising(width: int, height: int) -> bytes:
    """A PNG whose header alone is there."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("notes.txt", b"x", 415),
        ("", b"x", 415),
        ("photo.jpg", b"", 422),
        ("photo.jpg", b"GIF89a nonsense", 422),
        ("photo.png", promising(60_000, 60_000), 422),
        ("photo.png", promising(9_000, 9_000), 422),
        ("film.mp4", b"\0" * 5000, 422),
        ("film.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", 422),
        ("film.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", 422),
        ("film.avi", b"RIFF\x10\0\0\0AVI LIST", 422),
        ("film.mkv", b"\x1aE\xdf\xa3" + bytes(range(256)), 422),
    ],
)
def test_what_is_no_image_or_video_is_refused_with_a_sentence(taking, name, content, status):
    found, words = said(take(taking, name, content))
    assert found == status, words
    assert "Traceback" not in words
    assert "scratch" not in words
    assert words.count("\n") == 1
    assert taking._folder is None or list(taking._folder.iterdir()) == []


@pytest.mark.skipif(cv2.__version__.startswith("4.11."), reason="OpenCV 4.11 does not hand options to FFmpeg")
def test_a_list_of_other_files_is_not_followed(tmp_path, film, monkeypatch):
    """Also where its first bytes pass for a video's: FFmpeg itself refuses other files and addresses."""
    monkeypatch.setattr(uploaded, "_require_container", lambda path: None)
    (tmp_path / "other.avi").write_bytes(film)
    (tmp_path / "list.mp4").write_bytes(b"ffconcat version 1.0\nfile other.avi\n")
    from edgefkp.errors import EdgefkpError
    from edgefkp.runtime import isolate

    arguments = (str(tmp_path / "list.mp4"), str(tmp_path / "out.webm"), False, [*WORK])
    assert isolate.call(f"{__name__}.follow", *arguments)["frames"] == 8  # what it would be without that
    with pytest.raises(EdgefkpError, match="cannot be read"):
        isolate.call(f"{__name__}.follow", *arguments, environment=uploaded.ENVIRONMENT)


def follow(*arguments):
    """In a child: without the check of the first bytes."""
    uploaded._require_container = lambda path: None
    return uploaded.predict_upload(*arguments)


def test_a_file_that_ends_its_process_is_refused_and_the_next_one_is_taken(taking, png, monkeypatch):
    monkeypatch.setattr(uploads, "CHILD_SECONDS", 0.05)
    status, words = said(take(taking, "photo.png", png))
    assert status == 422
    assert "takes too long" in words
    monkeypatch.undo()
    assert take(taking, "photo.png", png).status == 200


def test_one_file_at_a_time(taking, png):
    with taking._busy:
        assert take(taking, "photo.png", png).status == 503
    assert take(taking, "photo.png", png).status == 200


def test_old_results_and_at_the_end_all_are_removed(png, monkeypatch):
    monkeypatch.setattr(uploads, "KEPT", 1)
    own = Uploads(lambda: WORK)
    first, second = (json.loads(take(own, "photo.png", png).body) for _ in range(2))
    folder = own._folder
    assert own.result(first["result"].removeprefix("/uploaded/")) is None
    assert result_of(own, second).is_file()
    assert own.result("../../etc/passwd") is None
    own.close()
    assert not folder.exists()


# --- through the server ------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    taken: list[tuple[str, bytes]] = []

    def upload(name: str, body, length: int) -> Answer:
        taken.append((name, body.read()))
        return Answer(b"taken")

    own = Server({}, lambda path: path == "/do/it", port=0, uploads={"/upload/": upload})
    own.taken = taken
    yield own
    own.close()


def send(server, headers: dict[str, str], body: bytes = b"", path: str = "/upload/a%20b.png") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest("POST", path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


OWN = {handler.OWN_HEADER: "1"}


def test_a_body_is_taken_whole_and_not_a_byte_more(server):
    assert send(server, {**OWN, "Content-Length": "4"}, b"bodyPOST /do/it HTTP/1.1\r\n\r\n") == (200, b"taken")
    assert server.taken == [("a b.png", b"body")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": "4"}, 403),
        ({**OWN, "Content-Length": "4", "Origin": "http://evil.example"}, 403),
        (OWN, 411),
        ({**OWN, "Transfer-Encoding": "chunked"}, 411),
        ({**OWN, "Content-Length": "4", "Transfer-Encoding": "chunked"}, 411),
        ({**OWN, "Content-Length": "-4"}, 400),
        ({**OWN, "Content-Length": "1_0"}, 400),
        ({**OWN, "Content-Length": str(1 << 40)}, 413),
        ({**OWN, "Content-Length": "9" * 5000}, 413),
    ],
)
def test_uploads_from_elsewhere_and_without_a_fair_length_are_refused(server, headers, status):
    assert send(server, headers, b"body")[0] == status
    assert server.taken == []


def test_an_upload_needs_the_token():
    own = Server({}, lambda path: False, host="0.0.0.0", port=0, uploads={"/upload/": lambda *given: Answer(b"")})
    try:
        assert send(own, {**OWN, "Content-Length": "4"}, b"body")[0] == 401
    finally:
        own.close()


def test_the_answer_to_a_large_upload_arrives_though_it_is_not_read(server):
    length = handler.UPLOAD_BYTES + 1
    status, words = send(server, {**OWN, "Content-Length": str(length)}, b"\0" * (8 << 20))
    assert status == 413
    assert b"up to 64 MB" in words


def test_an_upload_that_drips_is_ended(taking, monkeypatch):
    monkeypatch.setattr(handler, "UPLOAD_SECONDS", 0.5)
    own = Server({}, lambda path: False, port=0, uploads={"/upload/": taking.take})
    try:
        status, words = send(own, {**OWN, "Content-Length": "1000"}, b"x")
        assert status == 408, words
        # A viewer who goes away in the middle leaves nothing.
        connection = http.client.HTTPConnection("127.0.0.1", own.port, timeout=20)
        connection.putrequest("POST", "/upload/a.png")
        for name, value in {**OWN, "Content-Length": "1000"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"x")
        connection.close()
        threading.Event().wait(1)
        assert list(taking._folder.iterdir()) == []
    finally:
        own.close()
