"""Where frames come from: a camera, a video file, pictures. Each frame carries the time at which it was taken."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem

IMAGE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
VIDEO_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".y4m", ".mjpeg"}
PICTURE_SECONDS = 1.0  # how long a picture of a folder stays
CAMERA_SIZE = (640, 480)
RETRY = 1.0  # seconds between attempts to open a camera that went away
UNKNOWN_FPS = 25.0  # for a video that does not say
_USE_A_FILE = "give a video or pictures instead: edgefkp demo --source FILE"


class Frame(NamedTuple):
    """image: (H, W, 3) BGR uint8. seconds: when it was taken, on a clock that goes forward.
    fresh: it does not follow the frame before (another picture, the start of a video).
    """

    image: np.ndarray
    seconds: float
    fresh: bool = False


class FrameSource(Protocol):
    """name: for people. live: frames come at their own pace and cannot wait. fps: nominal, 0 where there is none.

    frames: until the source ends; None stands for "nothing came": a camera that is gone, which is tried again.
    """

    name: str
    live: bool
    fps: float

    def frames(self) -> Iterator[Frame | None]: ...

    def close(self) -> None: ...


def open_frames(spec: str, loop: bool = False, say: Callable[[str], None] = print) -> FrameSource:
    """A camera's number or /dev/videoN, "picam", a video file, a picture, or a folder of pictures.

    loop: start a file again when it ends. say: is told when a camera goes and comes.
    Raises EdgefkpError where there is no such camera or file, or the file cannot be read.
    """
    if spec == "picam":
        return PiCamera(say)
    if device := re.fullmatch(r"(?:/dev/video)?(\d+)", spec):
        return Camera(int(device[1]), say)
    path = Path(spec)
    if path.is_dir():
        return Pictures(path, pictures_in(path), loop)
    if not path.is_file():
        raise EdgefkpError(f"no file or folder at {path}", "give a camera (0, /dev/video0, picam), a file or a folder")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return Pictures(path, [path], loop)
    return Video(path, loop)


class Camera:
    """A webcam through OpenCV. One that is unplugged is waited for."""

    live = True
    fps = 0.0

    def __init__(self, number: int, say: Callable[[str], None] = print) -> None:
        self.name = f"camera {number}"
        self._number, self._say = number, say
        self._capture = self._open()
        if self._capture is None:
            present = sorted(path.name for path in Path("/dev").glob("video*"))
            found = f"found: {', '.join('/dev/' + name for name in present)}" if present else "this machine has none"
            raise EnvironmentProblem(f"camera {number} cannot be opened; {found}", _USE_A_FILE)

    def _open(self) -> Any:
        import cv2

        from edgefkp.files import captured_fds

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
                yield Frame(image, time.monotonic(), fresh=came_back)
                came_back = False
                continue
            if self._capture:
                self._say(f"{self.name} is gone: waiting for it to come back")
                self.close()
            yield None
            time.sleep(RETRY)
            self._capture = self._open()
            came_back = self._capture is not None
            if came_back:
                self._say(f"{self.name} is back")

    def close(self) -> None:
        if self._capture:
            self._capture.release()
            self._capture = None


class PiCamera:
    """The Raspberry Pi's camera through picamera2, which comes with Raspberry Pi OS."""

    name = "Pi camera"
    live = True
    fps = 0.0

    def __init__(self, say: Callable[[str], None] = print) -> None:
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


class Video:
    """A video file. Frames carry the file's own times, so that a slow reader sees the same motion."""

    live = False

    def __init__(self, path: Path, loop: bool = False) -> None:
        import cv2

        self.name, self._path, self._loop = path.name, path, loop
        self._capture = _open_video(path)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 1 <= fps <= 1000 else UNKNOWN_FPS

    def frames(self) -> Iterator[Frame | None]:
        for number in itertools.count():
            read, image = self._capture.read()
            fresh = number == 0
            if not read and self._loop and number:
                self._capture.release()
                self._capture = _open_video(self._path)
                read, image = self._capture.read()
                fresh = True
            if not read and number == 0:
                raise EdgefkpError(f"{self._path} has no frame that can be read", "convert it: ffmpeg -i FILE FILE.mp4")
            if not read:
                return
            yield Frame(image, number / self.fps, fresh)

    def close(self) -> None:
        self._capture.release()


class Pictures:
    """Pictures by name, each a second long."""

    live = False
    fps = 1 / PICTURE_SECONDS

    def __init__(self, path: Path, files: list[Path], loop: bool = False) -> None:
        if not files:
            raise EdgefkpError(f"{path} holds no pictures", f"give one with {', '.join(sorted(IMAGE_SUFFIXES))}")
        self.name, self._files, self._loop = path.name, files, loop
        if not any(read_image(file) is not None for file in files[:20]):
            raise EdgefkpError(f"{files[0]} cannot be read as a picture", "give another file")

    def frames(self) -> Iterator[Frame | None]:
        files = itertools.cycle(self._files) if self._loop else iter(self._files)
        for number, file in enumerate(files):
            image = read_image(file)
            if image is not None:
                yield Frame(image, number * PICTURE_SECONDS, fresh=True)

    def close(self) -> None:
        pass


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder and its subfolders, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())


def read_image(path: Path) -> np.ndarray | None:
    """(H, W, 3) BGR uint8; None where the file is not a picture that can be read whole."""
    import cv2

    from edgefkp.files import captured_fds

    try:
        content = np.fromfile(path, np.uint8)  # not cv2.imread: it prints its own warnings
    except OSError:
        return None
    if not content.size:
        return None
    with captured_fds() as chatter:
        try:
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
        except cv2.error:
            return None
        # The rest of a picture that was cut off is gray, and only these words say so.
        chatter.seek(0)
        return None if re.search(rb"(?i)premature end|read error", chatter.read()) else image


def _open_video(path: Path) -> Any:
    import cv2

    from edgefkp.files import captured_fds

    with captured_fds():
        capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise EdgefkpError(f"{path} cannot be read as a video or a picture", "convert it: ffmpeg -i FILE FILE.mp4")
    return capture
