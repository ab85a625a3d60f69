"""Run .tflite and .onnx files in child processes, which a malformed file may kill: is it safe to load, and what does
it predict?

Overwritten bytes make an interpreter end in a segmentation fault or hang, and no exception can be caught in the same
process. A file that passed once is remembered: see runtime/passed. Bytes that were altered after the export may also
load and give other numbers without an error: the hash in the card beside the file shows those.
"""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import require_card_hash
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_file
from edgefkp.layout import ModelSpec
from edgefkp.records import built
from edgefkp.runtime import interpreters, isolate, passed, shipped
from edgefkp.runtime.any_graph import require_runnable
from edgefkp.runtime.defects import require_right
from edgefkp.runtime.engine import Engine, RuntimeChoice
from edgefkp.runtime.refused import missing_operator, not_the_file
from edgefkp.runtime.tflite_model import TfliteModel, require_finite

_AGAIN = "export or copy it again"
CHECK = "probed"
_EVERY = 25  # images between two reports of progress


def check(path: Path | str, runtime: RuntimeChoice = None) -> None:
    """Return if `path` loads and runs one inference in a child process, or did so before.

    runtime: its name, or an Engine; drivers of accelerators and delegates can end a process, too.

    Raises EdgefkpError if the file is damaged, was altered since its export, does not run, or is known to be computed
    wrongly by this runtime.
    """
    path = Path(path)
    require_runnable(path)
    digest = sha256_file(path)
    require_card_hash(path, digest)
    engine = Engine.of(runtime)
    info = interpreters.choose_for(path, engine.runtime)
    engine = replace(engine, runtime=info.name)
    facts = digest, info.name, info.version, *engine.facts
    if (digest in shipped.hashes() and not engine.facts) or passed.has_passed(CHECK, *facts):
        return
    require_right(path, info.name, info.version)
    try_in_child(probe, path, engine if engine.facts else info.name, interpreters.RUNTIMES[info.name].probe_seconds)
    passed.remember(CHECK, *facts)


def try_in_child(probe: Callable[..., None], path: Path, runtime: RuntimeChoice, seconds: float) -> None:
    """Raises the EdgefkpError of `probe`, or one that names how its process ended."""
    engine = Engine.of(runtime)
    runtime = engine.runtime
    try:
        isolate.call(probe, str(path), engine if engine.facts else runtime, seconds=seconds)
    except isolate.ChildDied as died:
        if engine.facts:
            how = "hangs on it" if died.timed_out else f"ends its process ({died.signal or died.last_line})"
            raise EdgefkpError(
                f"{path} cannot be run by {runtime} on {engine.on}: it {how}", "leave out --accelerator and --delegate"
            ) from None
        if died.timed_out:
            message = f"{path} is damaged: {runtime} hangs on it (no inference within {seconds:.0f} s)"
        elif refused := not_the_file(runtime or "the runtime", died.signal):
            raise refused from None
        elif died.signal:
            message = f"{path} is damaged: it kills {runtime} ({died.signal})"
        else:
            message = f"{path} cannot be run: {died.last_line}"
        raise EdgefkpError(message, _AGAIN) from None


def probe(path: str, runtime: RuntimeChoice) -> None:
    """In the child: inferences on constants and on noise, and for a keypoint network on images.

    Raises EdgefkpError if one fails, or if the outputs for what is not constant are not finite: a network that divides
    by the range of its image may have no answer for a plain one.
    """
    try:
        model = interpreters.load(path, runtime)
        for tensors, varied in _tried(model):
            for which, tensor in enumerate(tensors):
                model.set(tensor, which)
            model.invoke()
            for which in range(len(model.outputs)):
                output = model.get(which)
                if varied and output.dtype.kind == "f":
                    require_finite(model.path, output)
    except (RuntimeError, ValueError, SystemError) as error:
        if refused := missing_operator(path, Engine.of(runtime).runtime or "the runtime", str(error)):
            raise refused from error
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise EdgefkpError(f"{path} is damaged: {runtime} cannot run it ({cause})", _AGAIN) from error


def _tried(model: TfliteModel) -> Iterator[tuple[list[np.ndarray], bool]]:
    """Tensors for each input, and whether they vary: zeros; images that are white, a ramp and noise where the file
    takes images, else noise of floats."""
    yield [np.zeros(detail["shape"], detail["dtype"]) for detail in model.inputs], False
    if model.is_keypoint_model:
        images = tried_images(model.spec.input.image_shape)
        for image, tensor in zip(images, model.tensors(images), strict=True):
            yield [tensor], bool(image.min() < image.max())
    else:
        random = np.random.default_rng(0)
        yield [_noise(random, detail) for detail in model.inputs], True


def _noise(random: np.random.Generator, detail: Any) -> np.ndarray:
    """Floats between 0 and 1; zeros of another type, which may be places in a table."""
    dtype = np.dtype(detail["dtype"])
    values = random.random(tuple(detail["shape"])) if dtype.kind == "f" else np.zeros(detail["shape"])
    return np.asarray(values.astype(dtype))


def tried_images(shape: tuple[int, ...]) -> np.ndarray:
    """(3, *shape) uint8: white, a ramp and noise."""
    white = np.full(shape, 255, np.uint8)
    ramp = np.linspace(0, 255, white.size).astype(np.uint8).reshape(shape)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return np.stack([white, ramp, noise])


@dataclass(frozen=True, eq=False)
class ChildOutputs:
    """What a file computed in a child process, and where."""

    runtime: str
    version: str  # of the runtime
    machine: str  # as platform.machine() has it
    keypoints: np.ndarray  # (N, K, 2) float32 pixels
    outputs: np.ndarray  # (N, 2 K) in the file's own type


def run_in_child(
    path: Path | str,
    images: np.ndarray,
    runtime: RuntimeChoice = None,
    python: str | None = None,
    progress: Callable[[int], None] = lambda count: None,
    spec: ModelSpec | None = None,
) -> ChildOutputs:
    """Run the file on (N, *image_shape) uint8 images in a process of its own.

    python: the interpreter of that process, such as that of an Arm userland or of another environment; this one by
    default. progress: receives how many images are done since the last time. spec: of the file, where its metadata or
    card does not count.
    Raises EdgefkpError if the file cannot be run, with its runtime's reason; DeadlyFile if it ends its process.
    """
    path = Path(path)
    try:
        found = isolate.call(run_file, str(path.absolute()), runtime, images, spec, python=python, progress=progress)
    except isolate.ChildDied as died:
        if refused := not_the_file(Engine.of(runtime).runtime or "the runtime", died.signal):
            raise refused from None
        if died.signal:
            raise DeadlyFile(f"{path.name} is damaged: it kills its process ({died.signal})", _AGAIN) from None
        raise EdgefkpError(f"{path.name} cannot be run: {died.last_line}", _AGAIN) from None
    return ChildOutputs(**found)


class DeadlyFile(EdgefkpError):
    """A file that ends the process that runs it."""


def run_file(path: str, runtime: RuntimeChoice, images: np.ndarray, spec: Any = None) -> dict[str, Any]:
    """In the child: the fields of ChildOutputs."""
    model = interpreters.load(path, runtime, spec=built(ModelSpec, spec) if spec else None)
    parts = []
    for start in range(0, len(images), _EVERY):
        parts.append(model.run(images[start : start + _EVERY]))
        isolate.report(len(parts[-1]))
    outputs = np.concatenate(parts)
    keypoints = model.keypoints(outputs)
    require_finite(model.path, keypoints)
    return {
        "runtime": model.runtime,
        "version": model.version,
        "machine": platform.machine(),
        "keypoints": keypoints,
        "outputs": outputs,
    }
