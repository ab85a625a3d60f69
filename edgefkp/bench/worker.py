"""Time one cell in a fresh process.

Imports numpy and one interpreter, nothing else that is large; the clock of imports starts here, at the first line.
"""

import time

_STARTED = time.perf_counter()
import numpy as np  # noqa: E402  (its import is part of the import clock)

_NUMPY_SECONDS = time.perf_counter() - _STARTED

import gc  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from edgefkp.bench import camera  # noqa: E402
from edgefkp.errors import EdgefkpError  # noqa: E402
from edgefkp.layout import ModelSpec  # noqa: E402
from edgefkp.records import built  # noqa: E402
from edgefkp.runtime.interpreters import load  # noqa: E402
from edgefkp.runtime.tflite_model import TfliteModel  # noqa: E402

CAPACITY = 400_000  # invokes: 2 s of 5 microseconds each
STAGES = ("crop", "fill", "set", "invoke", "get", "points")
STEADY = 0.03  # two successive windows whose medians differ by less are steady
INPUT_BYTES = 256 << 20  # at most, for the random input of a file that takes no faces


@dataclass(frozen=True)
class Job:
    """What a worker measures."""

    file: str  # path of the .tflite
    runtime: str  # "" for this environment's first choice
    mode: str  # "survey" (load, one inference), "invoke" or "e2e"
    images: str  # path of an .npz
    threads: int = 1
    xnnpack: bool = True
    delegate: str = ""
    seconds: float = 2.0  # of steady inference
    warm_seconds: tuple[float, float] = (0.2, 2.0)  # of warm-up, at least and at most
    pin: tuple[int, ...] = ()  # CPUs
    spec: dict[str, Any] | None = None  # the file's ModelSpec, as the survey found it: it is not looked up again


def work(job: dict[str, Any]) -> dict[str, Any]:
    """In the child: `run` the Job. Raises EdgefkpError with the runtime's reason if the file cannot be run."""
    try:
        facts, arrays = run(Job(**job))
    except (RuntimeError, ValueError, SystemError, MemoryError) as error:
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise EdgefkpError(f"{job['runtime']} cannot run {job['file']}: {cause}") from error
    return {"facts": facts, "arrays": arrays}


def run(job: Job) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Facts for JSON, and arrays: warm and steady, nanoseconds, (n,) or (n, 6) stages; outputs (N, 15, 2)."""
    if job.pin:
        os.sched_setaffinity(0, job.pin)
    memory = {"start": high_water()}
    spec = built(ModelSpec, job.spec) if job.spec else None
    model = load(job.file, job.runtime or None, job.threads, job.xnnpack, job.delegate or None, spec)
    memory["loaded"] = high_water()
    facts: dict[str, Any] = {
        "runtime": model.runtime,
        "version": model.version,
        "is_keypoint_model": model.is_keypoint_model,
        "spec": model.spec,
        "clocks": {**asdict(model.clocks), "imported": model.clocks.imported + _NUMPY_SECONDS},
        "memory": memory,
    }
    with np.load(job.images) as stored:
        images = stored["images"]
    if job.mode == "survey":
        from edgefkp.runtime.reference_vectors import (
            check_reference_vectors,  # here only: measured processes import nothing more
        )

        check_reference_vectors(job.file, model)
        return {**facts, **survey(model, images)}, {}
    loop = StageLoop(model, images) if job.mode == "e2e" else InvokeLoop(model, images)
    gc.collect()
    gc.disable()
    warm = warm_up(loop, *job.warm_seconds)
    kernel = fixed_kernel()
    before = Usage()
    facts["steady_from"] = time.monotonic()
    steady = loop.passes(job.seconds)
    facts["steady_to"] = time.monotonic()
    facts.update(before.until_now())
    facts["kernel"] = [kernel, fixed_kernel()]
    memory["steady"] = high_water()
    facts["steady_seconds"] = float(np.median(loop.invokes(steady))) / 1e9
    facts["pictures"] = len(loop.tensors)
    facts["first_seconds"] = float(loop.invokes(warm)[0]) / 1e9
    arrays = {"warm": warm, "steady": steady}
    if model.is_keypoint_model:
        arrays["outputs"] = model.keypoints(loop.outputs)
    return facts, arrays


def survey(model: TfliteModel, images: np.ndarray) -> dict[str, Any]:
    """The time of a second inference, which the plan's estimate needs."""
    loop = InvokeLoop(model, images[:1])
    return {"invoke_seconds": float(loop.passes(0, least=2)[-1]) / 1e9}


class InvokeLoop:
    """Sets each image's tensor, times `invoke` alone, reads the output."""

    columns = 1

    def __init__(self, model: TfliteModel, images: np.ndarray) -> None:
        self.tensors = model.tensors(images) if model.is_keypoint_model else random_tensors(model)
        self.model = model
        shape = np.prod(model.outputs[0]["shape"], dtype=int)
        self.outputs = np.empty((len(self.tensors), shape), model.outputs[0]["dtype"])
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
        set_tensor, invoke, get = self.model.set, self.model.invoke, self.model.get
        clock, buffer, outputs = time.perf_counter_ns, self.buffer, self.outputs
        for row, tensor in enumerate(self.tensors):
            set_tensor(tensor)
            started = clock()
            invoke()
            buffer[number] = clock() - started
            outputs[row] = get().reshape(-1)
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

    def __init__(self, model: TfliteModel, images: np.ndarray) -> None:
        super().__init__(model, images)
        self.frames, self.boxes = camera.frames(images)
        self.table = model.pixel_table()
        self.tensor = np.empty_like(self.tensors[0])
        self.buffer = np.empty((CAPACITY // 4, len(STAGES)), np.int64)

    def one_pass(self, number: int) -> int:
        model, table, tensor, outputs, clock = self.model, self.table, self.tensor, self.outputs, time.perf_counter_ns
        flat = tensor.reshape(camera.SIZE, camera.SIZE)
        for row in range(len(self.tensors)):
            frame, box = self.frames[row], self.boxes[row]
            t0 = clock()
            image = camera.crop(frame, box)
            t1 = clock()
            np.take(table, image, out=flat, mode="clip")
            t2 = clock()
            model.set(tensor)
            t3 = clock()
            model.invoke()
            t4 = clock()
            output = model.get()
            t5 = clock()
            camera.to_frame(model.keypoints(output), box)
            t6 = clock()
            self.buffer[number] = t1 - t0, t2 - t1, t3 - t2, t4 - t3, t5 - t4, t6 - t5
            outputs[row] = output.reshape(-1)
            number += 1
        return number

    @staticmethod
    def invokes(times: np.ndarray) -> np.ndarray:
        return times[:, STAGES.index("invoke")]


def random_tensors(model: TfliteModel) -> np.ndarray:
    """100 random inputs for a file that takes no faces (fewer where they would fill the memory)."""
    if len(model.inputs) != 1:
        raise EdgefkpError(f"{model.path} has {len(model.inputs)} inputs; only files with one can be timed")
    shape, dtype = model.inputs[0]["shape"], np.dtype(model.inputs[0]["dtype"])
    bytes_each = int(np.prod(shape)) * 8  # float64 on the way
    count = max(1, min(100, INPUT_BYTES // bytes_each))
    random = np.random.default_rng(0)
    if dtype.kind == "f":
        return random.uniform(0, 1, (count, *shape)).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(np.int8 if dtype.itemsize > 1 else dtype)
        return random.integers(limits.min if dtype.kind == "i" else 0, limits.max + 1, (count, *shape)).astype(dtype)
    raise EdgefkpError(f"{model.path} takes {dtype} values; no random ones are made for it")


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


def fixed_kernel() -> float:
    """Seconds for the same arithmetic every time, best of five: what the core's true clock is worth just now."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        sum(range(40_000))
        best = min(best, time.perf_counter() - started)
    return best


class Usage:
    """What this process and the machine used since it was made."""

    def __init__(self) -> None:
        self.wall, self.own, self.machine = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF), _cpu_ticks()

    def until_now(self) -> dict[str, Any]:
        """others_cores: how many cores other processes kept busy meanwhile, None where the system does not tell."""
        wall = time.perf_counter() - self.wall
        own, machine = resource.getrusage(resource.RUSAGE_SELF), _cpu_ticks()
        cpu = own.ru_utime + own.ru_stime - self.own.ru_utime - self.own.ru_stime
        used: dict[str, Any] = {
            "wall_seconds": wall,
            "cpu_seconds": cpu,
            "voluntary_switches": own.ru_nvcsw - self.own.ru_nvcsw,
            "involuntary_switches": own.ru_nivcsw - self.own.ru_nivcsw,
            "others_cores": None,
            "stolen_cores": None,
        }
        if machine and self.machine:
            busy, stolen = (now - then for now, then in zip(machine, self.machine, strict=True))
            used["others_cores"] = max(0.0, (busy - cpu) / wall)
            used["stolen_cores"] = stolen / wall
        return used


def _cpu_ticks() -> tuple[float, float] | None:
    """Seconds since boot that all CPUs together were busy, and that a hypervisor took from them."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, _idle, _wait, irq, soft, stolen = (int(field) for field in fields[:8])
    except (OSError, ValueError, IndexError):
        return None
    hertz = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + soft) / hertz, stolen / hertz


def high_water() -> int | None:
    """VmHWM, the most memory this process ever held, in KiB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration, ValueError):
        return None
