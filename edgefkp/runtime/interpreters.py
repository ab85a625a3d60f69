"""The interpreters that run model files: LiteRT, tflite-runtime and TensorFlow for .tflite, onnxruntime for .onnx.

The only file that names an interpreter package. A runtime is imported when a file is loaded with it, never before.
"""

import contextlib
import importlib
import importlib.util
import platform
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.files import captured_fds
from edgefkp.layout import ModelSpec
from edgefkp.runtime import compiled as compiling
from edgefkp.runtime.any_graph import require_runnable
from edgefkp.runtime.engine import Engine, RuntimeChoice
from edgefkp.runtime.onnx_file import SUFFIX, is_onnx
from edgefkp.runtime.packages import MOST_THREADS, RUNTIMES, Runtime
from edgefkp.runtime.refused import missing_operator
from edgefkp.runtime.tflite_model import LoadClocks, TfliteModel, plain_name

TFLITE = ".tflite"
ONNX_LINE = "pip install 'edgefkp[onnx]'"  # or onnxruntime alone, on a board


@dataclass(frozen=True)
class RuntimeInfo:
    """A runtime that is installed here."""

    name: str  # one of RUNTIMES
    version: str  # of the installed package, "unknown" if pip does not know it


def installed(suffix: str = TFLITE) -> list[RuntimeInfo]:
    """The runtimes of this environment for such files, in the order of the default choice; nothing is imported."""
    return [
        RuntimeInfo(runtime.name, _version(runtime))
        for runtime in RUNTIMES.values()
        if runtime.suffix == suffix and importlib.util.find_spec(runtime.module)
    ]


def _version(runtime: Runtime) -> str:
    import importlib.metadata  # here: slow, and --help needs names alone

    for distribution in runtime.distributions:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(distribution)
    return "unknown"


def choose(runtime: str | None = None, suffix: str = "") -> RuntimeInfo:
    """The runtime of that name, or the first installed one that works here.

    suffix: of the file in question; by default that of the runtime, else .tflite.
    Raises UsageError for an unknown name and for one that runs other files, EnvironmentProblem if it is not installed
    or cannot work.
    """
    if runtime is not None:
        runtime, runs = RUNTIMES[runtime].name, RUNTIMES[runtime].suffix
        if suffix not in ("", runs):
            known = ", ".join(one.name for one in RUNTIMES.values() if one.suffix == suffix)
            raise UsageError(f"{runtime} runs {runs} files, not {suffix}", f"leave --runtime out, or give: {known}")
        suffix = runs
    present = [info for info in installed(suffix or TFLITE) if runtime in (None, info.name)]
    if not present:
        if suffix == SUFFIX:
            raise EnvironmentProblem("an .onnx file is run by onnxruntime, which is not installed", ONNX_LINE)
        wanted = f"the runtime {runtime}" if runtime else "no runtime for .tflite files (LiteRT, tflite-runtime)"
        raise EnvironmentProblem(f"{wanted} is {'not ' if runtime else ''}installed", install_line(runtime))
    works = [info for info in present if not _numpy_problem(info)]
    if not works:
        raise EnvironmentProblem(_numpy_problem(present[0]), "pip install 'numpy<2' 'opencv-python<4.12'")
    return works[0]


def choose_for(path: Path, runtime: str | None = None) -> RuntimeInfo:
    """As `choose`, for that file."""
    return choose(runtime, SUFFIX if is_onnx(path) else TFLITE)


def _numpy_problem(info: RuntimeInfo) -> str:
    """tflite-runtime's wheels hold code for numpy 1: under numpy 2 it imports, then dies in its constructor."""
    if info.name == "tflite-runtime" and int(np.__version__.split(".")[0]) >= 2:
        return f"tflite-runtime {info.version} needs numpy 1, and numpy {np.__version__} is installed"
    return ""


def install_line(runtime: str | None = None) -> str:
    """What to type on this machine to get a runtime (or `runtime`), or why it has none."""
    machine, python = platform.machine(), sys.version_info[:2]
    if runtime == "tensorflow":
        return "pip install tensorflow"
    if runtime and RUNTIMES[runtime].suffix == SUFFIX:
        return ONNX_LINE
    if runtime == "tflite-runtime" or (runtime is None and machine.startswith("armv")):
        if python >= (3, 12):
            return (
                f"tflite-runtime has no wheel for Python {python[0]}.{python[1]}: use Python 3.11 (Raspberry Pi OS "
                "Bookworm), or a 64-bit system and: pip install ai-edge-litert"
            )
        return "pip install tflite-runtime==2.14.0 'numpy<2' 'opencv-python<4.12'"
    if machine.startswith("armv"):
        return "LiteRT has no 32-bit wheel: pip install tflite-runtime==2.14.0 'numpy<2', or use a 64-bit system"
    return "pip install ai-edge-litert"


def requirements(machine: str, python: tuple[int, int]) -> list[str]:
    """What pip needs for the default runtime on such a machine; empty if it has no wheel for it."""
    if machine.startswith("armv"):
        return ["tflite-runtime==2.14.0", "numpy<2"] if python < (3, 12) else []
    return ["ai-edge-litert>=2.1,<3", "numpy"]


def load(
    path: Path | str,
    runtime: RuntimeChoice = None,
    threads: int = 1,
    xnnpack: bool = True,
    delegate: str | None = None,
    spec: ModelSpec | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> TfliteModel:
    """Load a .tflite or .onnx file and allocate its tensors; what the interpreter prints meanwhile is dropped.

    xnnpack: False leaves out the default delegate, so that the reference and built-in kernels run.
    runtime: its name, or an Engine with an accelerator or a delegate. delegate: as Engine.delegate.
    spec: of the model if it is known; otherwise the model looks it up when it is needed.
    shapes: of inputs that leave sizes open, by name as plain_name has it; "" for a file's only input.
    Raises EdgefkpError if the file is not one or the runtime cannot run it, EnvironmentProblem if no runtime works, or
    the accelerator is not there.
    A malformed file can kill the process: see edgefkp.runtime.safety.
    """
    path = Path(path)
    if not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"{threads} threads were asked for; 1 to {MOST_THREADS} can be", "for example: --threads 4")
    require_runnable(path)
    engine = Engine.of(runtime) if not delegate else Engine(Engine.of(runtime).runtime, delegate=delegate)
    info = choose_for(path, engine.runtime)
    if is_onnx(path) and (engine.facts or not xnnpack):
        raise UsageError(
            f"{path.name} is run by {info.name}, which has neither XNNPACK nor delegates or accelerators to choose",
            "leave --xnnpack, --delegate and --accelerator out, or measure .tflite files alone",
        )
    on = None
    with captured_fds() as chatter:
        try:
            started = time.perf_counter()
            package = importlib.import_module(RUNTIMES[info.name].interpreter)
            imported = time.perf_counter()
            delegates = [_load_delegate(package, engine.delegate)] if engine.delegate else []
            compiler = _compiler(package, info, path) if engine.accelerator else None
            begun = time.perf_counter()
            interpreter: Any = (
                compiler(engine.accelerator, threads)
                if compiler
                else _interpreter(package, path, threads, xnnpack, delegates)
            )
            loaded = time.perf_counter()
            _resize(interpreter, shapes or {}, path)
            interpreter.allocate_tensors()
            allocated = time.perf_counter()
            inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
            if engine.accelerator:
                on = compiling.accelerated(interpreter, path, engine.accelerator, _printed(chatter))
        except ImportError as error:
            raise EnvironmentProblem(
                f"{info.name} {info.version} is installed but cannot be imported: {_one_line(error)}",
                f"install it again: {install_line(info.name)}",
            ) from error
        except (ValueError, RuntimeError, SystemError, OSError) as error:
            if engine.accelerator and isinstance(error, RuntimeError):
                printed = _printed(chatter)
                raise compiling.compile_error(path, info.version, engine.accelerator, error, printed) from error
            # Some errors have no words of their own; the cause was printed.
            raise _load_error(path, info, str(error) or _last_line(_printed(chatter))) from error
    clocks = LoadClocks(imported - started, loaded - begun, allocated - loaded)
    return TfliteModel(
        path, info.name, info.version, threads, inputs, outputs, clocks, interpreter, delegates, spec, engine, on
    )


def _compiler(package: Any, info: RuntimeInfo, path: Path) -> Callable[[str, int], Any]:
    """What compiles the file for an accelerator. Raises ImportError where this runtime is too old for it."""
    module = importlib.import_module(f"{RUNTIMES[info.name].module}.compiled_model")
    plain = package.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    described = package.Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
    details = described.get_input_details(), described.get_output_details()
    return lambda accelerator, threads: compiling.compile_file(module, path, accelerator, threads, details)


def _interpreter(package: Any, path: Path, threads: int, xnnpack: bool, delegates: list[Any]) -> Any:
    if is_onnx(path):
        from edgefkp.runtime.onnx_session import OnnxSession

        return OnnxSession(path, threads)
    resolver = package.OpResolverType
    return package.Interpreter(
        model_path=str(path),
        num_threads=threads,
        experimental_delegates=delegates or None,
        experimental_op_resolver_type=resolver.AUTO if xnnpack else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )


def _resize(interpreter: Any, shapes: Mapping[str, tuple[int, ...]], path: Path) -> None:
    details = {plain_name(str(detail["name"])): detail["index"] for detail in interpreter.get_input_details()}
    for name, shape in shapes.items():
        label = name or (next(iter(details)) if len(details) == 1 else name)
        if label not in details:
            raise EdgefkpError(f"{path} has no input '{label}' to give a shape", f"its inputs: {', '.join(details)}")
        interpreter.resize_tensor_input(details[label], list(shape))


def _load_delegate(package: Any, spec: str) -> Any:
    library, _, options = spec.partition(":")
    try:
        pairs = dict(pair.split("=", 1) for pair in options.split(",") if pair)
    except ValueError:
        raise UsageError(
            f"cannot read the delegate's options '{options}'", "write: --delegate LIB.so:key=value,key=value"
        ) from None
    import ctypes

    try:
        ctypes.CDLL(library)  # the package's own class complains on stderr when this fails
        return package.load_delegate(library, pairs)
    except (OSError, ValueError, AttributeError) as error:
        raise EdgefkpError(
            f"the delegate {library} cannot be loaded: {_last_line(str(error))}",
            "give the path of a shared library that has tflite_plugin_create_delegate",
        ) from error


def _load_error(path: Path, info: RuntimeInfo, message: str) -> EdgefkpError:
    if unknown := re.search(r"(?:No Op registered for|Fatal error:) ([\w.:]+)", message):
        return EdgefkpError(
            f"{path} needs the operator {unknown[1]}, which {info.name} {info.version} does not have",
            "export it again without operators of one's own, or for an older opset",
        )
    if unknown := re.search(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'", message):
        return EdgefkpError(
            f"{path} needs {unknown[1]} version {unknown[2]}, which {info.name} {info.version} does not have",
            "run it with a newer runtime (--runtime litert), or export it again for this one",
        )
    if refused := missing_operator(path, f"{info.name} {info.version}", message):
        return refused
    return EdgefkpError(
        f"{info.name} {info.version} cannot load {path}: {_one_line(message)}", "export or copy it again"
    )


def _printed(chatter: IO[bytes]) -> str:
    chatter.seek(0)
    return chatter.read().decode(errors="replace")


def _last_line(printed: str) -> str:
    lines = printed.strip().splitlines()
    return lines[-1] if lines else "no reason given"


def _one_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
