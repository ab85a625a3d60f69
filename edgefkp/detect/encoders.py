"""What turns images into the bytes of a video: the program ffmpeg for H.264, OpenCV for the rest."""

import contextlib
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgefkp.detect.media import open_video, plain_name
from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds
from edgefkp.runtime.scratch import scratch_folder

# Suffix -> the codec of OpenCV. Browsers play H.264 in .mp4, which OpenCV's packages seldom write, and VP8 in .webm.
CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "FFV1", ".webm": "VP80"}
BROWSERS = (".mp4", ".webm")  # suffixes that browsers play, if .mp4 holds H.264
H264 = ".mp4"
_NAMES = {"mp4v": "MPEG-4 part 2", "avc1": "H.264", "MJPG": "Motion JPEG", "FFV1": "FFV1", "VP80": "VP8"}
_H264_ENCODERS = {
    "libx264": ("-preset", "veryfast", "-crf", "20"),
    "libopenh264": ("-b:v", "4M"),
}
_ENDING = 120.0  # seconds that ffmpeg may take to finish a file
_PROBE = (64, 48)  # pixels of a video that is written to see whether that works


class Encoder(Protocol):
    def write(self, image: np.ndarray) -> None:
        """Append a (H, W, 3) BGR image of the video's size. Raises EdgefkpError."""
        ...

    def close(self) -> None:
        """Finish the file. Raises EdgefkpError."""
        ...

    def abandon(self) -> None:
        """Let go of the file."""
        ...


def encoder(path: Path, fps: float, size: tuple[int, int]) -> Encoder:
    """Of the kind that the suffix asks for, the best that is here. Raises EdgefkpError."""
    suffix = path.suffix.lower()
    if suffix == H264 and (name := ffmpeg_h264()):
        return FfmpegVideo(path, name, fps, size)
    codec = "avc1" if suffix == H264 and opencv_h264() else CODECS[suffix]
    return OpenCvVideo(path, codec, fps, size)


def codec_name(suffix: str) -> str:
    """As people know it, of the videos that `encoder` writes here."""
    if suffix.lower() == H264 and (ffmpeg_h264() or opencv_h264()):
        return _NAMES["avc1"]
    return _NAMES[CODECS[suffix.lower()]]


def browser_suffix() -> str:
    """Of a video that browsers play: .mp4 where H.264 can be written, else .webm."""
    return H264 if ffmpeg_h264() or opencv_h264() else BROWSERS[1]


def ffmpeg() -> str | None:
    """The program, where it is installed."""
    return shutil.which("ffmpeg")


@functools.cache
def ffmpeg_h264() -> str | None:
    """The encoder of H.264 that the program ffmpeg has and that runs."""
    if not (program := ffmpeg()):
        return None
    for name, options in _H264_ENCODERS.items():
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            source = ("-f", "lavfi", "-i", f"color=s={_PROBE[0]}x{_PROBE[1]}:d=0.1")
            words = (program, "-v", "error", *source, "-c:v", name, *options, "-f", "null", "-")
            if not subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=20).returncode:
                return name
    return None


@functools.cache
def opencv_h264() -> bool:
    """OpenCV writes H.264, as that of a distribution may: a short video is written and read."""
    with contextlib.suppress(EdgefkpError), scratch_folder() as folder:
        video = OpenCvVideo(folder / f"probe{H264}", "avc1", 25, _PROBE)
        for _ in range(3):
            video.write(np.zeros((_PROBE[1], _PROBE[0], 3), np.uint8))
        video.close()
        capture = open_video(folder / f"probe{H264}")
        read = capture.read()[0]
        capture.release()
        return bool(read)
    return False


class OpenCvVideo:
    def __init__(self, path: Path, codec: str, fps: float, size: tuple[int, int]) -> None:
        import cv2

        with captured_fds(), plain_name(path) as name:
            self._video = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*codec), fps, size)
        if not self._video.isOpened():
            raise EdgefkpError(
                f"{_NAMES[codec]} cannot be written as {path.suffix} here", "choose another folder or suffix: .avi"
            )

    def write(self, image: np.ndarray) -> None:
        self._video.write(image)

    def close(self) -> None:
        self._video.release()

    def abandon(self) -> None:
        self._video.release()


class FfmpegVideo:
    """The program takes images on its standard input; it goes on through Ctrl-C, so that the file becomes whole."""

    def __init__(self, path: Path, codec: str, fps: float, size: tuple[int, int]) -> None:
        program = ffmpeg() or "ffmpeg"
        self._words = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [
                *(program, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"),
                *("-s", f"{size[0]}x{size[1]}", "-r", f"{fps:.6g}", "-i", "pipe:0", "-an"),
                # Half as many colors as pixels need even sides; the matrix of the colors is stated.
                *("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", codec, *_H264_ENCODERS[codec], "-g", "60"),
                *("-pix_fmt", "yuv420p", "-colorspace", "smpte170m", "-color_primaries", "smpte170m"),
                *("-color_trc", "smpte170m", "-threads", "2", "-movflags", "+faststart", f"file:{path.absolute()}"),
            ],
            stdin=subprocess.PIPE,
            stdout=self._words,
            stderr=self._words,
            start_new_session=True,
        )

    def write(self, image: np.ndarray) -> None:
        try:
            self._input.write(np.ascontiguousarray(image).data)
        except (OSError, ValueError) as error:
            raise EdgefkpError(
                f"ffmpeg stopped: {self._reason()}", "choose a folder on a disk with space left"
            ) from error

    def close(self) -> None:
        try:
            self._input.close()
            status = self._process.wait(_ENDING)
        except (OSError, subprocess.TimeoutExpired) as error:
            self.abandon()
            raise EdgefkpError(
                f"ffmpeg stopped: {self._reason()}", "choose a folder on a disk with space left"
            ) from error
        if status:
            raise EdgefkpError(f"ffmpeg stopped: {self._reason()}", "choose a folder on a disk with space left")

    def abandon(self) -> None:
        self._process.kill()
        with contextlib.suppress(OSError):
            self._input.close()
        self._process.wait()

    @property
    def _input(self) -> Any:
        return self._process.stdin

    def _reason(self) -> str:
        """Its last line."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").split("\n")
        return next((line.strip()[-200:] for line in reversed(lines) if line.strip()), "it was ended")
