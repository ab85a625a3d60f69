"""One video of edgefkp predict: tracked, drawn, its table written."""

import contextlib
import csv
import json
from collections.abc import Callable
from pathlib import Path

from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.images import Item, Outcome, PredictSettings
from edgefkp.detect.media import Video
from edgefkp.detect.overlay import annotated
from edgefkp.detect.points_table import NO_FACE, face_fields, first_fields, points_file, rows_of
from edgefkp.detect.recorder import CODECS, VideoRecorder
from edgefkp.detect.sound import reason_for_silence
from edgefkp.detect.tracker import Tracker
from edgefkp.errors import EdgefkpError
from edgefkp.files import replacing, sha256_file


def predict_video(
    item: Item, settings: PredictSettings, detector: KeypointDetector, begun: Callable[[], None]
) -> Outcome:
    """begun: called before each frame."""
    try:
        sha256 = sha256_file(item.path)
        faces, silence = _track(item, settings, detector, begun)
        return Outcome([], faces, sha256, silence=silence)
    except EdgefkpError as error:
        return Outcome(reason=error.message)
    except MemoryError:
        return Outcome(reason="it needs more memory than there is")


def overlay_video(item: Item, out: Path) -> Path:
    """The video's own name; kinds that cannot be written become .mp4."""
    path = out / "faces" / item.name
    return path if path.suffix in CODECS else path.with_name(path.name + ".mp4")


def _track(
    item: Item, settings: PredictSettings, detector: KeypointDetector, begun: Callable[[], None]
) -> tuple[int, str]:
    """Track the faces of a video: (their number, why the overlay has no sound or "").

    Its table appears at the end: a half-done video starts again.
    """
    tracker = Tracker(detector, max_faces=settings.max_faces or 1)
    layout = settings.points_of(detector)
    fields = ("frame", "seconds", *face_fields(layout, bool(detector.spec.output.deviation)))
    path = points_file(settings.out, settings.table, item.name)
    header = ",".join(("frame", "seconds", *first_fields(layout)))
    _require_own(path, header if settings.table == "csv" else '{"frame": ')
    count = 0
    with contextlib.ExitStack() as stack:
        source = Video(item.path)
        stack.callback(source.close)
        recorder = None
        if settings.overlays:
            recorder = VideoRecorder(overlay_video(item, settings.out), source.fps, sound=item.path)
            stack.callback(recorder.abandon)
        stream = stack.enter_context(open(stack.enter_context(replacing(path)), "w", newline="", encoding="utf-8"))
        writer = csv.DictWriter(stream, fields)
        if settings.table == "csv":
            writer.writeheader()
        for number, frame in enumerate(source.frames()):
            begun()
            if frame is None:
                continue
            faces = settings.shown(tracker(frame.image, frame.seconds))
            count += len(faces)
            when = {"frame": number, "seconds": round(frame.seconds, 4)}
            for row in rows_of(faces) or [NO_FACE]:
                if settings.table == "csv":
                    writer.writerow({**when, **row})
                else:
                    stream.write(json.dumps({**when, **row}) + "\n")
            if recorder:
                recorder.write(annotated(frame.image, faces, settings.names), frame.seconds)
        if recorder:
            begun()
            recorder.close()
    return count, reason_for_silence(item.path) if recorder and not recorder.has_sound else ""


def _require_own(path: Path, begin: str) -> None:
    """Raise EdgefkpError for a file at `path` that is not empty and does not begin so."""
    if path.exists():
        with open(path, "rb") as stream:
            found = stream.read(len(begin.encode()))
        if found and found != begin.encode():
            raise EdgefkpError(f"{path} is not a table that edgefkp predict wrote", "choose another folder: --out")
