"""Streams: a camera of the network that sends MJPEG, its end and return, and what of its address is shown."""

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.demo import streams
from edgefkp.demo.frames import open_frames
from edgefkp.demo.streams import Stream, is_address, shown
from edgefkp.detect.encoders import OpenCvVideo
from edgefkp.errors import EnvironmentProblem, UsageError
from tests.discs import TINY

SECRET = "hunter2"


class CameraServer(http.server.ThreadingHTTPServer):
    """An HTTP camera at /stream, which sends `count` images a connection, and files beside it."""

    daemon_threads = True

    def __init__(self, folder, count=10_000, rate=50):
        self.folder, self.count, self.rate = folder, count, rate
        self.sent, self.connections, self.asked = 0, 0, []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://user:{SECRET}@127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: CameraServer

    def do_GET(self):
        self.server.asked.append(self.path)
        if not self.path.startswith("/stream"):
            content = (self.server.folder / self.path.strip("/")).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.server.connections += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(self.server.count):
            level = 50 + 20 * (number % 8)
            jpeg = cv2.imencode(".jpg", np.full((96, 128, 3), level, np.uint8))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + jpeg + b"\r\n")
            except OSError:
                return
            self.server.sent += 1
            time.sleep(1 / self.server.rate)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    servers = []

    def start(**given):
        servers.append(CameraServer(tmp_path, **given))
        return servers[-1]

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


def test_addresses_are_told_from_paths():
    assert is_address("rtsp://10.0.0.7/live")
    assert is_address("HTTP://10.0.0.7:8080/video")
    assert not is_address("a/b.mp4")
    assert not is_address("C:\\a.mp4")


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        (f"rtsp://admin:{SECRET}@10.0.0.7:554/live/1", "rtsp://10.0.0.7:554/live/1"),
        (f"http://10.0.0.7/video?user=admin&pwd={SECRET}", "http://10.0.0.7/video?..."),
        (f"rtsp://admin:{SECRET}@[::1]/x", "rtsp://[::1]/x"),
        (f"rtsp://a:{SECRET}@b@10.0.0.7/x", "rtsp://10.0.0.7/x"),
        (f"rtsp://[{SECRET}", "rtsp://..."),
    ],
)
def test_a_password_is_not_shown(address, seen):
    assert shown(address) == seen


def test_a_stream_gives_its_newest_frames(server):
    camera = server()
    source = open_frames(f"{camera.url}/stream")
    assert source.live
    frames = source.frames()
    first = next(frames)
    assert first.image.shape == (96, 128, 3)
    time.sleep(0.5)  # a slow pipeline
    next(frames)
    assert camera.sent >= 15  # the rest was read, and does not wait as lag
    seconds = [next(frames).seconds for _ in range(5)]
    assert seconds == sorted(seconds)
    assert not first.is_cut
    source.close()


def test_a_stream_that_ends_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(streams, "RETRY", 0.05)
    camera = server(count=12)
    logged = []
    source = open_frames(f"{camera.url}/stream", log=logged.append)
    got = []
    for frame in source.frames():
        got.append(frame)
        if len(logged) == 2:
            break
    source.close()
    assert None in got
    assert got[-1].is_cut
    assert camera.connections >= 2
    assert [line.partition(" is ")[2] for line in logged] == ["gone: waiting for it to come back", "back"]
    assert SECRET not in " ".join(logged)


def test_a_video_at_an_address_has_an_end(server, tmp_path):
    video = OpenCvVideo(tmp_path / "a.avi", "MJPG", 10, (128, 96))
    for number in range(20):
        video.write(np.full((96, 128, 3), 10 * number, np.uint8))
    video.close()
    source = open_frames(f"{server().url}/a.avi")
    assert not source.live
    frames = list(source.frames())
    assert [round(frame.seconds, 2) for frame in frames] == [number / 10 for number in range(20)]


@pytest.mark.parametrize("address", [f"rtsp://user:{SECRET}@127.0.0.1:9/x", f"http://user:{SECRET}@127.0.0.1:9/x"])
def test_an_address_without_a_stream_is_an_error_without_its_password(address):
    with pytest.raises(EnvironmentProblem, match=r"127\.0\.0\.1:9/x cannot be opened") as caught:
        open_frames(address)
    assert SECRET not in str(caught.value)


def test_an_address_that_never_answers_ends(monkeypatch):
    monkeypatch.setattr(streams, "PATIENCE", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(EnvironmentProblem, match="cannot be opened"):
            open_frames(f"http://127.0.0.1:{silent.getsockname()[1]}/x")
    assert time.monotonic() - began < 60


def test_other_addresses_are_refused():
    with pytest.raises(UsageError, match="is no address of a stream"):
        Stream(f"gopher://user:{SECRET}@host/")


def test_the_demo_of_a_stream_shows_and_stores_no_password(server, tmp_path):
    arguments = ["demo", "--source", f"{server().url}/stream?key={SECRET}", "--display", "file", "--frames", 20]
    arguments += ["--model", TINY, "--finder", "whole-image", "--out", tmp_path / "a.mp4", "--json"]
    done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    assert done.exception is None
    summary = json.loads(done.stdout)
    assert summary["frames"] == 20
    assert summary["source"].endswith("/stream?...")
    assert SECRET not in done.stdout + done.stderr
    assert SECRET.encode() not in (tmp_path / "a.mp4").read_bytes()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_stream_of_packets_is_read():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=s=160x120:r=20", "-c:v", "mpeg2video", "-g", "5"]
    sender = subprocess.Popen(["ffmpeg", *words, "-f", "mpegts", f"udp://127.0.0.1:{port}"], stdin=subprocess.DEVNULL)
    try:
        source = open_frames(f"udp://127.0.0.1:{port}")
        assert source.live
        assert next(source.frames()).image.shape == (120, 160, 3)
        source.close()
    finally:
        sender.kill()
        sender.wait()
