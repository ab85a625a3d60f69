"""LiteRT's CompiledModel behind the calls of an interpreter: the CPU, a GPU (WebGPU on Vulkan) or an NPU.

On a GPU a run returns before anything is computed: its result can be read after ten to a thousand times as long. So
`invoke` here writes the inputs, runs and reads every output, and whoever times `invoke` times all of that.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import sys
import traceback
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.files import captured_fds
from edgefkp.runtime import vulkan
from edgefkp.runtime.engine import CPU, GPU, NPU

_SELECTED = re.compile(r"Selected adapter: (.*?), arch=")
_NPU_MISSING = "NPU accelerator could not be loaded"
_NO_PLUGIN = "Failed to apply compiler plugins"
_UNLOADED = re.compile(r"Could not load shared library \S*?([^/\s]+): (.*)")
_COMPILED_AHEAD = b"DISPATCH_OP"  # the operator of a file that was compiled for an NPU beforehand
_OPEN = "only supports static-sized tensors"
_OTHERWISE = "measure on the CPU instead: leave out --accelerator"


@dataclass(frozen=True)
class Accelerated:
    """What a compiled file runs on."""

    accelerator: str  # one of engine.ACCELERATORS
    fully: bool  # every operator runs on it; otherwise some run on the CPU
    adapter: str = ""  # that LiteRT chose; "" if it names none


class CompiledInterpreter:
    """A file compiled for an accelerator, with the CPU for what that cannot run."""

    def __init__(self, compiled: Any, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> None:
        """inputs, outputs: the interpreter's details of the file's tensors."""
        self._held: list[Any] = [compiled]
        self._inputs, self._outputs = inputs, outputs
        self._given: dict[int, np.ndarray] = {}
        self._read: dict[int, np.ndarray] = {}
        weakref.finalize(self, _release, self._held)

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._inputs

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._outputs

    @property
    def fully_accelerated(self) -> bool:
        return bool(self._held[0].is_fully_accelerated())

    def resize_tensor_input(self, index: int, shape: list[int]) -> None:
        takes, _ = self._indices()
        self._held[0].resize_input_tensor(takes.index(index), shape, strict=False)

    def allocate_tensors(self) -> None:
        """Make the buffers that lie between Python and the accelerator."""
        compiled = self._held[0]
        takes, gives = self._indices()
        shapes = self._shapes()
        for detail in (*self._inputs, *self._outputs):
            detail["shape"] = np.array(shapes[detail["index"]], np.int32)
        dtypes = {detail["index"]: detail["dtype"] for detail in self._outputs}
        self._held[1:] = [
            list(zip(takes, compiled.create_input_buffers(0), strict=True)),
            list(zip(gives, compiled.create_output_buffers(0), strict=True)),
        ]
        for index, buffer in self._held[1]:  # LiteRT sets itself up with the first one, and prints that
            dtype = next(detail["dtype"] for detail in self._inputs if detail["index"] == index)
            buffer.write(np.zeros(shapes[index], dtype))
        self._forms = {index: (int(np.prod(shapes[index])), dtypes[index], shapes[index]) for index in gives}

    def _signature(self) -> str:
        return next(iter(self._held[0].get_signature_list()))

    def _indices(self) -> tuple[list[int], list[int]]:
        """Of the tensors that the buffers stand for, in their order."""
        compiled, key = self._held[0], self._signature()
        names = compiled.get_signature_list()[key]
        takes, gives = compiled.get_input_tensor_details(key), compiled.get_output_tensor_details(key)
        return [takes[name]["index"] for name in names["inputs"]], [gives[name]["index"] for name in names["outputs"]]

    def _shapes(self) -> dict[int, tuple[int, ...]]:
        compiled, key = self._held[0], self._signature()
        details = (*compiled.get_input_tensor_details(key).values(), *compiled.get_output_tensor_details(key).values())
        return {detail["index"]: tuple(detail["shape"]) for detail in details}

    def set_tensor(self, index: int, tensor: np.ndarray) -> None:
        """`invoke` writes it: sending it to the accelerator is part of the time."""
        self._given[index] = tensor

    def invoke(self) -> None:
        compiled, takes, gives = self._held
        for index, buffer in takes:
            buffer.write(self._given[index])
        compiled.run_by_index(0, [buffer for _, buffer in takes], [buffer for _, buffer in gives])
        for index, buffer in gives:
            size, dtype, shape = self._forms[index]
            self._read[index] = buffer.read(size, dtype).reshape(shape)

    def get_tensor(self, index: int) -> np.ndarray:
        return self._read[index]


def _release(held: list[Any]) -> None:
    """LiteRT prints a line for each accelerator that it closes."""
    with captured_fds():
        held.clear()


@functools.cache
def _end_quietly() -> None:
    """What LiteRT prints after Python has ended is dropped: no exit handler runs that late."""

    def drop() -> None:
        sys.stderr.flush()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        os.close(nothing)

    atexit.register(drop)


Details = tuple[list[dict[str, Any]], list[dict[str, Any]]]  # of an interpreter's inputs and outputs


def compile_file(package: Any, path: Path, accelerator: str, threads: int, details: Details) -> CompiledInterpreter:
    """package: LiteRT's module compiled_model. Raises RuntimeError with LiteRT's words where it cannot."""
    _end_quietly()
    kind = package.HardwareAccelerator
    chosen = {CPU: kind.CPU, GPU: kind.GPU | kind.CPU, NPU: kind.NPU | kind.CPU}[accelerator]
    options = package.Options(chosen, cpu_options=package.CpuOptions(num_threads=threads))
    return CompiledInterpreter(package.CompiledModel.from_file(str(path), options=options), *details)


def accelerated(compiled: CompiledInterpreter, path: Path, accelerator: str, printed: str) -> Accelerated:
    """What it runs on. printed: what LiteRT printed while it compiled the file.

    LiteRT falls back to the CPU without an error where no NPU is: raises EnvironmentProblem then.
    """
    if accelerator == NPU and (why := _npu_problem(path, printed)):
        raise EnvironmentProblem(
            f"LiteRT has no NPU here: {why}", f"install the NPU maker's driver and runtime; {_OTHERWISE}"
        )
    named = _SELECTED.search(printed)
    fully = accelerator == CPU or compiled.fully_accelerated
    return Accelerated(accelerator, fully, named[1] if named and accelerator == GPU else "")


def _npu_problem(path: Path, printed: str) -> str:
    missing = _UNLOADED.search(printed)
    cause = f"{missing[1]} needs {missing[2].rstrip('.')}" if missing else ""
    # Of several lines about it the last one counts: an environment of LiteRT's own comes before this file's.
    lines = [line for line in printed.splitlines() if "npu_registry" in line]
    if not lines or _NPU_MISSING in lines[-1]:
        return cause or "no dispatch library of an NPU is installed"
    if _NO_PLUGIN in printed and _COMPILED_AHEAD not in path.read_bytes():
        return cause or "no compiler for an NPU is installed"
    return ""


def compile_error(path: Path, version: str, accelerator: str, error: Exception, printed: str) -> EdgefkpError:
    """For a RuntimeError of `compile_file`: a missing driver or adapter, else the file."""
    traceback.clear_frames(error.__traceback__)  # they hold what LiteRT prints about when it is closed
    if accelerator == GPU and not _SELECTED.search(printed):
        found = " and ".join(vulkan.listed())
        what = f"LiteRT cannot use {found}" if found else f"Vulkan lists none{_why_none()}"
        return EnvironmentProblem(f"no GPU adapter for --accelerator {GPU}: {what}", vulkan.INSTALL)
    if _OPEN in printed:
        return EdgefkpError(
            f"{path} leaves sizes of its input open, and LiteRT compiles files of fixed sizes only for a GPU",
            f"export it again: edgefkp export; or {_OTHERWISE}",
        )
    cause = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip("\u2514 .")
    return EdgefkpError(f"litert {version} cannot compile {path} for {accelerator}: {cause}", _OTHERWISE)


def _why_none() -> str:
    try:
        vulkan.adapters()
    except vulkan.NoVulkan as error:
        return f" ({error})"
    return ""
