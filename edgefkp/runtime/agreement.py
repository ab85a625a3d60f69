"""Whether the runtimes that are installed here compute the same from one file: each runs it in a child process."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, InputSpec
from edgefkp.runtime import interpreters, isolate
from edgefkp.runtime.graph import graph_of, integers_of
from edgefkp.runtime.tflite_model import TfliteModel

FACES = 8  # drawn ones, or random inputs for a file that takes something else
# px, root mean square, or a step of the file's outputs where that is larger: runtimes round integers differently by one
# step, and wrong arithmetic is tens of pixels.
LIMIT = 0.25
SHARE = 0.1  # the same for other outputs: of their own root mean square


@dataclass(frozen=True)
class Disagreement:
    """How far the outputs of one runtime are from those of another."""

    runtime: str
    other: str
    # Root mean square: pixels of points, else as a share of the outputs.
    distance: float
    pixels: bool
    limit: float

    @property
    def wrong(self) -> bool:
        return not self.distance <= self.limit

    def __str__(self) -> str:
        return f"{self.distance:.2f} px" if self.pixels else f"{100 * self.distance:.0f} % of the outputs"


def disagreements(path: Path, runtimes: Sequence[str]) -> list[Disagreement]:
    """Of each of `runtimes` with the first one. Raises EdgefkpError where one cannot run the file."""
    if len(runtimes) < 2:
        return []
    found = {name: isolate.call(run_here, str(path.absolute()), name) for name in runtimes}
    (first, known), *others = found.items()
    return [_between(first, known, name, one) for name, one in others]


def _between(first: str, known: dict[str, Any], other: str, found: dict[str, Any]) -> Disagreement:
    moved = np.sqrt(np.mean((found["outputs"] - known["outputs"]) ** 2))
    size = 1.0 if known["pixels"] else max(float(np.sqrt(np.mean(known["outputs"] ** 2))), 1e-12)
    limit = max(LIMIT, known["step"]) if known["pixels"] else SHARE
    return Disagreement(other, first, float(moved) / size, known["pixels"], limit)


def require_agreement(path: Path, runtimes: Sequence[str]) -> None:
    """Raise EdgefkpError where one of `runtimes` computes something else than the first."""
    for one in disagreements(path, runtimes):
        if one.wrong:
            raise EdgefkpError(
                f"{path.name}: {one.runtime} and {one.other} compute different outputs from it ({one} apart)",
                "export it for one of them: --target; or choose another scheme",
            )


def run_here(path: str, runtime: str) -> dict[str, Any]:
    """In the child: outputs (N, numbers) float64, pixels of points for a keypoint network; their step, 0 for floats."""
    model = interpreters.load(path, runtime)
    if model.is_keypoint_model:
        points = model.predict(_faces(model.spec.input))
        step = _step_of(Path(path), model)
        return {"outputs": points.reshape(len(points), -1).astype(np.float64), "pixels": True, "step": step}
    return {"outputs": np.stack([_outputs(model, seed) for seed in range(FACES)]), "pixels": False, "step": 0.0}


def _step_of(path: Path, model: TfliteModel) -> float:
    """Pixels between two neighboring values of the points; 0 for floats."""
    graph = graph_of(path.read_bytes())
    integers = integers_of(graph, graph.outputs[model.points_output or 0])
    return integers.scales[0] * model.spec.unit if integers is not None and integers.quantized else 0.0


def _faces(spec: InputSpec) -> np.ndarray:
    from edgefkp.data.faces import faces_of

    images, points = draw_all(FACES)
    return faces_of(images, points, layout=KAGGLE15).at(spec).images


def _outputs(model: TfliteModel, seed: int) -> np.ndarray:
    """All outputs as real numbers for random inputs: 0..1 in floats, the whole range in integers of 8 bits."""
    random = np.random.default_rng(seed)
    for which, detail in enumerate(model.inputs):
        dtype = np.dtype(detail["dtype"])
        if dtype.kind == "f":
            tensor = random.random(detail["shape"])
        else:
            limits = np.iinfo(dtype) if dtype.itemsize == 1 and dtype.kind in "iu" else np.iinfo(np.int8)
            tensor = random.integers(
                max(0, limits.min) if dtype.itemsize > 1 else limits.min, limits.max, detail["shape"]
            )
        model.set(np.asarray(tensor).astype(dtype), which)
    model.invoke()
    parts = []
    for which, detail in enumerate(model.outputs):
        scale, zero = detail["quantization"]
        numbers = model.get(which).astype(np.float64).reshape(-1)
        parts.append((numbers - zero) * scale if scale else numbers)
    return np.concatenate(parts)
