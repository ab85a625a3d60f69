"""Keypoints of images, folders and videos: overlays and tables on disk, in constant memory, resumable.

OUT/points.csv has a row for each face of each image (an image without a face has one row with empty columns),
OUT/faces holds the overlays under the images' own names. A video gets an overlay video and a .csv with a row for each
frame. OUT/predict.jsonl holds the settings, and the hash of each file that is finished: another content of the same
name is predicted again, other settings are refused.
"""

import contextlib
import csv
import json
import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.growing import Ledger
from edgefkp.detect.images import Item, Outcome, PredictSettings, overlay_file, predict_image
from edgefkp.detect.media import IMAGE_SUFFIXES, Video, is_image, is_video, media_in
from edgefkp.detect.overlay import draw_faces
from edgefkp.detect.points_table import NO_FACE, PointsWriter, face_fields, first_fields, points_file, rows_of, shown
from edgefkp.detect.predicted_coco import FILE as COCO_FILE
from edgefkp.detect.predicted_coco import write_coco
from edgefkp.detect.recorder import CODECS, VideoRecorder
from edgefkp.detect.tracker import Tracker
from edgefkp.detect.workers import in_workers
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import replacing, sha256_file

__all__ = ["Item", "PredictSettings", "Predicted", "find_items", "predict"]

SCHEMA = "edgefkp.predict/1"


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
        if os.path.isdir(path):
            # What an earlier run wrote is no input of this one.
            inside = [inner for inner in media_in(path) if out.resolve() not in inner.resolve().parents]
            items += [Item(inner, inner.relative_to(path).as_posix()) for inner in inside]
        elif not os.path.exists(path):
            raise UsageError(f"no file or folder at {path}", "give images, folders or videos")
        elif not os.path.isfile(path) or not (is_image(path) or is_video(path)):
            raise UsageError(f"{path} is neither an image nor a video by its suffix", "convert it to .png or .mp4")
        else:
            items.append(Item(path, path.name))
    names: dict[str, Path] = {}
    for item in items:
        other = names.setdefault(shown(item.name), item.path)
        if other != item.path:
            raise UsageError(f"{other} and {item.path} have the same name", "predict them into two folders: --out")
    for item in items:
        if item.path.resolve() in (overlay_file(item, out).resolve(), _overlay_video(item, out).resolve()):
            raise UsageError(f"{item.path} would be overwritten by its overlay", "choose another folder: --out")
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
    A file that cannot be read is skipped and listed. Raises EdgefkpError for an OUT that cannot be written, that
    belongs to other settings or to other files, or that another process writes into.
    """
    detector = detector or settings.detector()
    images = [item for item in items if not is_video(item.path)]
    videos = [item for item in items if is_video(item.path)]
    skipped: dict[str, str] = {}
    count = without = predicted = predicted_videos = 0
    written = [points_file(settings.out, settings.table), settings.out / "faces"]
    written += [points_file(settings.out, settings.table, item.name) for item in videos]
    written += [settings.out / COCO_FILE] if settings.table == "coco" else []
    with Ledger(settings.out, settings.identity(detector), written) as ledger:
        changed = {shown(item.name) for item in items if not _holds(item, settings, ledger)}
        keep = (ledger.hashes.keys() - changed).__contains__
        with PointsWriter(settings.out, settings.table, detector.spec.layout, keep) as table:
            missing = [item for item in images if shown(item.name) not in table.done]
            earlier = len(images) - len(missing)
            with contextlib.closing(_outcomes(missing, settings, workers, detector)) as outcomes:
                for item, outcome in outcomes:
                    name = shown(item.name)
                    if outcome.rows is None:
                        skipped[name] = outcome.reason
                    else:
                        table.write(name, outcome.rows)
                        ledger.add(name, outcome.sha256)
                        predicted += 1
                        count += len(outcome.rows)
                        without += not outcome.rows
                    done(item)
        for item in videos:
            name = shown(item.name)
            if name not in changed and points_file(settings.out, settings.table, item.name).exists():
                earlier += 1
            else:
                try:
                    sha256 = sha256_file(item.path)
                    count += _predict_video(item, settings, detector)
                    ledger.add(name, sha256)
                    predicted_videos += 1
                except EdgefkpError as error:
                    skipped[name] = error.message
            done(item)
    if settings.table == "coco":
        write_coco(points_file(settings.out, settings.table), images, detector.spec.layout, settings.out)
    return Predicted(SCHEMA, settings.out, predicted, predicted_videos, earlier, count, without, skipped)


def _holds(item: Item, settings: PredictSettings, ledger: Ledger) -> bool:
    """An earlier run predicted this very content, and what it drew is there."""
    earlier = ledger.hashes.get(shown(item.name))
    if earlier is None:
        return False
    overlay = (_overlay_video if is_video(item.path) else overlay_file)(item, settings.out)
    try:
        return (not settings.overlays or overlay.exists()) and sha256_file(item.path) == earlier
    except (OSError, EdgefkpError):
        return False


def _outcomes(
    items: list[Item], settings: PredictSettings, workers: int, detector: KeypointDetector
) -> Generator[tuple[Item, Outcome], None, None]:
    """Each image and what became of it, in order."""
    if workers > 1 and items:
        yield from in_workers(items, settings, workers)
    else:
        yield from ((item, predict_image(item, settings, detector)) for item in items)


def _overlay_video(item: Item, out: Path) -> Path:
    """The video's own name; kinds that cannot be written become .mp4."""
    path = out / "faces" / item.name
    return path if path.suffix in CODECS else path.with_name(path.name + ".mp4")


def _predict_video(item: Item, settings: PredictSettings, detector: KeypointDetector) -> int:
    """Track the faces of a video, and count them. Its table appears at the end: a half-done video starts again."""
    tracker = Tracker(detector, max_faces=settings.max_faces or 1)
    fields = ("frame", "seconds", *face_fields(detector.spec.layout))
    path = points_file(settings.out, settings.table, item.name)
    _require_own(
        path,
        ",".join(("frame", "seconds", *first_fields(detector.spec.layout)))
        if settings.table == "csv"
        else '{"frame": ',
    )
    count = 0
    with contextlib.ExitStack() as stack:
        source = Video(item.path)
        stack.callback(source.close)
        recorder = None
        if settings.overlays:
            recorder = VideoRecorder(_overlay_video(item, settings.out), source.fps)
            stack.callback(recorder.abandon)
        stream = stack.enter_context(open(stack.enter_context(replacing(path)), "w", newline="", encoding="utf-8"))
        writer = csv.DictWriter(stream, fields)
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
            if recorder:
                draw_faces(frame.image, faces, settings.names)
                recorder.write(frame.image)
        if recorder:
            recorder.close()
    return count


def _require_own(path: Path, begin: str) -> None:
    """Raise EdgefkpError for a file at `path` that is not empty and does not begin so."""
    if path.exists():
        with open(path, "rb") as stream:
            found = stream.read(len(begin.encode()))
        if found and found != begin.encode():
            raise EdgefkpError(f"{path} is not a table that edgefkp predict wrote", "choose another folder: --out")
