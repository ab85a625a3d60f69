"""Sources of frames: cameras, video files, images. Each frame carries the time at which it was taken."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from edgefkp.data.images import read_image
from edgefkp.detect.media import IMAGE_SUFFIXES, Frame, Video, images_in, is_image
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.files import captured_fds

IMAGE_SECONDS = 1.0  # how long an image of a folder stays
CAMERA_SIZE = (640, 480)
RETRY = 1.0  # seconds between attempts to open a camera that went away
_USE_A_FILE = "give a video or images instead: edgefkp demo --source FILE"


class FrameSource(Protocol):
    name: str  # for people
    live: bool  # frames come at their own pace and cannot wait
    fps: float  # nominal; 0 for cameras

    def frames(self) -> Iterator[Frame | None]:
        """Frames until the source ends. None: nothing came, as from a camera that is gone and is tried again."""
        ...

    def close(self) -> None: ...


def open_frames(spec: str, loop: bool = False, log: Callable[[str], None] = print) -> FrameSource:
    """Open a camera (its number or /dev/videoN), "picam", a video file, an image, or a folder of images.

    loop: start a file again when it ends. log: called with a line when a camera goes and comes back.
    Raises EdgefkpError for a camera or file that is missing or cannot be read.
    """
    if spec == "picam":
        return PiCamera()
    if device := re.fullmatch(r"(?:/dev/video)?(\d+)", spec):
        return Camera(int(device[1]), log)
    path = Path(spec)
    if path.is_dir():
        return ImageFrames(path, images_in(path), loop)
    if not path.is_file():
        raise EdgefkpError(f"no file or folder at {path}", "give a camera (0, /dev/video0, picam), a file or a folder")
    if is_image(path):
        return ImageFrames(path, [path], loop)
    return Video(path, loop)


class Camera:
    """A webcam through OpenCV. One that is unplugged is waited for."""

    live = True
    fps = 0.0

    def __init__(self, number: int, log: Callable[[str], None] = print) -> None:
        self.name = f"camera {number}"
        self._number, self._log = number, log
        self._capture = self._open()
        if self._capture is None:
            present = sorted(path.name for path in Path("/dev").glob("video*"))
            found = f"found: {', '.join('/dev/' + name for name in present)}" if present else "this machine has none"
            raise EnvironmentProblem(f"camera {number} cannot be opened; {found}", _USE_A_FILE)

    def _open(self) -> Any:
        import cv2

        with captured_fds():
            capture = cv2.VideoCapture(self._number)
            if not capture.isOpened():
                return None
            # The pipeline takes the newest frame; a queue of old ones would be lag.
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, CAMERA_SIZE[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, CAMERA_SIZE[1])
        return capture

    def frames(self) -> Iterator[Frame | None]:
        came_back = False
        while True:
            read, image = self._capture.read() if self._capture else (False, None)
            if read and image is not None:
                yield Frame(image, time.monotonic(), is_cut=came_back)
                came_back = False
                continue
            if self._capture:
                self._log(f"{self.name} is gone: waiting for it to come back")
                self.close()
            yield None
            time.sleep(RETRY)
            self._capture = self._open()
            came_back = self._capture is not None
            if came_back:
                self._log(f"{self.name} is back")

    def close(self) -> None:
        if self._capture:
            self._capture.release()
            self._capture = None


class PiCamera:
    """The Raspberry Pi's camera through picamera2, which comes with Raspberry Pi OS."""

    name = "Pi camera"
    live = True
    fps = 0.0

    def __init__(self) -> None:
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
            self._camera.configure(
                self._camera.create_video_configuration(main={"size": CAMERA_SIZE, "format": "RGB888"})
            )
            self._camera.start()
        except (IndexError, RuntimeError) as error:
            raise EnvironmentProblem(f"the Pi camera cannot be opened: {error}", _USE_A_FILE) from error

    def frames(self) -> Iterator[Frame | None]:
        while True:
            yield Frame(self._camera.capture_array("main"), time.monotonic())

    def close(self) -> None:
        self._camera.stop()
        self._camera.close()


class ImageFrames:
    """The images of a folder in the order of their names, each shown for a second."""

    live = False
    fps = 1 / IMAGE_SECONDS

    def __init__(self, path: Path, files: list[Path], loop: bool = False) -> None:
        if not files:
            raise EdgefkpError(f"{path} holds no images", f"give one with {', '.join(sorted(IMAGE_SUFFIXES))}")
        self.name, self._files, self._loop = path.name, files, loop
        if not any(read_image(file) is not None for file in files[:20]):
            raise EdgefkpError(f"{files[0]} cannot be read as an image", "give another file")

    def frames(self) -> Iterator[Frame | None]:
        files = itertools.cycle(self._files) if self._loop else iter(self._files)
        missed = 0  # one after the other
        for number, file in enumerate(files):
            image = read_image(file)
            if image is not None:
                yield Frame(image, number * IMAGE_SECONDS, is_cut=True)
            missed = 0 if image is not None else missed + 1
            if missed == len(self._files):
                raise EdgefkpError(f"{self.name} holds no image any more that can be read", "give another folder")

    def close(self) -> None:
        pass
