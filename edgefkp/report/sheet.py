"""A few held-out faces with true and predicted points, kept beside a run's JSON for its prediction sheet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import replacing


@dataclass(frozen=True, eq=False)
class Sheet:
    """images: (N, 96, 96) uint8. truth: (N, 15, 2) px, NaN = missing. predicted: model -> (N, 15, 2) px."""

    images: np.ndarray
    truth: np.ndarray
    predicted: dict[str, np.ndarray]


def write_sheet(path: Path, sheet: Sheet) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        predicted: dict[str, Any] = {f"predicted/{model}": points for model, points in sheet.predicted.items()}
        np.savez_compressed(stream, images=sheet.images, truth=sheet.truth, **predicted)


def read_sheet(path: Path) -> Sheet:
    """Raises EdgefkpError where `path` is not a whole sheet."""
    try:
        with np.load(path) as stored:
            predicted = {name.split("/", 1)[1]: stored[name] for name in stored.files if "/" in name}
            return Sheet(stored["images"], stored["truth"], predicted)
    except Exception as error:  # np.load raises many kinds for a damaged zip
        raise EdgefkpError(f"{path} is not a prediction sheet: {error}", "make it again with edgefkp run") from error
