"""Cameras: of this machine through OpenCV, and the Raspberry Pi's own. One that is unplugged is waited for."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp.demo.v4l import reason_without_frames
from edgefkp.detect.media import Frame
from edgefkp.errors import EnvironmentProblem
from edgefkp.files import captured_fds

CAMERA_SIZE = (640, 480)
RETRY = 1.0  # seconds between attempts to open a camera that went away
PATIENCE = 5.0  # seconds in which the first frame must come
UNCOMPRESSED_PIXELS, UNCOMPRESSED_FPS = 640 * 480, 30.0  # most that USB 2 carries without MJPG
USE_A_FILE = "give a video or images instead: edgefkp demo --source FILE"
_LIST = "edgefkp demo --list-cameras"

# OpenCV reads this when it is imported: seconds that one read may take, 10 by itself.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{PATIENCE:.0f}")


@dataclass(frozen=True)
class CameraMode:
    """What a camera is asked for; it may give something near."""

    size: tuple[int, int] | None = None  # pixels, width first; None: CAMERA_SIZE
    fps: float | None = None  # None: its own

    @property
    def needs_mjpg(self) -> bool:
        """Raw images of that size would come at a few frames a second."""
        width, height = self.size or CAMERA_SIZE
        return width * height > UNCOMPRESSED_PIXELS or (self.fps or 0) > UNCOMPRESSED_FPS


class Camera:
    """A webcam. Raises EnvironmentProblem for one that cannot be opened, or gives no frame in PATIENCE seconds."""

    live = True
    fps = 0.0

    def __init__(self, number: int, log: Callable[[str], None] = print, mode: CameraMode | None = None) -> None:
        self.name = f"camera {number}"
        self._number, self._log, self._mode = number, log, mode or CameraMode()
        self._capture = self._open()
        if self._capture is None:
            present = sorted(path.name for path in Path("/dev").glob("video*"))
            found = f"found: {', '.join('/dev/' + name for name in present)}" if present else "this machine has none"
            raise EnvironmentProblem(f"camera {number} cannot be opened; {found}", USE_A_FILE)
        if mode is not None and mode != CameraMode():
            self._report_mode()

    def _open(self) -> Any:
        import cv2

        with captured_fds():
            capture = cv2.VideoCapture(self._number)
            if not capture.isOpened():
                return None
            # The pipeline takes the newest frame; a queue of old ones would be lag.
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            if self._mode.needs_mjpg:  # before the size, which depends on it
                capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            width, height = self._mode.size or CAMERA_SIZE
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            if self._mode.fps:
                capture.set(cv2.CAP_PROP_FPS, self._mode.fps)
        return capture

    def _report_mode(self) -> None:
        """A camera that does not have what was asked for gives what is near, without a word."""
        import cv2

        size = tuple(round(self._capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        wanted = self._mode.size or CAMERA_SIZE
        if size != wanted or (self._mode.fps and abs(fps - self._mode.fps) > 0.5):
            asked = f"{wanted[0]}x{wanted[1]}" + (f" at {self._mode.fps:g}" if self._mode.fps else "")
            self._log(
                f"{self.name} gives {size[0]}x{size[1]} at {fps:g} frames a second, not {asked}; its modes: {_LIST}"
            )

    def frames(self) -> Iterator[Frame | None]:
        began, has_given, is_lost = time.monotonic(), False, False
        while True:
            read, image = self._capture.read() if self._capture else (False, None)
            if read and image is not None:
                if is_lost:
                    self._log(f"{self.name} is back")
                yield Frame(image, time.monotonic(), is_cut=is_lost)
                has_given, is_lost = True, False
                continue
            if not has_given and time.monotonic() - began >= PATIENCE:
                raise self._no_frame()
            if has_given and not is_lost:
                self._log(f"{self.name} is gone: waiting for it to come back")
            is_lost = has_given
            self.close()
            yield None
            time.sleep(RETRY)
            self._capture = self._open()

    def _no_frame(self) -> EnvironmentProblem:
        reason = reason_without_frames(Path(f"/dev/video{self._number}"))
        return EnvironmentProblem(
            f"{self.name} opens, but gave no frame in {PATIENCE:.0f} seconds{': ' + reason if reason else ''}",
            f"close programs that use it, or choose another one: {_LIST}",
        )

    def close(self) -> None:
        if self._capture:
            self._capture.release()
            self._capture = None


class PiCamera:
    """The Raspberry Pi's camera through picamera2, which comes with Raspberry Pi OS."""

    name = "Pi camera"
    live = True
    fps = 0.0

    def __init__(self, mode: CameraMode | None = None) -> None:
        mode = mode or CameraMode()
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise EnvironmentProblem(
                "the Pi camera needs picamera2, which is not installed here",
                "sudo apt install python3-picamera2, and make the venv with: python3 -m venv --system-site-packages",
            ) from error
        try:
            self._camera = Picamera2()
            # picamera2 names formats by the order in a word: "RGB888" is B, G, R in memory, as OpenCV has it.
            main = {"size": mode.size or CAMERA_SIZE, "format": "RGB888"}
            rate = {"controls": {"FrameRate": mode.fps}} if mode.fps else {}
            self._camera.configure(self._camera.create_video_configuration(main=main, **rate))
            self._camera.start()
        except (IndexError, RuntimeError) as error:
            raise EnvironmentProblem(f"the Pi camera cannot be opened: {error}", USE_A_FILE) from error

    def frames(self) -> Iterator[Frame | None]:
        while True:
            yield Frame(self._camera.capture_array("main"), time.monotonic())

    def close(self) -> None:
        self._camera.stop()
        self._camera.close()
