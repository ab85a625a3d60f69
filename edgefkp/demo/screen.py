"""Is there a screen to open a window on, and how large is it? Qt would end the whole process where there is none."""

import contextlib
import os
import re
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from edgefkp.errors import EnvironmentProblem

WEB = "show a page instead: --display web"
_PATIENCE = 3.0  # seconds for a screen of another machine
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_SUCCESS = 1


class NoScreen(EnvironmentProblem):
    """A screen is named, as by DISPLAY, and no window can be opened on it."""


def screen_size() -> tuple[int, int] | None:
    """Width and height in pixels; None where that is not known, as on other systems than Linux.

    Raises EnvironmentProblem where no screen is named, NoScreen where the one that is named cannot be used.
    """
    if not sys.platform.startswith("linux"):
        return None
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    plugins = _bundled_plugins()
    if not display and not wayland:
        raise EnvironmentProblem("there is no screen to open a window on", WEB)
    if not display and plugins:
        raise NoScreen(f"this OpenCV opens windows through X, and there is Wayland alone ({wayland})", WEB)
    if not display:
        return None  # the OpenCV of a distribution, which may know Wayland
    if plugins and re.split("[:;]", os.environ.get("QT_QPA_PLATFORM", ""))[0] not in plugins:
        os.environ["QT_QPA_PLATFORM"] = plugins[0]  # set for programs that have more of them
    return x_screen(display, os.environ)


def x_screen(display: str, environment: Mapping[str, str]) -> tuple[int, int]:
    """Connect to an X server as windows do. Raises NoScreen."""
    match = re.fullmatch(r"(?:[^:]*/)?([^:/]*):(\d+)(?:\.\d+)?", display)
    if match is None:
        raise NoScreen(f"DISPLAY={display} names no screen", WEB)
    host, number = match[1], int(match[2])
    reason = "nothing answers there"
    for name, cookie in [*_cookies(environment, number), (b"", b"")]:
        try:
            with contextlib.closing(_connected(host, number)) as connection:
                return _size(connection, name, cookie)
        except PermissionError as error:
            reason = f"it refuses: {error}"
        except (OSError, ValueError, struct.error):
            pass
    raise NoScreen(f"there is no screen at DISPLAY={display}: {reason}", WEB)


def _bundled_plugins() -> list[str]:
    """Of Qt, in OpenCV's package from PyPI: ["xcb"]."""
    import cv2

    folder = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms"
    return sorted(path.stem.removeprefix("libq") for path in folder.glob("libq*.so"))


def _connected(host: str, number: int) -> socket.socket:
    if host and host != "unix":
        return socket.create_connection((host, 6000 + number), _PATIENCE)
    for path in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
    raise ConnectionRefusedError(number)


def _size(connection: socket.socket, name: bytes, cookie: bytes) -> tuple[int, int]:
    """Introduce ourselves as a program with that cookie. Raises PermissionError, OSError or ValueError."""
    padded = (value + bytes(-len(value) % 4) for value in (name, cookie))
    connection.sendall(struct.pack("<cxHHHHxx", b"l", 11, 0, len(name), len(cookie)) + b"".join(padded))
    status, words, _, _, length = struct.unpack("<BBHHH", _received(connection, 8))
    answer = _received(connection, 4 * length)
    if status != _SUCCESS:
        raise PermissionError(answer[:words].decode("ascii", "replace").strip() or "no permission")
    (vendor,) = struct.unpack_from("<H", answer, 16)
    screens, formats = answer[20], answer[21]
    if not screens:
        raise ValueError("it has no screen")
    width, height = struct.unpack_from("<HH", answer, 32 + vendor + -vendor % 4 + 8 * formats + 20)
    return width, height


def _received(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        piece = connection.recv(count - len(content))
        if not piece:
            raise ValueError("the connection ended")
        content += piece
    return content


def _cookies(environment: Mapping[str, str], number: int) -> Iterator[tuple[bytes, bytes]]:
    """(kind, value) of those that may open screen `number`, from the user's .Xauthority."""
    path = Path(environment.get("XAUTHORITY") or Path.home() / ".Xauthority")
    try:
        content = path.read_bytes()
    except OSError:
        return
    place = 0
    while place + 4 <= len(content):
        place += 2  # the family of the address
        values = []
        for _ in range(4):  # address, screen, kind, value
            length = int.from_bytes(content[place : place + 2], "big")
            values.append(content[place + 2 : place + 2 + length])
            place += 2 + length
        if values[1] in (b"", str(number).encode()) and values[2] == _COOKIE:
            yield values[2], values[3]
