"""The export station: every .keras in, .tflite files with cards out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import Card, read_card, versions, write_card
from edgefkp.data.source import Source
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.export.calibration import calibration_images
from edgefkp.export.convert import convert
from edgefkp.files import replacing, sha256_arrays, sha256_file
from edgefkp.naming import TfliteName
from edgefkp.predictor import load_keras

DEFAULT_SCHEMES = ("float32", "int8")

# What a .tflite inherits from the card of the network it is made from.
_INHERITED = ("network", "treatment", "augment", "weights", "parameters", "macs", "data", "metrics")


def find_networks(names: Sequence[str], folder: Path) -> list[Path]:
    """The .keras files called `names` (paths, or models in `folder`), or all of `folder` where none is named.

    Raises EdgefkpError where one is not there, or none at all.
    """
    if not names:
        found = sorted(folder.glob("*.keras"))
        if not found:
            raise EdgefkpError(f"there is no .keras file in {folder}", "train one first: edgefkp train small")
        return found
    return [_find(name, folder) for name in names]


def _find(name: str, folder: Path) -> Path:
    for path in (Path(name), folder / f"{name}.keras"):
        if path.is_file() and path.suffix == ".keras":
            return path
    known = ", ".join(path.stem for path in sorted(folder.glob("*.keras"))) or "nothing"
    raise EdgefkpError(f"no network '{name}': neither a .keras file nor a model in {folder}", f"there is: {known}")


def export_network(path: Path, out: Path, schemes: Sequence[str], source: Source) -> list[Path]:
    """Convert one .keras file by each scheme into `out`; files made before from the same bytes are left as they are.

    source: its training persons calibrate the integer schemes.
    """
    parent = sha256_file(path)
    calibration = calibration_images(split(source))
    identity = {"parent_sha256": parent, "calibration": sha256_arrays(calibration)}
    model: Any = None
    written = []
    for scheme in schemes:
        target = out / TfliteName(path.stem, scheme, u8=False).filename
        written.append(target)
        if _is_current(target, identity):
            continue
        model = model or load_keras(path).model
        with replacing(target) as temporary:
            temporary.write_bytes(convert(model, scheme, calibration))
        write_card(target, _card(path, scheme, identity, source, calibration))
    return written


def _is_current(target: Path, identity: dict[str, str]) -> bool:
    card = read_card(target) if target.exists() else None
    return bool(
        card
        and card.get("parent_sha256") == identity["parent_sha256"]
        and card.get("calibration", {}).get("hash") == identity["calibration"]
        and card.get("sha256") == sha256_file(target)
    )


def _card(path: Path, scheme: str, identity: dict[str, str], source: Source, calibration: np.ndarray) -> Card:
    parent = read_card(path) or {}
    return {
        "kind": "tflite",
        "model": path.stem,
        "scheme": scheme,
        "parent_sha256": identity["parent_sha256"],
        "parent_bytes": path.stat().st_size,
        "calibration": {"data": source.name, "faces": len(calibration), "hash": identity["calibration"]},
        **{key: parent[key] for key in _INHERITED if key in parent},
        "versions": versions("tensorflow", "keras", "numpy"),
    }
