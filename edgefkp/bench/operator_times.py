"""Time by operator: where an inference spends its time, from the runtime's own profiler."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefkp.bench import fed
from edgefkp.errors import EdgefkpError
from edgefkp.runtime.engine import COMPILING
from edgefkp.runtime.tflite_model import TfliteModel

INFERENCES, WARM = 50, 5  # that are profiled, and run before


@dataclass(frozen=True)
class OperatorTime:
    """One operator as the runtime ran it; delegates run several of the file's as one."""

    # Of the runtime's kernel: "Convolution (NHWC, F32) IGEMM" of XNNPACK, or "RESHAPE" of the runtime itself.
    name: str
    # Mean over the inferences without the slowest and the fastest tenth; the profiler counts whole microseconds.
    ms: float
    # Of the sum over all operators.
    share: float


@dataclass(frozen=True)
class OperatorTimes:
    """A profile of one file. It is no time of a benchmark: profiling takes time itself, and no verdict is on it."""

    inferences: int
    # Of the whole inference while it was profiled, a mean as of the operators.
    invoke_ms: float
    # In the order in which they run.
    operators: list[OperatorTime]


def why_not(model: TfliteModel) -> str:
    """Why there is no time by operator, or ""."""
    if model.runtime != COMPILING:
        return f"{model.runtime} reports no times of operators"
    if model.engine.delegate:
        return f"{model.engine.on} reports no times of operators"
    return ""


def operator_times(model: TfliteModel, images: np.ndarray, given: str = "") -> OperatorTimes:
    """In a child process. images: (N, *image_shape) uint8, for a keypoint network; given: see fed.input_sets.

    Raises EdgefkpError where the runtime cannot.
    """
    from edgefkp.runtime.profiler import Profiler, invoke_of, operators_of

    if why := why_not(model):
        raise EdgefkpError(why)
    sets: Any = (
        [[tensor] for tensor in model.tensors(images[:8])]
        if model.is_keypoint_model and not given
        else fed.input_sets(model, given)[:8]
    )
    indexed = [{detail["index"]: one for detail, one in zip(model.inputs, each, strict=True)} for each in sets]
    profiler = Profiler(model.path, model.engine, model.threads)
    events = profiler.events(indexed, WARM + INFERENCES)[WARM:]
    operators = [operators_of(one) for one in events]
    names = [[name for name, _, _ in one] for one in operators]
    if not names[0] or any(one != names[0] for one in names):
        raise EdgefkpError(f"LiteRT's profiler reports no operators on {model.engine.on or 'this CPU'}")
    means = _trimmed(np.array([[us for _, _, us in one] for one in operators]) / 1e3)
    total = float(means.sum()) or 1.0
    return OperatorTimes(
        INFERENCES,
        float(_trimmed(np.array([invoke_of(one) for one in events]) / 1e3)),
        [OperatorTime(name, float(ms), float(ms) / total) for name, ms in zip(names[0], means, strict=True)],
    )


def _trimmed(values: np.ndarray) -> np.ndarray:
    """(n, ...) -> the mean over the first axis without the largest and the smallest tenth."""
    cut = len(values) // 10
    return np.sort(values, axis=0)[cut : len(values) - cut].mean(0)
