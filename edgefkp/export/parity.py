"""Parity: how the points of a .tflite file differ from those of its network, on the same labeled faces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import Card
from edgefkp.data.faces import Faces
from edgefkp.errors import EdgefkpError, GateError, counted
from edgefkp.evaluation.bootstrap import paired_interval
from edgefkp.evaluation.evaluate import FacesPart
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.evaluation.metrics import rmse
from edgefkp.export.inspect import integer_bounds, points_output
from edgefkp.files import sha256_file
from edgefkp.layout import ModelSpec
from edgefkp.layouts.maps import conversion
from edgefkp.records import read_record
from edgefkp.runtime import safety
from edgefkp.runtime.contract import Stated, known_spec
from edgefkp.runtime.engine import Engine, RuntimeChoice
from edgefkp.runtime.graph import integers_of, read_graph
from edgefkp.runtime.metadata import spec_of
from edgefkp.runtime.safety import run_in_child

SCHEMA = "edgefkp.parity/1"
LOSS = 0.05  # px of RMSE above which a file's loss is worth a word


@dataclass(frozen=True)
class Shift:
    """How far points move, in pixels of the network's image."""

    # 95th percentile.
    p95: float
    max: float


@dataclass(frozen=True)
class Parity:
    schema: str
    file: str
    # Of the file.
    sha256: str
    scheme: str
    # What ran the file.
    runtime: str
    version: str
    # file, sha256, runtime and version of the network before conversion.
    reference: dict[str, Any]
    data: FacesPart
    faces: int
    persons: int
    # How many labeled numbers the RMSE is over.
    coordinates: int
    # RMSE of the reference, in pixels of the network's image.
    rmse_before: float
    # RMSE of the file.
    rmse_after: float
    # rmse_after - rmse_before.
    delta: float
    # 95 % interval of `delta`: bootstrap over persons, paired.
    interval: tuple[float, float]
    # Of all points on all faces.
    shift: Shift
    # By the point's name.
    shift_per_point: dict[str, Shift]
    # Outputs at an end of their integer range; None for outputs that are not made from integers.
    saturated: int | None
    # How many numbers the file returned.
    outputs: int
    # Or delegate, that the file ran on; "" for the CPU.
    accelerator: str = ""


@dataclass(frozen=True, eq=False)
class Reference:
    """The network before conversion, and its points on the faces in question."""

    path: Path
    runtime: str
    version: str
    # (N, K, 2) float32 pixels.
    keypoints: np.ndarray
    # Points, input and output of the network.
    spec: ModelSpec = ModelSpec()  # noqa: RUF009

    @property
    def entry(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "sha256": sha256_file(self.path),
            "runtime": self.runtime,
            "version": self.version,
        }


def labeled(faces: Faces) -> Faces:
    """The faces with at least one label. Raises EdgefkpError if no face has any."""
    if not faces.labeled.any():
        raise EdgefkpError("there is no labeled face to compare on", "give --data with labels")
    return faces.take(faces.labeled)


def reference_of(path: Path, images: np.ndarray, spec: ModelSpec | None = None) -> Reference:
    """Run the network that others are compared with, a .keras or .tflite file, over (N, *image_shape) uint8 images.

    spec: of its points, input and output, where its own card does not count.
    """
    if path.suffix == ".tflite":
        spec = spec or network_spec(path)
        safety.check(path)
        found = run_in_child(path, images, spec=spec)
        return Reference(path, found.runtime, found.version, found.keypoints, spec)
    from edgefkp.runtime.predictor import open_predictor

    predictor = open_predictor(path, spec=spec)
    return Reference(path, predictor.runtime, predictor.version, predictor.predict(images), predictor.spec)


def network_spec(path: Path) -> ModelSpec:
    """Points, input and output of a .keras or .tflite file, by its metadata or card, else as the graph of a .tflite
    shows, else the default ones."""
    return known_spec(path) or ModelSpec()


def compared_with(path: Path, faces: Faces, file: ModelSpec, stated: Stated | None = None) -> Reference:
    """The network at `path` on `faces`, fed what it takes itself, its points in pixels of the image of `file`.

    file: what the compared file takes and returns; the network, too, where no card describes it and `stated` does not.
    Raises EdgefkpError for a network of other points.
    """
    own = spec_of(path) or (stated.over(file) if stated else file)
    found = reference_of(path, fitted_faces(own, faces, path.name).seen.images, own)
    if own.layout != file.layout:
        raise EdgefkpError(
            f"{path.name} returns points of {own.layout.name}, and the file those of {file.layout.name}",
            "name the network that the file was made from: --reference FILE",
        )
    scale = file.input.side / own.input.side
    return found if scale == 1 else replace(found, keypoints=(found.keypoints + 0.5) * scale - 0.5)


def parity_of(card: Card) -> Parity | None:
    """As the card holds it. Raises EdgefkpError for an entry that is not whole."""
    return read_record(Parity, card.parity, f"the parity in the card of {card.file}") if card.parity else None


def parity(
    path: Path,
    scheme: str,
    faces: Faces,
    data: dict[str, Any],
    reference: Reference,
    runtime: RuntimeChoice = None,
    progress: Callable[[int], None] = lambda count: None,
    spec: ModelSpec | None = None,
) -> Parity:
    """Run `path` over `faces` (all labeled) and compare it with `reference`, which ran over the same.

    Labels of other points than the network's count where a map leads to them. data: the name and part of the faces, for
    the result. spec: of the file, where its metadata or card does not count. Raises EdgefkpError for a file that cannot
    be run.
    """
    safety.check(path, runtime)
    found = run_in_child(path, faces.images, runtime, progress=progress, spec=spec)
    moved = np.linalg.norm(found.keypoints - reference.keypoints, axis=-1)
    convert = conversion(reference.spec.layout, faces.layout)
    before, after, truth = convert(reference.keypoints), convert(found.keypoints), faces.keypoints
    return Parity(
        schema=SCHEMA,
        file=path.name,
        sha256=sha256_file(path),
        scheme=scheme,
        runtime=found.runtime,
        version=found.version,
        reference=reference.entry,
        data={"name": data["name"], "part": data["part"], "hash": faces.hash},
        faces=len(faces),
        persons=len(np.unique(faces.groups)),
        coordinates=int((~np.isnan(truth)).sum()),
        rmse_before=rmse(before, truth),
        rmse_after=rmse(after, truth),
        delta=rmse(after, truth) - rmse(before, truth),
        interval=paired_interval(before, after, truth, faces.groups),
        shift=_shift(moved),
        shift_per_point={name: _shift(moved[:, number]) for number, name in enumerate(reference.spec.layout.points)},
        saturated=saturated(path, found.outputs),
        outputs=found.outputs.size,
        accelerator=Engine.of(runtime).on,
    )


def saturated(path: Path, outputs: np.ndarray) -> int | None:
    """How many of (N, numbers) outputs are at an end of their integers' range; None if no integers are behind them."""
    graph = read_graph(path)
    port = points_output(graph, network_spec(path)) or graph.outputs[0]
    integers = integers_of(graph, port)
    bounds = integer_bounds(integers) if integers else None
    if integers is None or bounds is None:
        return None
    if integers is not port:
        outputs = np.rint(outputs / integers.scales[0]) + integers.zero_points[0]
    return int(((outputs <= bounds[0]) | (outputs >= bounds[1])).sum())


def _shift(moved: np.ndarray) -> Shift:
    return Shift(float(np.percentile(moved, 95)), float(moved.max()))


def loss_of(result: Parity) -> str:
    """What to say of a file whose RMSE is more than LOSS above its network's; "" of others."""
    if result.delta <= LOSS:
        return ""
    return (
        f"{result.file} is {result.delta:+.3f} px from its network: --explain shows which layers cost it, and "
        f"--keep-float LAYER keeps one in float; another scheme may lose less (--quant all)"
    )


def require_delta(results: Sequence[Parity], limit: float) -> None:
    """Raise GateError if a file's RMSE is more than `limit` pixels above its network's."""
    over = [result for result in results if result.delta > limit]
    if over:
        worst = max(over, key=lambda result: result.delta)
        low, high = worst.interval
        raise GateError(
            f"{len(over)} of {counted(len(results), 'file')} lost more than {limit} px; "
            f"{worst.file}: {worst.delta:+.4f} px (95 %: {low:+.4f} to {high:+.4f})",
            "see which layers cost most: edgefkp export --explain; then keep one in float: --keep-float LAYER",
        )
