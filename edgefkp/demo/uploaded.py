"""A photo or a video from somebody else's hands, predicted and drawn: the work of a child process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.demo.session import Work
from edgefkp.errors import EdgefkpError

VIDEO_SECONDS = 60.0  # of a video that are predicted
WORK_SECONDS = 60.0  # after which the rest of a video is left out
MOST_PIXELS = 40_000_000  # of an image
SHOWN_SIDE = 960  # pixels, the longer side of a video that is shown: encoding takes longer than all the rest
# How the files of each container begin, as (place, bytes). FFmpeg would also open lists of other files and addresses.
_BEGINS = (
    (4, b"ftyp"),  # mp4, mov, m4v
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (0, b"RIFF"),  # avi
    (0, b"GIF8"),
    (0, b"FLV"),
    (0, b"OggS"),
    (0, b"\x30\x26\xb2\x75"),  # asf, wmv
    (0, b"\x1aE\xdf\xa3"),  # mkv, webm
    (0, b"\x00\x00\x01\xba"),  # mpeg
    (0, b"\x00\x00\x01\xb3"),
    (0, b"YUV4MPEG2"),
    (0, b"\xff\xd8"),  # mjpeg
    (188, b"G"),  # ts: packets of 188 bytes
    (196, b"G"),  # m2ts: of 192
)
# OpenCV's own limits, before it reads a header that promises too much, and FFmpeg's, against files that name others.
# OpenCV 4.11 alone does not hand these to FFmpeg; there, as everywhere, the first bytes decide (_require_container).
ENVIRONMENT = {
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS),
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file|"
    "format_whitelist;mov,avi,matroska,mpeg,mpegvideo,mpegts,mjpeg,yuv4mpegpipe,gif,flv,asf,ogg",
}


def predict_upload(path: str, out: str, is_image: bool, work: list[Any]) -> dict[str, Any]:
    """Predict the file at `path`, and write it with its points as `out` (.jpg, or a suffix of CODECS).

    work: the fields of a Work. Raises EdgefkpError for what cannot be read.
    """
    settings = Work(*work)
    return (_image if is_image else _video)(Path(path), Path(out), settings)


def _image(path: Path, out: Path, work: Work) -> dict[str, Any]:
    from edgefkp.data.images import decoded, image_bytes
    from edgefkp.detect.detector import KeypointDetector
    from edgefkp.detect.media import write_image
    from edgefkp.detect.overlay import draw_faces

    image = decoded(image_bytes(path))
    detector = KeypointDetector(
        work.model,
        work.finder,
        min_face=work.min_face,
        runtime=work.runtime,
        threads=work.threads,
        free=work.free,
    )
    started = time.perf_counter()
    faces = detector(image)
    passed = time.perf_counter() - started
    draw_faces(image, faces, work.names)
    write_image(out, image)
    scores = [face.score for face in faces]
    return {"faces": len(faces), "scores": scores, "size": [image.shape[1], image.shape[0]], "ms": 1000 * passed}


def _video(path: Path, out: Path, work: Work) -> dict[str, Any]:
    from edgefkp.detect.detector import KeypointDetector
    from edgefkp.detect.media import Video
    from edgefkp.detect.overlay import draw_faces
    from edgefkp.detect.recorder import VideoRecorder
    from edgefkp.detect.tracker import Tracker

    _require_container(path)
    detector = KeypointDetector(
        work.model,
        work.finder,
        min_face=work.min_face,
        runtime=work.runtime,
        threads=work.threads,
        free=work.free,
    )
    tracker = Tracker(detector, max_faces=work.max_faces)
    source = Video(path)
    recorder = VideoRecorder(out, source.fps)
    end = time.monotonic() + WORK_SECONDS
    count = with_face = 0
    seconds = spent = 0.0
    size, rest = [0, 0], ""
    try:
        for frame in source.frames():
            if frame is None:
                continue
            if frame.seconds > VIDEO_SECONDS or time.monotonic() > end:
                rest = f"only the first {seconds:.0f} s of it"
                break
            started = time.perf_counter()
            faces = tracker(frame.image, frame.seconds)
            spent += time.perf_counter() - started
            draw_faces(frame.image, faces, work.names)
            recorder.write(_shrunk(frame.image), frame.seconds)
            count, with_face, seconds = count + 1, with_face + bool(faces), frame.seconds
            size = [frame.image.shape[1], frame.image.shape[0]]
    except EdgefkpError as error:
        if not count:
            raise
        rest = error.message.replace(str(path), "it")  # cut off: what there is, is shown
    finally:
        source.close()
        recorder.close()
    return {
        "frames": count,
        "with_face": with_face,
        "seconds": seconds,
        "size": size,
        "ms": 1000 * spent / max(count, 1),
        "rest": rest,
    }


def _shrunk(image: np.ndarray) -> np.ndarray:
    import cv2

    scale = SHOWN_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _require_container(path: Path) -> None:
    with open(path, "rb") as stream:
        head = stream.read(250)
    if not any(head[place:].startswith(begin) for place, begin in _BEGINS):
        raise EdgefkpError("it is no video of a kind that is taken", "convert it: ffmpeg -i FILE FILE.mp4")
