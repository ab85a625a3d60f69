"""Sources of frames: cameras, streams, video files, images. Each frame carries the time at which it was taken."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from edgefkp.data.images import decoded, image_bytes, read_image
from edgefkp.demo.cameras import Camera, CameraMode, PiCamera
from edgefkp.demo.streams import Stream, is_address
from edgefkp.demo.v4l import number_of
from edgefkp.detect.folders import images_in
from edgefkp.detect.media import IMAGE_SUFFIXES, Frame, Video, is_image
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError

IMAGE_SECONDS = 1.0  # how long an image of a folder stays
SOURCES = "give a camera (0, /dev/video0, picam), a stream (rtsp://, http://), a file or a folder"


class FrameSource(Protocol):
    name: str  # for people
    live: bool  # frames come at their own pace and cannot wait
    fps: float  # nominal; 0 for cameras

    def frames(self) -> Iterator[Frame | None]:
        """Frames until the source ends. None: nothing came, as from a camera that is gone and is tried again."""
        ...

    def close(self) -> None: ...


def open_frames(
    spec: str, loop: bool = False, log: Callable[[str], None] = print, mode: CameraMode | None = None
) -> FrameSource:
    """Open a camera, a stream, a video file, an image, or a folder of images.

    spec: a camera's number, /dev/videoN or a link to it, "picam", an address as rtsp://..., or a path. loop: start a
    file again when it ends. log: called with a line when a camera goes and comes back. mode: what a camera is asked
    for. Raises EdgefkpError for a camera or file that is missing or cannot be read, UsageError for the mode of a file.
    """
    if spec == "picam":
        return PiCamera(mode)
    number = int(spec) if spec.isascii() and spec.isdigit() else number_of(spec)
    if number is not None:
        return Camera(number, log, mode)
    if mode is not None and mode != CameraMode():
        raise UsageError("--size and --fps are for cameras", "edgefkp demo --source 0 --size 1280x720 --fps 30")
    if is_address(spec):
        return Stream(spec, log)
    path = Path(spec)
    if path.is_dir():
        return ImageFrames(path, images_in(path), loop)
    if not path.is_file():
        raise EdgefkpError(f"no file or folder at {path}", SOURCES)
    if is_image(path):
        return ImageFrames(path, [path], loop)
    return Video(path, loop)


def _reason(file: Path) -> str:
    try:
        decoded(image_bytes(file))
    except EnvironmentProblem as error:
        return f": {error.message}"
    except EdgefkpError:
        pass
    return ""


class ImageFrames:
    """The images of a folder in the order of their names, each shown for a second."""

    live = False
    fps = 1 / IMAGE_SECONDS

    def __init__(self, path: Path, files: list[Path], loop: bool = False) -> None:
        if not files:
            raise EdgefkpError(f"{path} holds no images", f"give one with {', '.join(sorted(IMAGE_SUFFIXES))}")
        self.name, self._files, self._loop = path.name, files, loop
        if not any(read_image(file) is not None for file in files[:20]):
            raise EdgefkpError(f"{files[0]} cannot be read as an image{_reason(files[0])}", "give another file")

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
