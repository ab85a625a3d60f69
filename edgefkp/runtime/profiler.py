"""Time by operator, from LiteRT's own profiler.

Python's CompiledModel cannot switch the profiler on; the C library in the same package can, and is called here by
ctypes. Use it in a child process: a LiteRT whose calls differ could end the process.
"""

import ctypes
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.runtime.engine import ACCELERATORS, CPU, Engine
from edgefkp.runtime.packages import RUNTIMES

_INVOKE, _DEFAULT, _OPERATORS = b"Invoke", 1, (2, 4, 8)  # LiteRtProfilerEventType
_KINDS = {1 << shift for shift in range(9)}  # every LiteRtProfilerEventType
_WORDS = range(10, 24)  # sizes of an event: tag, type, start, elapsed, memory twice, two numbers, source
_TENSOR_TYPE = 512  # bytes, more than a LiteRtRankedTensorType takes
_READ, _WRITE = 0, 1  # LiteRtTensorBufferLockMode
_LIBRARY = "libLiteRt.so"

Event = tuple[str, int, int]  # name, type, microseconds


class Profiler:
    """A file compiled with LiteRT's profiler on.

    Raises EnvironmentProblem where this LiteRT has none, EdgefkpError with the name of the call that failed.
    """

    def __init__(self, path: Path, engine: Engine, threads: int) -> None:
        package = RUNTIMES[engine.runtime or "litert"].module
        spec = importlib.util.find_spec(package)
        folder = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
        try:
            self._library = ctypes.CDLL(str(folder / _LIBRARY))
            self._library.LiteRtGetProfilerEvents  # noqa: B018
        except (OSError, AttributeError) as error:
            raise EnvironmentProblem(
                "this LiteRT has no profiler, so there is no time by operator", "pip install 'ai-edge-litert>=2.3,<3'"
            ) from error
        self._kept: list[Any] = []  # what the library reads later
        self._environment, model = self._pointer(), self._pointer()
        self._call("CreateEnvironment", 0, None, ctypes.byref(self._environment))
        self._call("CreateModelFromFile", self._environment, str(path).encode(), ctypes.byref(model))
        self._model = self._compiled(model, engine, threads)
        self._profiler = self._pointer()
        self._call("CompiledModelGetProfiler", self._model, ctypes.byref(self._profiler))
        signature = self._pointer()
        self._call("GetModelSignature", model, ctypes.c_size_t(0), ctypes.byref(signature))
        self._inputs, self._outputs = (self._buffers(signature, side) for side in ("Input", "Output"))

    @staticmethod
    def _pointer() -> ctypes.c_void_p:
        return ctypes.c_void_p()

    def _call(self, name: str, *arguments: Any) -> None:
        if status := getattr(self._library, f"LiteRt{name}")(*arguments):
            raise EdgefkpError(f"LiteRT's profiler cannot run this file: {name} gives status {status}")

    def _compiled(self, model: ctypes.c_void_p, engine: Engine, threads: int) -> ctypes.c_void_p:
        options, compiled = self._pointer(), self._pointer()
        self._call("CreateOptions", ctypes.byref(options))
        bits = 1 | 1 << ACCELERATORS.index(engine.accelerator or CPU)
        self._call("SetOptionsHardwareAccelerators", options, bits)
        self._add(options, "runtime_options_string", "enable_profiling = true\n")
        self._add(options, "xnnpack", f"num_threads = {threads}\n")
        self._call("CreateCompiledModel", self._environment, model, options, ctypes.byref(compiled))
        return compiled

    def _add(self, options: ctypes.c_void_p, name: str, text: str) -> None:
        """Options by name are a text, of which the library takes the address, and a function that frees it."""
        opaque, payload = self._pointer(), ctypes.create_string_buffer(text.encode())
        release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda address: None)
        self._kept += [payload, release]
        self._call("CreateOpaqueOptions", name.encode(), payload, release, ctypes.byref(opaque))
        self._call("AddOpaqueOptions", options, opaque)

    def _buffers(self, signature: ctypes.c_void_p, side: str) -> dict[int, ctypes.c_void_p]:
        """By the index of the tensor in the file, in the order of the signature."""
        count, buffers = ctypes.c_size_t(), {}
        self._call(f"GetNumSignature{side}s", signature, ctypes.byref(count))
        for number in map(ctypes.c_size_t, range(count.value)):
            tensor, needs, buffer, index = self._pointer(), self._pointer(), self._pointer(), ctypes.c_uint32()
            form = ctypes.create_string_buffer(_TENSOR_TYPE)
            self._call(f"GetSignature{side}TensorByIndex", signature, number, ctypes.byref(tensor))
            self._call("GetRankedTensorType", tensor, form)
            _fix_sizes(form)
            self._call("GetTensorIndex", tensor, ctypes.byref(index))
            where = self._model, ctypes.c_size_t(0), number
            self._call(f"GetCompiledModel{side}BufferRequirements", *where, ctypes.byref(needs))
            made = self._environment, form, needs
            self._call("CreateManagedTensorBufferFromRequirements", *made, ctypes.byref(buffer))
            buffers[index.value] = buffer
        return buffers

    def run(self, tensors: dict[int, np.ndarray]) -> None:
        """One inference. tensors: by the index of the input in the file."""
        for index, buffer in self._inputs.items():
            content = np.ascontiguousarray(tensors[index]).tobytes()
            with_room = ctypes.c_size_t()
            self._call("GetTensorBufferSize", buffer, ctypes.byref(with_room))
            if len(content) > with_room.value:
                raise EdgefkpError("LiteRT's profiler takes files of fixed sizes only", "leave out --profile")
            address = self._pointer()
            self._call("LockTensorBuffer", buffer, ctypes.byref(address), _WRITE)
            ctypes.memmove(address, content, len(content))
            self._call("UnlockTensorBuffer", buffer)
        takes, gives = (
            (ctypes.c_void_p * len(side))(*(one.value for one in side.values()))
            for side in (self._inputs, self._outputs)
        )
        sizes = ctypes.c_size_t(len(takes)), ctypes.c_size_t(len(gives))
        self._call("RunCompiledModel", self._model, ctypes.c_size_t(0), sizes[0], takes, sizes[1], gives)
        for buffer in self._outputs.values():  # a GPU has computed nothing before this
            address = self._pointer()
            self._call("LockTensorBuffer", buffer, ctypes.byref(address), _READ)
            self._call("UnlockTensorBuffer", buffer)

    def events(self, sets: Sequence[dict[int, np.ndarray]], count: int) -> list[list[Event]]:
        """Of `count` inferences on the sets in turn, each its events in order."""
        found = []
        for number in range(count):
            self._call("ResetProfiler", self._profiler)
            self._call("StartProfiler", self._profiler)
            self.run(sets[number % len(sets)])
            self._call("StopProfiler", self._profiler)
            found.append(self._read())
        return found

    def _read(self) -> list[Event]:
        count = ctypes.c_int()
        self._call("GetNumProfilerEvents", self._profiler, ctypes.byref(count))
        raw = ctypes.create_string_buffer(8 * _WORDS.stop * max(1, count.value))
        self._call("GetProfilerEvents", self._profiler, count.value, raw)
        words = np.frombuffer(raw.raw, "<u8")
        for size in _WORDS:  # versions of LiteRT measure memory by more or fewer numbers
            events = words[: size * count.value].reshape(-1, size)
            kinds = events[:, 1] & 0xFFFFFFFF
            if set(kinds.tolist()) <= _KINDS and events[:, 0].all():
                break
        else:
            raise EdgefkpError("LiteRT's profiler writes events of an unknown form", "leave out --profile")
        names = {int(at): ctypes.string_at(int(at)).decode(errors="replace") for at in set(events[:, 0].tolist())}
        columns = events[:, 0].tolist(), kinds.tolist(), events[:, 3].tolist()
        return [(names[at], kind, us) for at, kind, us in zip(*columns, strict=True)]


def _fix_sizes(form: Any) -> None:
    """One instead of each open size in a LiteRtRankedTensorType: its type, the rank in 7 bits, and the sizes."""
    numbers = ctypes.cast(form, ctypes.POINTER(ctypes.c_int32))
    for place in range(2, 2 + (numbers[1] & 0x7F)):
        numbers[place] = max(1, numbers[place])


def operators_of(events: Sequence[Event]) -> list[Event]:
    """Those that are operators of the file, or of a delegate in which some of them run."""
    return [event for event in events if event[1] in _OPERATORS]


def invoke_of(events: Sequence[Event]) -> int:
    """Microseconds of the whole inference."""
    return sum(us for name, kind, us in events if kind == _DEFAULT and name == _INVOKE.decode())
