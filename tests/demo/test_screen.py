"""A window is opened on a screen that is there, within it; otherwise the web page is shown, and a sentence says why."""

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from edgefkp.demo import displays, screen
from edgefkp.demo.displays import Window, within
from edgefkp.demo.screen import NoScreen, screen_size, x_screen
from edgefkp.errors import EnvironmentProblem
from tests.discs import TINY

COOKIE = bytes(range(16))


class XServer(threading.Thread):
    """An X server that admits programs with the cookie, and has a screen of 1400x900."""

    def __init__(self, cookie=COOKIE):
        super().__init__(daemon=True)
        self.cookie = cookie
        self.listener = socket.socket()
        for number in range(200, 400):
            try:
                self.listener.bind(("127.0.0.1", 6000 + number))
                break
            except OSError:
                continue
        self.listener.listen()
        self.display = f"127.0.0.1:{number}.0"
        self.number = number
        self.start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                head = connection.recv(4096)
                _, name, cookie = struct.unpack_from("<HxxHH", head, 2)
                if self.cookie and head[12 + name + -name % 4 :][:cookie] != self.cookie:
                    reason = b"No protocol specified\n\0\0"
                    connection.sendall(struct.pack("<BBHHH", 0, 22, 11, 0, len(reason) // 4) + reason)
                    continue
                body = bytearray(32 + 4 + 8 + 40)
                struct.pack_into("<H", body, 16, 3)  # the maker's name, padded to 4
                body[20], body[21] = 1, 1  # one screen, one format
                struct.pack_into("<HH", body, 32 + 4 + 8 + 20, 1400, 900)
                connection.sendall(struct.pack("<BBHHH", 1, 0, 11, 0, len(body) // 4) + body)


def authority(path, number, cookie):
    fields = (b"host", str(number).encode(), b"MIT-MAGIC-COOKIE-1", cookie)
    path.write_bytes(b"\x01\0" + b"".join(len(field).to_bytes(2, "big") + field for field in fields))
    return {"XAUTHORITY": str(path)}


def test_a_screen_states_its_size(tmp_path):
    server = XServer()
    assert x_screen(server.display, authority(tmp_path / "a", server.number, COOKIE)) == (1400, 900)
    assert x_screen(XServer(cookie=b"").display, {"XAUTHORITY": "/nothing"}) == (1400, 900)


def test_a_screen_of_somebody_else_is_no_screen(tmp_path):
    server = XServer()
    with pytest.raises(NoScreen, match="refuses: No protocol specified"):
        x_screen(server.display, authority(tmp_path / "a", server.number, bytes(16)))
    with pytest.raises(NoScreen, match="refuses"):
        x_screen(server.display, {"XAUTHORITY": str(tmp_path / "missing")})


@pytest.mark.parametrize("display", ["localhost:3099.0", ":3099", "nonsense", ":", "127.0.0.1:99999"])
def test_a_stale_display_is_no_screen(display):
    with pytest.raises(NoScreen, match="DISPLAY=") as caught:
        x_screen(display, {"XAUTHORITY": "/nothing"})
    assert "--display web" in caught.value.hint


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_wayland_alone_is_no_screen_for_pypis_opencv(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setattr(screen, "_bundled_plugins", lambda: ["xcb"])
    with pytest.raises(NoScreen, match="Wayland alone"):
        screen_size()
    monkeypatch.setattr(screen, "_bundled_plugins", lambda: [])
    assert screen_size() is None
    monkeypatch.delenv("WAYLAND_DISPLAY")
    with pytest.raises(EnvironmentProblem, match="no screen"):
        screen_size()


def test_a_platform_that_opencvs_qt_lacks_is_replaced(monkeypatch):
    monkeypatch.setenv("DISPLAY", XServer(cookie=b"").display)
    monkeypatch.setenv("QT_QPA_PLATFORM", "wayland;xcb")
    monkeypatch.setattr(screen, "_bundled_plugins", lambda: ["xcb"])
    assert screen_size() == (1400, 900)
    assert os.environ["QT_QPA_PLATFORM"] == "xcb"


def test_a_window_is_no_larger_than_the_screen():
    assert within((480, 640, 3), (1400, 900)) == (640, 480)
    width, height = within((1440, 3840, 3), (1400, 900))
    assert width <= 1400
    assert height <= 900
    assert width / height == pytest.approx(3840 / 1440, rel=0.01)
    assert within((1440, 3840, 3), None) == (3840, 1440)


class Windows:
    """What OpenCV does with windows; a person drags one to another size."""

    def __init__(self, monkeypatch):
        import cv2

        self.size = (0, 0)
        for name in ("namedWindow", "imshow", "destroyAllWindows"):
            monkeypatch.setattr(cv2, name, lambda *given: None)
        monkeypatch.setattr(cv2, "waitKey", lambda delay: -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *given: 1.0)
        monkeypatch.setattr(cv2, "getWindowImageRect", lambda title: (0, 0, *self.size))
        monkeypatch.setattr(cv2, "resizeWindow", self.resize)
        monkeypatch.setattr(displays, "screen_size", lambda: (1400, 900))

    def resize(self, title, width, height):
        self.size = (width, height)


def test_the_size_that_a_person_gave_the_window_stays(monkeypatch):
    import numpy as np

    windows = Windows(monkeypatch)
    window = Window()
    monkeypatch.setattr(displays, "render", lambda view: view)
    alone, compared = np.zeros((480, 640, 3), np.uint8), np.zeros((480, 1280, 3), np.uint8)
    for image, size in ((alone, (640, 480)), (compared, (1260, 472)), (alone, (640, 480))):
        for _ in range(15):
            window.show(image)
        assert windows.size == size
    windows.size = (700, 500)
    for image in (compared, alone):
        for _ in range(15):
            window.show(image)
        assert windows.size == (700, 500)


@pytest.mark.parametrize(
    "given", [{"DISPLAY": ":3099"}, {"DISPLAY": "localhost:10.0"}, {"WAYLAND_DISPLAY": "wayland-9"}]
)
def test_the_demo_shows_a_page_where_no_window_can_be_opened(tmp_path, given):
    import cv2
    import numpy as np

    if not screen._bundled_plugins() and "WAYLAND_DISPLAY" in given:
        pytest.skip("this OpenCV may know Wayland")
    photo = tmp_path / "a.png"
    cv2.imwrite(str(photo), np.full((96, 96, 3), 90, np.uint8))
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    words = ["demo", "--source", photo, "--model", TINY, "--finder", "whole-image", "--port", "0"]
    command = [sys.executable, "-u", "-m", "edgefkp", *map(str, words)]
    demo = subprocess.Popen(command, env={**environment, **given}, stderr=subprocess.PIPE, text=True)
    try:
        lines = [demo.stderr.readline() for _ in range(2)]
        assert "showing a page instead" in lines[0]
        url = lines[1].split()[1]
        assert urllib.request.urlopen(url, timeout=20).status == 200
    finally:
        demo.kill()
        demo.wait()


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb")
def test_a_real_screen_states_its_size(tmp_path):
    number = 500 + os.getpid() % 400
    server = subprocess.Popen(["Xvfb", f":{number}", "-screen", "0", "1234x567x24"], stderr=subprocess.DEVNULL)
    try:
        # Its socket is there before it answers, and one of a server that was killed stays.
        deadline, found = time.monotonic() + 30, None
        while found is None and time.monotonic() < deadline:
            with contextlib.suppress(NoScreen):
                found = x_screen(f":{number}", {})
            time.sleep(0.1)
        assert found == (1234, 567)
    finally:
        server.terminate()
        server.wait()
