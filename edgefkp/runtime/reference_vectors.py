"""Golden vectors: eight pictures and what each shipped file says about them, checked once on every machine.

Bytes altered on the way, a broken kernel or a processor's own arithmetic give other numbers without a word. The vectors
are made by `python -m bench.make_reference_vectors`.
"""

import contextlib
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.card import parse_tflite, read_card
from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, read_json, sha256_file, write_text
from edgefkp.runtime.tflite_model import TfliteModel

VECTORS = Path(__file__).parent / "shipped" / "golden.npz"
FLOAT_LIMIT = 0.01  # px; float arithmetic in another order
INTEGER_LIMIT = 0.25  # px; rounding of integers, which runtimes do differently by one step
_FLOAT_SCHEMES = ("float32", "float16")


@dataclass(frozen=True, eq=False)
class Golden:
    """images: (8, 96, 96) uint8. keypoints: file sha256 -> (8, 15, 2) float32 pixels."""

    images: np.ndarray
    keypoints: dict[str, np.ndarray]


def read_golden(path: Path | None = None) -> Golden:
    """The shipped vectors, or those at `path`. Raises EdgefkpError where the file is missing or damaged."""
    path = path or VECTORS
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Golden(arrays.pop("images"), arrays)
    except Exception as error:  # numpy and zipfile raise many kinds
        raise EdgefkpError(f"{path} cannot be read: {error}", "install edgefkp again") from error


def check_golden(path: Path | str, model: TfliteModel) -> float | None:
    """Compare what `model`, loaded from `path`, says about the golden pictures with what is known.

    Returns the largest difference in pixels; None for a file that is not shipped, or that passed here before with the
    same runtime. Raises EdgefkpError where the difference is too large.
    """
    path = Path(path)
    digest = sha256_file(path)
    passed = cache_dir() / "golden" / "-".join((digest, model.runtime, model.version, platform.machine()))
    if not VECTORS.exists() or passed.exists():
        return None
    golden = read_golden()
    if digest not in golden.keypoints:
        return None
    difference = float(np.abs(model.predict(golden.images) - golden.keypoints[digest]).max())
    limit = limit_of(_shipped(digest) or path)
    if not difference <= limit:
        raise EdgefkpError(
            f"{path.name} gives other points here than it should: {difference:.3g} px away on the golden pictures, at "
            f"most {limit:g} px is right ({model.runtime} {model.version}, {platform.machine()})",
            "install edgefkp and the runtime again, or try another: --runtime litert, tflite-runtime",
        )
    with contextlib.suppress(EdgefkpError):  # an unwritable cache only means that it is checked again
        write_text(passed, f"{difference}\n")
    return difference


def _shipped(digest: str) -> Path | None:
    """The shipped file with these bytes: a copy of it elsewhere may have lost its name and card."""
    cards = {path.with_suffix(".tflite"): read_json(path) for path in VECTORS.parent.glob("*.json")}
    return next((path for path, card in cards.items() if card.get("sha256") == digest), None)


def limit_of(path: Path) -> float:
    """Pixels that `path` may differ by: its scheme's, or a larger one whose cause its card states."""
    stated = (read_card(path) or {}).get("golden") or {}
    usual = FLOAT_LIMIT if parse_tflite(path).scheme in _FLOAT_SCHEMES else INTEGER_LIMIT
    return float(stated["limit"]) if stated.get("cause") else usual
