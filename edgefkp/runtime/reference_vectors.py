"""Reference vectors: eight images and the points that each shipped file gives on them, checked once on every machine.

Bytes altered on the way, a broken kernel or a processor's own arithmetic change the numbers without any error. The
vectors are made by `python -m bench.make_reference_vectors`.
"""

import platform
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.errors import EdgefkpError, reading
from edgefkp.files import sha256_file
from edgefkp.runtime import passed
from edgefkp.runtime.shipped import VECTORS
from edgefkp.runtime.tflite_model import TfliteModel

FLOAT_LIMIT = 0.01  # px; float arithmetic in another order
INTEGER_LIMIT = 0.25  # px; rounding of integers, which runtimes do differently by one step
ACCELERATED_LIMIT = 1.0  # px
_CHECK = "golden"
LARGEST = 1 << 28  # bytes of a file of vectors, unpacked
_LIMIT = ".limit"  # suffix of the array that holds a file's limit


@dataclass(frozen=True, eq=False)
class ReferenceVectors:
    images: np.ndarray  # (8, side, side[, 3]) uint8
    keypoints: dict[str, np.ndarray]  # sha256 of a file -> (8, K, 2) float32 pixels
    limits: dict[str, float] = field(default_factory=dict)  # sha256 of a file -> pixels that it may differ by

    def save(self, path: Path) -> None:
        limits = {f"{digest}{_LIMIT}": np.float64(limit) for digest, limit in self.limits.items()}
        write_arrays(path, {"images": self.images, **self.keypoints, **limits}, compressed=True)


def read_reference_vectors(path: Path | None = None) -> ReferenceVectors:
    """The shipped vectors, or those at `path`. Raises EdgefkpError if the file is missing or damaged."""
    path = path or VECTORS
    arrays = read_arrays(path, "install edgefkp again", LARGEST)
    with reading(path, "a whole file of reference vectors", "install edgefkp again"):
        limits = {name.removesuffix(_LIMIT): float(arrays.pop(name)) for name in [*arrays] if name.endswith(_LIMIT)}
        return ReferenceVectors(arrays.pop("images"), arrays, limits)


def known_vectors(path: Path | str) -> tuple[np.ndarray, np.ndarray] | None:
    """Images, and the points that a shipped file gives on them; None for other files."""
    if not VECTORS.exists():
        return None
    known, digest = read_reference_vectors(), sha256_file(path)
    return (known.images, known.keypoints[digest]) if digest in known.keypoints else None


def check_reference_vectors(path: Path | str, model: TfliteModel) -> float | None:
    """Compare the points of `model`, loaded from `path`, on the reference images with the known ones.

    Returns the largest difference in pixels; None for a file that is not shipped, or that passed here before with the
    same runtime on the CPU. Raises EdgefkpError if the difference is too large.
    """
    path = Path(path)
    digest = sha256_file(path)
    if not VECTORS.exists():
        return None
    facts = digest, model.runtime, model.version, sha256_file(VECTORS)
    on = model.engine.on
    if not on and passed.has_passed(_CHECK, *facts):
        return None
    known = read_reference_vectors()
    if digest not in known.keypoints:
        return None
    where = f"{model.runtime} {model.version}{f' on {on}' if on else ''}, {platform.machine()}"
    difference = float(np.abs(model.predict(known.images) - known.keypoints[digest]).max())
    # On an accelerator a file may be another network: activations that int8 rounds stay floats there.
    limit = ACCELERATED_LIMIT if on else known.limits.get(digest, INTEGER_LIMIT)
    if not difference <= limit:
        raise EdgefkpError(
            f"{path.name} gives other points here than it should: {difference:.3g} px away on the reference images, at "
            f"most {limit:g} px is right ({where})",
            f"run it without {on}"
            if on
            else "install edgefkp and the runtime again, or try another: --runtime litert, tflite-runtime",
        )
    if not on:  # it may be right at first only: bench compares the fiftieth inference, too
        passed.remember(_CHECK, *facts, note=f"{difference}\n")
    return difference
