"""What several kinds share: the tiny model, drawn faces, and a command of the command line as a call."""

import contextlib
import functools
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import Sample, Wrong
from edgefkp.card import Card, write_card
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/fixtures/tiny.float32.tflite"
FARTHEST = 10_000  # pixels; no image of a face has points beyond


@functools.cache
def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 96, 96) uint8 drawn faces, and their points."""
    images, points = draw_all(count)
    return images, points.astype(np.float32)


def samples_of(folder: Path, *names: str, opened: str = "") -> list[Sample]:
    return [Sample(folder, name, opened or name) for name in names]


def tiny_model(folder: Path, scheme: str = "float32", card: bool = True) -> Path:
    """A copy of a fixture in `folder`, with a card beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(shutil.copyfile(TINY.with_name(f"tiny.{scheme}.tflite"), folder / f"tiny.{scheme}.tflite"))
    if card:
        write_card(path, Card("tflite", "tiny", scheme=scheme, metrics={"validation_rmse": 2.5}, parameters=640))
    return path


def command(*arguments: Any) -> str:
    """What `edgefkp ARGUMENTS` prints. Raises EdgefkpError if it ends with an error of its own."""
    from edgefkp.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(one) for one in arguments])
        except SystemExit as end:
            if end.code not in (0, None):
                raise EdgefkpError(f"exit code {end.code}: {err.getvalue()[-200:]}") from None
    return out.getvalue()


def require_points(points: np.ndarray) -> None:
    """Raise Wrong for points that are infinite or beyond any image; NaN is a point that is missing."""
    if np.isinf(points).any() or (np.abs(points[~np.isnan(points)]) > FARTHEST).any():
        raise Wrong(f"points up to {np.nanmax(np.abs(points)):.3g} px")
