"""One image of edgefkp predict: read, predicted, drawn; also what each worker needs for it."""

import errno
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp._version import __version__
from edgefkp.data.images import decoded, image_bytes
from edgefkp.detect import finders
from edgefkp.detect.detector import Face, KeypointDetector
from edgefkp.detect.media import write_image
from edgefkp.detect.overlay import annotated
from edgefkp.detect.points_table import rows_of
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_file
from edgefkp.layout import PointLayout
from edgefkp.layouts.maps import find_conversion
from edgefkp.runtime.engine import RuntimeChoice

TIMEOUT = 300.0  # seconds; the largest image that is read takes a slow board a minute
_WRITABLE = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class Item:
    """An image or a video."""

    path: Path
    name: str  # its path under the folder that was given, and under OUT


@dataclass(frozen=True)
class Outcome:
    """What became of an image or a video."""

    rows: list[dict[str, Any]] | None = None  # of an image's faces; None: the file was skipped
    faces: int = 0  # in it; of a video, those of all frames
    sha256: str = ""  # of the file's content; "" for one that was skipped
    reason: str = ""  # why it was skipped
    silence: str = ""  # why the overlay of a video has no sound


@dataclass(frozen=True)
class PredictSettings:
    """What each worker needs to make its own detector and to write overlays."""

    out: Path
    model: str | None = None
    finder: str = finders.DEFAULT
    max_faces: int | None = None
    runtime: RuntimeChoice = None
    overlays: bool = True
    names: bool = False
    table: str = "csv"
    timeout: float = TIMEOUT  # seconds that an image, or a frame of a video, may take
    layout: PointLayout | None = None  # of the points that are written and drawn; None: the model's
    min_face: float | None = None
    free: bool = False

    def detector(self) -> KeypointDetector:
        return KeypointDetector(
            self.model,
            self.finder,
            max_faces=self.max_faces,
            min_face=self.min_face,
            runtime=self.runtime,
            free=self.free,
        )

    def identity(self, detector: KeypointDetector) -> dict[str, Any]:
        """What must be the same for an earlier run's work to count: values by the names of the options."""
        name, _, argument = self.finder.partition(":")
        optional: dict[str, Any] = {} if self.min_face is None else {"min face": self.min_face}
        if self.free:
            optional["free"] = True
        return {
            "edgefkp": __version__,
            "model": sha256_file(detector.model),
            "finder": name,
            "finder's file": sha256_file(argument) if os.path.isfile(argument) else argument,
            "faces": self.max_faces or "all",
            "runtime": detector.predictor.runtime,
            **({"accelerator": on} if (on := detector.predictor.accelerator) else {}),
            "format": self.table,
            "overlays": self.overlays,
            "names": self.names,
            **({"layout": self.layout.to_json()} if self.layout else {}),
            **optional,
        }

    def points_of(self, detector: KeypointDetector) -> PointLayout:
        """Raises EdgefkpError where the points that are asked for do not follow from the model's."""
        if self.layout is None:
            return detector.spec.layout
        if find_conversion(detector.spec.layout, self.layout) is None:
            raise EdgefkpError(
                f"the points of {self.layout.name} do not follow from the {detector.spec.layout.count} points "
                f"({detector.spec.layout.name}) of {detector.model.name}",
                "leave out --layout, or choose another --model",
            )
        return self.layout

    def shown(self, faces: Sequence[Face]) -> list[Face]:
        """The faces with the points that are asked for."""
        return [face.in_layout(self.layout) for face in faces] if self.layout else list(faces)


def predict_image(item: Item, settings: PredictSettings, detector: KeypointDetector) -> Outcome:
    """Raises EdgefkpError for an overlay that cannot be written."""
    try:
        content = image_bytes(item.path)
        image = decoded(content)
        faces = settings.shown(detector(image))
    except EdgefkpError as error:
        return Outcome(reason=error.message)
    except MemoryError:
        return Outcome(reason="it needs more memory than there is")
    if settings.overlays:
        drawn = annotated(image, faces, settings.names, margins=True)
        try:
            write_image(overlay_file(item, settings.out), drawn)
        except EdgefkpError as error:
            if not _is_too_long(error):
                raise
            return Outcome(reason="its name is too long for an overlay beside it; --no-overlays leaves that out")
    return Outcome(rows_of(faces), len(faces), hashlib.sha256(content).hexdigest())


def overlay_file(item: Item, out: Path) -> Path:
    """The image's own name; kinds that hold no colors or cannot be written become .png."""
    path = out / "faces" / item.name
    return path if path.suffix.lower() in _WRITABLE else path.with_name(path.name + ".png")


def _is_too_long(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno == errno.ENAMETOOLONG:
            return True
        cause = cause.__cause__
    return False
