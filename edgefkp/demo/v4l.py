"""The cameras that Linux knows, with their names, links and modes, from /sys and the video4linux calls."""

import contextlib
import fcntl
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SYS, DEV = Path("/sys/class/video4linux"), Path("/dev")
LINKS = ("by-id", "by-path")  # below /dev/v4l: names that stay the same when cameras are plugged in another order
# linux/videodev2.h: the numbers of the calls, and what their structures hold.
_QUERYCAP, _ENUM_FMT, _ENUM_FRAMESIZES, _ENUM_FRAMEINTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
_CAPTURE, _CAPTURE_MPLANE, _HAS_NODE_CAPS = 0x1, 0x1000, 0x80000000
_FRAMES = 1  # a buffer of frames of a camera
_DISCRETE = 1
_MOST = 64  # entries of a list; a broken driver never ends one

Call = Callable[[int, int, bytearray], None]  # ioctl: raises OSError at the end of a list


@dataclass(frozen=True)
class Mode:
    format: str  # four letters: YUYV, MJPG
    width: int
    height: int
    fps: tuple[float, ...]  # the rates of this size; empty: the driver states none


@dataclass(frozen=True)
class CameraInfo:
    device: str  # /dev/videoN
    name: str
    links: tuple[str, ...]  # /dev/v4l/by-id/..., which --source takes, too
    modes: tuple[Mode, ...]
    note: str = ""  # why it is no use, or nothing


def cameras(sys: Path = SYS, dev: Path = DEV, call: Call | None = None) -> list[CameraInfo]:
    """The cameras of this machine, by number; nodes that give no frames, as cameras have for notes, are left out."""
    found = []
    for folder in sorted(sys.glob("video*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0)):
        device = dev / folder.name
        name = _text(folder / "name") or folder.name
        try:
            modes = _modes(device, call or _ioctl)
        except OSError as error:
            found.append(CameraInfo(str(device), name, _links(device), (), error.strerror or str(error)))
        else:
            if modes is not None:
                found.append(CameraInfo(str(device), name, _links(device), modes))
    return found


def reason_without_frames(device: Path, proc: Path = Path("/proc")) -> str:
    """What is known of a camera that opens and gives no frame: no camera, or another program has it. "" for nothing."""
    with contextlib.suppress(OSError):
        if _modes(device, _ioctl) is None:
            return f"{device} gives no frames: cameras have such nodes for notes beside them"
    users = sorted({_text(link.parents[1] / "comm") for link in proc.glob("[0-9]*/fd/*") if _leads_to(link, device)})
    return f"{', '.join(users)} has it open" if users else ""


def number_of(device: str, dev: Path = DEV) -> int | None:
    """N of /dev/videoN, or of a link to it as in /dev/v4l/by-id; None for another path."""
    with contextlib.suppress(OSError, ValueError):
        if match := re.fullmatch(rf"{re.escape(str(dev))}/video(\d+)", os.path.realpath(device)):
            return int(match[1])
    return None


def _links(device: Path) -> tuple[str, ...]:
    links = (link for kind in LINKS for link in sorted((device.parent / "v4l" / kind).glob("*")))
    return tuple(str(link) for link in links if os.path.realpath(link) == os.path.realpath(device))


def _modes(device: Path, call: Call) -> tuple[Mode, ...] | None:
    """None for a node that gives no frames. Raises OSError for one that cannot be opened."""
    descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        answer = bytearray(104)
        call(descriptor, _QUERYCAP, answer)
        whole, node = struct.unpack_from("<II", answer, 84)
        capabilities = node if whole & _HAS_NODE_CAPS else whole
        if not capabilities & (_CAPTURE | _CAPTURE_MPLANE):
            return None
        return tuple(
            Mode(name.decode("ascii", "replace"), width, height, _rates(descriptor, call, name, width, height))
            for name in _formats(descriptor, call)
            for width, height in _sizes(descriptor, call, name)
        )
    finally:
        os.close(descriptor)


def _formats(descriptor: int, call: Call) -> list[bytes]:
    found = []
    with contextlib.suppress(OSError):
        for number in range(_MOST):
            answer = bytearray(64)
            struct.pack_into("<II", answer, 0, number, _FRAMES)
            call(descriptor, _ENUM_FMT, answer)
            found.append(bytes(answer[44:48]))
    return found


def _sizes(descriptor: int, call: Call, name: bytes) -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(OSError):
        for number in range(_MOST):
            answer = bytearray(44)
            struct.pack_into("<I4s", answer, 0, number, name)
            call(descriptor, _ENUM_FRAMESIZES, answer)
            (kind,) = struct.unpack_from("<I", answer, 8)
            if kind != _DISCRETE:  # any size between two: the largest
                _, width, _, _, height, _ = struct.unpack_from("<6I", answer, 12)
                return [(width, height)]
            found.append(struct.unpack_from("<II", answer, 12))
    return found


def _rates(descriptor: int, call: Call, name: bytes, width: int, height: int) -> tuple[float, ...]:
    found = []
    with contextlib.suppress(OSError):
        for number in range(_MOST):
            answer = bytearray(52)
            struct.pack_into("<I4sII", answer, 0, number, name, width, height)
            call(descriptor, _ENUM_FRAMEINTERVALS, answer)
            kind, above, below = struct.unpack_from("<III", answer, 16)
            if above:
                found.append(round(below / above, 2))
            if kind != _DISCRETE:  # the shortest time between two frames stands first
                break
    return tuple(found)


def _ioctl(descriptor: int, number: int, answer: bytearray) -> None:
    fcntl.ioctl(descriptor, number, answer, True)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _leads_to(link: Path, device: Path) -> bool:
    try:
        return os.readlink(link) == str(device) and link.parents[1].name != str(os.getpid())
    except OSError:
        return False
