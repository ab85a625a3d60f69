"""What a face finder is: boxes in an image, corrected so that they lie on the face as a training crop does.

Each face detector draws its boxes larger or higher than another. So each finder has a correction, a scale and a shift,
fitted on training persons by `python -m bench.fit_finders`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from edgefkp.detect.presence import FACE_THRESHOLD
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.geometry import Box
from edgefkp.records import Registry

CORRECTIONS = Path(__file__).with_name("calibration.json")


class FaceBox(NamedTuple):
    box: Box  # image pixels, as a training crop lies on the face
    score: float  # the finder's own; a larger one is surer
    points: np.ndarray | None = None  # (5, 2) float32 image pixels, of a finder that has them: networks.finder.FIVE


class FaceFinder(Protocol):
    """An open finder. One whose boxes need a correction keeps it in an attribute `correction`, so that
    bench.fit_finders can fit it anew. One that finds more where time does not matter has `find_in_still`, which takes
    and returns what `find` does. One that can search as finely as it is asked to has an attribute `min_face`: see
    `least_side`; None = its own limits."""

    name: str  # as in FINDERS

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """The faces of a (H, W) gray or (H, W, 3) BGR uint8 image, those with the best scores first."""
        ...


def find_in_still(finder: FaceFinder, image: np.ndarray) -> list[FaceBox]:
    """The faces of an image that is no frame of a video: by the finder's `find_in_still`, else its `find`."""
    thorough: Callable[[np.ndarray], list[FaceBox]] = getattr(finder, "find_in_still", finder.find)
    return thorough(image)


def least_side(min_face: float, image: np.ndarray) -> float:
    """Pixels of the image. min_face: smallest side of a face, below 1 as a share of the image's short side, else in
    pixels."""
    return min_face if min_face >= 1 else min_face * min(image.shape[:2])


@dataclass(frozen=True)
class Finder:
    """An entry of FINDERS: a file of this folder makes one and registers it."""

    name: str  # as in --finder
    description: str  # one line for help and docs: what it finds and what it needs
    # Opens it. The argument is what follows the colon in "NAME:ARGUMENT", "" without one. Raises EdgefkpError or
    # EnvironmentProblem for a file or a package that is missing.
    open: Callable[[str], FaceFinder]
    argument: str = ""  # what may follow the colon, for the help: "FILE.onnx"; "" for a finder without arguments
    needs_argument: bool = False
    # Faces below it are dropped, unless the user asks for another limit. 0: the finder's boxes are trusted.
    min_score: float = FACE_THRESHOLD
    taught: bool = True  # by data, whose terms then count (free.py)

    @property
    def usage(self) -> str:
        """As it is typed: "haar", "blazeface[:FILE.tflite]", "yunet:FILE.onnx"."""
        argument = f":{self.argument}" if self.argument else ""
        return self.name + (argument if self.needs_argument or not argument else f"[{argument}]")


FINDERS: Registry[Finder] = Registry("face finder", "edgefkp.detect.finders", order=lambda finder: finder.name)


class BoxCorrection(NamedTuple):
    """From a finder's own square to the box: first the shift, then the scale."""

    x: float = 0.0  # in shares of the square's side
    y: float = 0.0  # in shares of the square's side
    scale: float = 1.0

    def apply(self, square: Box) -> Box:
        return square.moved(self.x, self.y, self.scale)


def correction_of(name: str) -> BoxCorrection:
    """The fitted correction of that finder; the identity for a finder without one."""
    return _corrections().get(name, BoxCorrection())


@functools.cache
def _corrections() -> dict[str, BoxCorrection]:
    if not CORRECTIONS.exists():
        return {}
    finders = read_json(CORRECTIONS)["finders"]
    return {name: BoxCorrection(row["x"], row["y"], row["scale"]) for name, row in finders.items()}


def require_model(path: str | Path | None, name: str, hint: str) -> Path:
    """`path` as an existing file. Raises EdgefkpError for a file that is not given or does not exist."""
    if not path or not Path(path).is_file():
        found = f"no file at {path}" if path else "no model file was given"
        raise EdgefkpError(f"the face finder {name} needs its model: {found}", hint)
    return Path(path)
