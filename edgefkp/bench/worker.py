"""Time one case in a fresh process.

Imports numpy and one interpreter, nothing else that is large; the clock of imports starts here, at the first line.
"""

import time

_STARTED = time.perf_counter()
import numpy as np  # noqa: E402  (its import is part of the import clock)

_NUMPY_SECONDS = time.perf_counter() - _STARTED

import functools  # noqa: E402
import gc  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import asdict, dataclass, field  # noqa: E402
from typing import Any  # noqa: E402

from edgefkp.bench import camera, fed  # noqa: E402
from edgefkp.bench.plan import PROFILE  # noqa: E402
from edgefkp.bench.usage import Usage, high_water  # noqa: E402
from edgefkp.errors import EdgefkpError  # noqa: E402
from edgefkp.geometry import crop_face  # noqa: E402
from edgefkp.layout import ModelSpec  # noqa: E402
from edgefkp.records import built  # noqa: E402
from edgefkp.runtime.engine import Engine  # noqa: E402
from edgefkp.runtime.interpreters import load  # noqa: E402
from edgefkp.runtime.refused import missing_operator  # noqa: E402
from edgefkp.runtime.tflite_model import TfliteModel  # noqa: E402

CAPACITY = 400_000  # invokes: 2 s of 5 microseconds each
STAGES = ("crop", "fill", "set", "invoke", "get", "points")
STEADY = 0.03  # two successive windows whose medians differ by less are steady


@dataclass(frozen=True)
class Job:
    """What a worker is asked to do."""

    file: str  # path of the .tflite
    runtime: str  # "" for the first choice of this environment
    mode: str  # "probe" (load, one inference), PROFILE, "invoke" or "e2e"
    images: str  # path of the timed_images, as this file's network takes them
    threads: int = 1
    xnnpack: bool = True
    delegate: str = ""
    seconds: float = 2.0
    warm_seconds: tuple[float, float] = (0.2, 2.0)  # least and most
    pin: tuple[int, ...] = ()  # CPUs
    end_to_end: bool = False  # of a probe: whether mode "e2e" comes after it
    # ModelSpec as JSON, from the probe: a measured process reads no graph. None for a file that is no keypoint network.
    spec: dict[str, Any] | None = None
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of inputs whose sizes are open, by name
    inputs: str = ""  # path of an .npz with what a file is fed that takes no faces; "" for random numbers
    accelerator: str = ""  # one of engine.ACCELERATORS; "" for the runtime's interpreter


def work(job: dict[str, Any]) -> dict[str, Any]:
    """In the child: `run` the Job. Raises EdgefkpError with the runtime's reason if the file cannot be run."""
    try:
        metadata, arrays = run(built(Job, job))
    except (RuntimeError, ValueError, SystemError, MemoryError) as error:
        runtime = job["runtime"] or "the runtime"
        if refused := missing_operator(job["file"], runtime, str(error)):
            raise refused from error
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise EdgefkpError(f"{runtime} cannot run {job['file']}: {cause}") from error
    return {"metadata": metadata, "arrays": arrays}


def run(job: Job) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata for JSON, and arrays: warmups and values, nanoseconds, (n,) or (n, 6) stages; outputs (N, K, 2)."""
    if job.pin:
        os.sched_setaffinity(0, job.pin)
    if job.mode == "e2e":
        importlib.import_module("cv2")  # its memory and time are not the network's
    memory = {"start": high_water()}
    spec = built(ModelSpec, job.spec) if job.spec else None
    engine = Engine(job.runtime or None, job.accelerator, job.delegate)
    model = load(job.file, engine, job.threads, job.xnnpack, spec=spec, shapes=job.shapes)
    fed.require_fixed(model.path, model.inputs, job.shapes)
    memory["loaded"] = high_water()
    metadata: dict[str, Any] = {
        "runtime": model.runtime,
        "version": model.version,
        "clocks": {**asdict(model.clocks), "imported": model.clocks.imported + _NUMPY_SECONDS},
        "memory": memory,
    }
    with np.load(job.images) as stored:
        images = stored["images"]
    if job.mode == PROFILE:
        from edgefkp.bench.operator_times import operator_times

        return {**metadata, "operators": operator_times(model, images, job.inputs)}, {}
    if job.mode == "probe":
        return {**metadata, **probe(job, model, images)}, {}
    loop = (StageLoop if job.mode == "e2e" else InvokeLoop)(model, images, job.spec is not None, job.inputs)
    gc.collect()
    gc.disable()
    warmups = warm_up(loop, *job.warm_seconds)
    reference = reference_seconds()
    before = Usage()
    metadata["steady_from"] = time.monotonic()
    values = loop.passes(job.seconds)
    metadata["steady_to"] = time.monotonic()
    metadata.update(before.until_now())
    metadata["reference_seconds"] = [reference, reference_seconds()]
    memory["steady"] = high_water()
    metadata["steady_seconds"] = float(np.median(loop.invokes(values))) / 1e9
    metadata["images"] = len(loop.tensors)
    metadata["first_seconds"] = float(loop.invokes(warmups)[0]) / 1e9
    arrays = {"warmups": warmups, "values": values}
    if job.spec is not None:
        arrays["outputs"] = model.keypoints(loop.outputs)
    return metadata, arrays


def probe(job: Job, model: TfliteModel, images: np.ndarray) -> dict[str, Any]:
    """What the schedule needs: the time of a second inference, the network's spec, and why "e2e" cannot run, or ""."""
    from edgefkp.bench.examination import examined
    from edgefkp.runtime.defects import require_right  # measured processes import nothing more
    from edgefkp.runtime.reference_vectors import check_reference_vectors

    require_right(model.path, model.runtime, model.version)
    takes_images = model.is_keypoint_model and not job.inputs
    acceleration = examined(model, images, job.inputs, job.shapes) if model.engine.facts else None
    if acceleration is None:
        check_reference_vectors(job.file, model)
    loop = InvokeLoop(model, images[:1], takes_images, job.inputs)
    return {
        "invoke_seconds": float(loop.passes(0, least=2)[-1]) / 1e9,
        "spec": model.spec if takes_images else None,
        "acceleration": acceleration,
        "opencv": opencv_problem() if job.end_to_end and takes_images else "",
    }


def opencv_problem() -> str:
    """Why OpenCV, which crops the face out of the frame, cannot be imported; "" if it can."""
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        return (str(error) or "it cannot be imported").splitlines()[0]
    return ""


class InvokeLoop:
    """Sets each image's tensor, times `invoke` alone, reads the output."""

    columns = 1

    def __init__(self, model: TfliteModel, images: np.ndarray, takes_images: bool, given: str = "") -> None:
        if not model.outputs:
            raise EdgefkpError(f"{model.path} has no outputs, so nothing of it can be timed", "export it again")
        self.model = model
        self.tensors: Any = model.tensors(images) if takes_images else fed.input_sets(model, given)
        self.set = model.set if takes_images else model.set_all
        self.which = (model.points_output or 0) if takes_images else 0
        output = model.outputs[self.which]
        # The size of another file's output may be found while it runs: what it returns is read, and not kept.
        size = int(np.prod(output["shape"])) if takes_images else 0
        self.outputs = np.empty((len(self.tensors), size), output["dtype"])
        self.buffer = np.empty(CAPACITY, np.int64)

    def passes(self, seconds: float, least: int = 1) -> np.ndarray:
        """Whole passes over the images until `seconds` are over, at least `least`: (n,) int64 nanoseconds."""
        number, done, deadline = 0, 0, time.perf_counter_ns() + int(seconds * 1e9)
        room = len(self.buffer) - len(self.tensors)
        while done < least or (time.perf_counter_ns() < deadline and number <= room):
            number = self.one_pass(number)
            done += 1
        return self.buffer[:number].copy()

    def one_pass(self, number: int) -> int:
        set_tensor, invoke, get = self.set, self.model.invoke, self.model.get
        clock, buffer, outputs, which = time.perf_counter_ns, self.buffer, self.outputs, self.which
        kept = outputs.shape[1] > 0
        for row, tensor in enumerate(self.tensors):
            set_tensor(tensor)
            started = clock()
            invoke()
            buffer[number] = clock() - started
            output = get(which)
            if kept:
                outputs[row] = output.reshape(-1)
            number += 1
        return number

    def few(self, count: int) -> np.ndarray:
        """`count` invokes over the first images."""
        tensors, self.tensors = self.tensors, self.tensors[:count]
        try:
            return self.buffer[: self.one_pass(0)].copy()
        finally:
            self.tensors = tensors

    @staticmethod
    def invokes(times: np.ndarray) -> np.ndarray:
        return times


class StageLoop(InvokeLoop):
    """From a camera-like frame to keypoints in it; every stage is timed: (n, 6) nanoseconds."""

    def __init__(self, model: TfliteModel, images: np.ndarray, takes_images: bool = True, given: str = "") -> None:
        super().__init__(model, images, takes_images, given)
        self.spec = model.spec.input
        self.frames, self.boxes = camera.frames(images, self.spec)
        self.tensor = np.empty_like(self.tensors[0])
        self.fill = filler(model.pixel_table(), self.spec.image_in(self.tensor))
        self.buffer = np.empty((CAPACITY // 4, len(STAGES)), np.int64)

    def one_pass(self, number: int) -> int:
        model, spec, tensor, fill, which = self.model, self.spec, self.tensor, self.fill, self.which
        outputs, clock = self.outputs, time.perf_counter_ns
        for row in range(len(self.tensors)):
            frame, box = self.frames[row], self.boxes[row]
            t0 = clock()
            image = crop_face(frame, box, spec)
            t1 = clock()
            fill(image)
            t2 = clock()
            model.set(tensor)
            t3 = clock()
            model.invoke()
            t4 = clock()
            output = model.get(which)
            t5 = clock()
            camera.to_frame(model.keypoints(output), box, spec)
            t6 = clock()
            self.buffer[number] = t1 - t0, t2 - t1, t3 - t2, t4 - t3, t5 - t4, t6 - t5
            outputs[row] = output.reshape(-1)
            number += 1
        return number

    @staticmethod
    def invokes(times: np.ndarray) -> np.ndarray:
        return times[:, STAGES.index("invoke")]


def filler(table: np.ndarray, tensor: np.ndarray) -> Callable[[np.ndarray], object]:
    """A function that puts an image into `tensor` by a pixel table of shape (256,) or, by channel, (256, 3)."""
    if table.ndim == 1:
        return functools.partial(np.take, table, out=tensor, mode="clip")
    channels = np.arange(table.shape[1])
    return lambda image: np.copyto(tensor, table[image, channels])


def warm_up(loop: InvokeLoop, least: float, most: float) -> np.ndarray:
    """Invoke until two successive windows agree, for `least` to `most` seconds; every value is kept."""
    started = time.perf_counter()
    windows = [loop.few(1)]
    window = int(np.clip(0.02e9 / max(1, loop.invokes(windows[0])[0]), 3, 200))
    while (elapsed := time.perf_counter() - started) < most:
        windows.append(loop.few(window))
        last, before = (float(np.median(loop.invokes(w))) for w in (windows[-1], windows[-2]))
        if elapsed >= least and len(windows) > 3 and abs(last / before - 1) < STEADY:
            break
    return np.concatenate(windows)


def reference_seconds() -> float:
    """Seconds for the same arithmetic every time, best of five: what the core's true clock is worth just now."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        sum(range(40_000))
        best = min(best, time.perf_counter() - started)
    return best
