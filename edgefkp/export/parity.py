"""Parity: what a .tflite file says differently from the network it was made from, on the same labelled faces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.evaluation.bootstrap import paired_interval
from edgefkp.evaluation.metrics import rmse
from edgefkp.export.inspect import behind, integer_bounds
from edgefkp.files import sha256_file
from edgefkp.layout import NAMES
from edgefkp.runtime import safety
from edgefkp.runtime.graph import read_graph
from edgefkp.runtime.safety import run_in_child

SCHEMA = "edgefkp.parity/1"


@dataclass(frozen=True)
class Shift:
    """How far points move, in pixels of the 96x96 image."""

    p95: float
    max: float


@dataclass(frozen=True)
class Parity:
    """rmse_before, rmse_after: of the reference and of the file. delta: after - before; interval: 95 %, bootstrap over
    persons, of the paired difference. shift: of all points, shift_per_point: by name, on all faces.
    saturated: outputs at the end of their integer range, of `outputs`; None where the outputs are no integers.
    """

    schema: str
    file: str
    sha256: str
    scheme: str
    runtime: str
    version: str
    reference: dict[str, Any]
    data: dict[str, Any]
    faces: int
    persons: int
    coordinates: int
    rmse_before: float
    rmse_after: float
    delta: float
    interval: tuple[float, float]
    shift: Shift
    shift_per_point: dict[str, Shift]
    saturated: int | None
    outputs: int


@dataclass(frozen=True, eq=False)
class Reference:
    """keypoints: (N, 15, 2) of the network before conversion, on the faces in question."""

    path: Path
    runtime: str
    version: str
    keypoints: np.ndarray

    @property
    def entry(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "sha256": sha256_file(self.path),
            "runtime": self.runtime,
            "version": self.version,
        }


def labelled(faces: Faces) -> Faces:
    """The faces with at least one label. Raises EdgefkpError where there is none."""
    if not faces.labeled.any():
        raise EdgefkpError("there is no labelled face to compare on", "give --data with labels")
    return faces.take(faces.labeled)


def reference_of(path: Path, images: np.ndarray) -> Reference:
    """Ask the network that others are compared with, a .keras or .tflite file, about (N, 96, 96) uint8 images."""
    if path.suffix == ".tflite":
        safety.check(path)
        told = run_in_child(path, images)
        return Reference(path, told.runtime, told.version, told.keypoints)
    from edgefkp.runtime.predictor import open_predictor

    predictor = open_predictor(path)
    return Reference(path, predictor.runtime, predictor.version, predictor.predict(images))


def parity(
    path: Path,
    scheme: str,
    faces: Faces,
    data: dict[str, Any],
    reference: Reference,
    runtime: str | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Parity:
    """Run `path` over `faces` (all labelled) and compare it with `reference`, which was asked about the same.

    data: the name and part of the faces, for the result. Raises EdgefkpError where the file cannot be run.
    """
    safety.check(path, runtime)
    told = run_in_child(path, faces.images, runtime, progress=progress)
    before, after, truth = reference.keypoints, told.keypoints, faces.keypoints
    moved = np.linalg.norm(after - before, axis=-1)
    return Parity(
        schema=SCHEMA,
        file=path.name,
        sha256=sha256_file(path),
        scheme=scheme,
        runtime=told.runtime,
        version=told.version,
        reference=reference.entry,
        data={**data, "hash": faces.hash},
        faces=len(faces),
        persons=len(np.unique(faces.groups)),
        coordinates=int((~np.isnan(truth)).sum()),
        rmse_before=rmse(before, truth),
        rmse_after=rmse(after, truth),
        delta=rmse(after, truth) - rmse(before, truth),
        interval=paired_interval(before, after, truth, faces.groups),
        shift=_shift(moved),
        shift_per_point={name: _shift(moved[:, number]) for number, name in enumerate(NAMES)},
        saturated=saturated(path, told.outputs),
        outputs=told.outputs.size,
    )


def saturated(path: Path, outputs: np.ndarray) -> int | None:
    """How many of (N, 30) outputs stand at the end of their integers' range; None where they are no integers."""
    graph = read_graph(path)
    port = graph.outputs[0]
    integers = port if port.quantized else behind(graph, port)
    bounds = integer_bounds(integers) if integers else None
    if integers is None or bounds is None:
        return None
    if integers is not port:
        outputs = np.rint(outputs / integers.scales[0]) + integers.zero_points[0]
    return int(((outputs <= bounds[0]) | (outputs >= bounds[1])).sum())


def _shift(moved: np.ndarray) -> Shift:
    return Shift(float(np.percentile(moved, 95)), float(moved.max()))


def require_delta(results: Sequence[dict[str, Any]], limit: float) -> None:
    """Raise GateError where a file's RMSE is more than `limit` pixels above its network's.

    results: `Parity` as in the cards.
    """
    over = [result for result in results if result["delta"] > limit]
    if over:
        worst = max(over, key=lambda result: result["delta"])
        low, high = worst["interval"]
        raise GateError(
            f"{len(over)} of {len(results)} files lose more than {limit} px; {worst['file']}: {worst['delta']:+.4f} px "
            f"(95 %: {low:+.4f} to {high:+.4f})",
            "see which layers cost most: edgefkp export --explain; then keep one in float: --keep-float LAYER",
        )
