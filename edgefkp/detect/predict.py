"""Keypoints of images, folders and videos: overlays and tables on disk, in constant memory, resumable.

OUT/points.csv has a row for each face of each image (an image without a face has one row with empty columns),
OUT/faces holds the overlays under the images' own names. A video gets an overlay video and a .csv with a row for each
frame.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.detect import finders
from edgefkp.detect.detector import Face, KeypointDetector
from edgefkp.detect.media import CODECS, IMAGE_SUFFIXES, Video, VideoRecorder, is_image, is_video, media_in, read_image
from edgefkp.detect.overlay import draw_faces
from edgefkp.detect.points_table import NO_FACE, PointsWriter, face_fields, rows_of
from edgefkp.detect.tracker import Tracker
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import replacing

SCHEMA = "edgefkp.predict/1"
_WRITABLE = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class Item(NamedTuple):
    """An image or a video."""

    path: Path
    name: str  # its path under the folder that was given, and under OUT


@dataclass(frozen=True)
class PredictSettings:
    """What each worker needs to make its own detector and to write overlays."""

    out: Path
    model: str | None = None
    finder: str = finders.DEFAULT
    max_faces: int | None = None
    runtime: str | None = None
    overlays: bool = True
    names: bool = False
    table: str = "csv"

    def detector(self) -> KeypointDetector:
        return KeypointDetector(self.model, self.finder, max_faces=self.max_faces, runtime=self.runtime)


@dataclass(frozen=True)
class Predicted:
    """What `edgefkp predict --json` prints."""

    schema: str
    out: Path
    images: int = field(metadata={"json": "pictures"})  # predicted now
    videos: int  # predicted now
    earlier: int  # images and videos that an earlier run finished
    faces: int
    without_face: int  # images
    skipped: dict[str, str]  # file -> reason


def find_items(paths: Iterable[Path], out: Path) -> list[Item]:
    """The images and videos at `paths`; folders are searched with their subfolders, by name, except for `out`.

    Raises UsageError for a path that does not exist, a file of another kind, or two files of one name.
    """
    items: list[Item] = []
    for path in paths:
        if path.is_dir():
            # What an earlier run wrote is no input of this one.
            inside = [inner for inner in media_in(path) if out.resolve() not in inner.resolve().parents]
            items += [Item(inner, inner.relative_to(path).as_posix()) for inner in inside]
        elif not path.exists():
            raise UsageError(f"no file or folder at {path}", "give images, folders or videos")
        elif not (is_image(path) or is_video(path)):
            raise UsageError(f"{path} is neither an image nor a video by its suffix", "convert it to .png or .mp4")
        else:
            items.append(Item(path, path.name))
    names: dict[str, Path] = {}
    for item in items:
        other = names.setdefault(item.name, item.path)
        if other != item.path:
            raise UsageError(f"{other} and {item.path} have the same name", "predict them into two folders: --out")
    if not items:
        raise UsageError("there is no image or video in what was given", f"known: {' '.join(sorted(IMAGE_SUFFIXES))}")
    return items


def predict(
    items: list[Item],
    settings: PredictSettings,
    workers: int = 1,
    done: Callable[[Item], None] = lambda item: None,
    detector: KeypointDetector | None = None,
) -> Predicted:
    """Predict the items that are not finished yet in `settings.out`.

    done: called with each item that is finished or skipped. detector: that of the settings, where it is open already.
    A file that cannot be read is skipped and listed. Raises EdgefkpError for an OUT that cannot be written.
    """
    detector = detector or settings.detector()
    images = [item for item in items if not is_video(item.path)]
    videos = [item for item in items if is_video(item.path)]
    with PointsWriter(settings.out, settings.table, detector.spec.layout) as table:
        missing = [item for item in images if item.name not in table.done]
        earlier = len(images) - len(missing)
        skipped: dict[str, str] = {}
        count = without = predicted = 0
        for item, rows in _all_rows(missing, settings, workers, detector):
            if rows is None:
                skipped[item.name] = "not an image that can be read"
            else:
                table.write(item.name, rows)
                predicted += 1
                count += len(rows)
                without += not rows
            done(item)
    predicted_videos = 0
    for item in videos:
        if _points_file(item, settings).exists():
            earlier += 1
        else:
            try:
                count += _predict_video(item, settings, detector)
                predicted_videos += 1
            except EdgefkpError as error:
                skipped[item.name] = error.message
        done(item)
    return Predicted(SCHEMA, settings.out, predicted, predicted_videos, earlier, count, without, skipped)


Rows = list[dict[str, Any]]


def _all_rows(
    items: list[Item], settings: PredictSettings, workers: int, detector: KeypointDetector
) -> Iterator[tuple[Item, Rows | None]]:
    """Each image and the rows of its faces, None for one that cannot be read, in order."""
    if workers == 1 or not items:
        yield from ((item, _predict_image(item, settings, detector)) for item in items)
        return
    import multiprocessing

    # Interpreters and OpenCV's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(workers, _start_worker, (settings,)) as pool:
        yield from zip(items, pool.imap(_predict_in_worker, items, chunksize=4), strict=True)


_worker: tuple[PredictSettings, KeypointDetector]


def _start_worker(settings: PredictSettings) -> None:
    global _worker
    _worker = settings, settings.detector()


def _predict_in_worker(item: Item) -> Rows | None:
    return _predict_image(item, *_worker)


def _predict_image(item: Item, settings: PredictSettings, detector: KeypointDetector) -> Rows | None:
    image = read_image(item.path)
    if image is None:
        return None
    faces = detector(image)
    if settings.overlays:
        _write_overlay(overlay_file(item, settings.out), image, faces, settings.names)
    return rows_of(faces)


def overlay_file(item: Item, out: Path) -> Path:
    """The image's own name; kinds that hold no colors or cannot be written become .png."""
    path = out / "faces" / item.name
    return path if path.suffix.lower() in _WRITABLE else path.with_name(path.name + ".png")


def _write_overlay(path: Path, image: np.ndarray, faces: list[Face], names: bool) -> None:
    import cv2

    draw_faces(image, faces, names)
    with replacing(path) as temporary:
        if not cv2.imwrite(str(temporary), image):
            raise EdgefkpError(f"cannot write {path}", "choose a folder on a disk with space left: --out")


def _points_file(item: Item, settings: PredictSettings) -> Path:
    return settings.out / f"{item.name}.{'csv' if settings.table == 'csv' else 'jsonl'}"


def _predict_video(item: Item, settings: PredictSettings, detector: KeypointDetector) -> int:
    """Track the faces of a video, and count them. Its table appears at the end: a half-done video starts again."""
    source = Video(item.path)
    tracker = Tracker(detector, max_faces=settings.max_faces or 1)
    name = settings.out / "faces" / item.name
    recorder = VideoRecorder(name if name.suffix in CODECS else name.with_name(name.name + ".mp4"), source.fps)
    count = 0
    try:
        with replacing(_points_file(item, settings)) as temporary, open(temporary, "w", newline="") as stream:
            writer = csv.DictWriter(stream, ("frame", "seconds", *face_fields(detector.spec.layout)))
            if settings.table == "csv":
                writer.writeheader()
            for number, frame in enumerate(source.frames()):
                if frame is None:
                    continue
                faces = tracker(frame.image, frame.seconds)
                count += len(faces)
                when = {"frame": number, "seconds": round(frame.seconds, 4)}
                for row in rows_of(faces) or [NO_FACE]:
                    if settings.table == "csv":
                        writer.writerow({**when, **row})
                    else:
                        stream.write(json.dumps({**when, **row}) + "\n")
                if settings.overlays:
                    draw_faces(frame.image, faces, settings.names)
                    recorder.write(frame.image)
        recorder.close()
    except BaseException:
        recorder.abandon()
        raise
    finally:
        source.close()
    return count
