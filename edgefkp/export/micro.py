"""Microcontrollers: the file as a C array with its arena size and operators, proven in TensorFlow Lite Micro.

The interpreter of the package tflite-micro (extra `micro`, one pinned build) runs in a child process: it reports on
file descriptor 2 only, and what it refuses may end the process.
"""

import re
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import TFLITE, Card, read_card, write_card
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.evaluation.evaluate import part_of
from edgefkp.export.inspect import Inspection, inspect
from edgefkp.export.parity import network_spec
from edgefkp.export.schemes import parse_tflite, schemes_with
from edgefkp.files import captured_fds, write_text
from edgefkp.layout import ModelSpec
from edgefkp.runtime import interpreters, isolate
from edgefkp.runtime.safety import run_in_child

FACES = 32  # compared with LiteRT; the reference kernels take about 0.1 s for 100 million MACs
ROOM = 64 << 20  # bytes of arena to measure in
INSTALL = "pip install 'edgefkp[micro]'"
# Add... methods of MicroMutableOpResolver that are not the operator's name in camel case.
_IRREGULAR = {"CUMSUM": "CumSum", "PADV2": "PadV2", "BATCH_MATMUL": "BatchMatMul"}


@dataclass(frozen=True)
class Micro:
    # Version of tflite-micro.
    build: str
    # What the interpreter uses of its arena, no more and no less.
    arena_bytes: int
    # Of the model itself.
    flash_bytes: int
    # The calls that register the file's operators.
    operators: tuple[str, ...]
    # Compared with LiteRT.
    faces: int
    # How many numbers the file returned for them.
    outputs: int
    # Of these, the same integers.
    equal_outputs: int
    # The largest difference, in steps of the output.
    steps: float
    # The same in pixels of the network's image.
    pixels: float


def export_micro(path: Path, source: Dataset) -> tuple[Micro, list[Path]]:
    """Run the .tflite at `path` in TensorFlow Lite Micro, write its C array beside it and the result in its card.

    Returns what was measured, and the .cc and .h files. Raises EdgefkpError with the interpreter's reason for a file
    that does not run there, EnvironmentProblem without tflite-micro.
    """
    test = part_of(source, "test")
    spec = network_spec(path)
    images = test.take(np.arange(min(FACES, len(test)))).framed_for(spec.layout, spec.input).images
    measured = measure(path, images)
    card = read_card(path) or Card(TFLITE, parse_tflite(path).model)
    write_card(path, replace(card, micro=asdict(measured)))
    return measured, write_c(path, measured)


def measure(path: Path, images: np.ndarray) -> Micro:
    """Run (N, *image_shape) uint8 images in TensorFlow Lite Micro and in LiteRT."""
    if find_spec("tflite_micro") is None:
        raise EnvironmentProblem("--target micro needs tflite-micro, which is not installed", INSTALL)
    pixels = network_spec(path).unit  # that the number 1 is worth
    expected = run_in_child(path, images).outputs  # first: a file that kills its process does so there
    found = _in_child(path, images)
    outputs = found["outputs"]
    port = inspect(path).points_port
    # Integers differ by whole steps; floats that come from integers by multiples of the step.
    difference = np.abs(outputs.astype(np.float64) - expected.astype(np.float64))
    unit = 1.0 if port.scale else (port.step or pixels) / pixels
    steps = difference / unit
    return Micro(
        build=found["build"],
        arena_bytes=found["arena"],
        flash_bytes=path.stat().st_size,
        operators=resolver_calls(path),
        faces=len(images),
        outputs=outputs.size,
        equal_outputs=int((steps < 0.5 if port.step else difference < 1e-6).sum()),
        steps=float(steps.max()) if port.step else 0.0,
        pixels=float(steps.max() * port.step if port.step else difference.max() * pixels),
    )


def _runs_there() -> str:
    return f"{', '.join(schemes_with('on_micro'))} run there"


def _in_child(path: Path, images: np.ndarray) -> dict[str, Any]:
    try:
        model = interpreters.load(path)
        return isolate.call(run_micro, str(path), model.tensors(images), model.points_output or 0)
    except isolate.ChildDied as died:
        reason = f"its interpreter ended with {died.signal or died.last_line}"
        raise EdgefkpError(f"{path.name} does not run on microcontrollers: {reason}", _runs_there()) from None


def run_micro(path: str, tensors: np.ndarray, which: int = 0) -> dict[str, Any]:
    """In the child: outputs (N, 2 K) of the points, bytes of the arena, build. which: the number of that output.

    Raises EdgefkpError if the interpreter refuses the file.
    """
    from importlib.metadata import version

    from tflite_micro import runtime as micro  # type: ignore[import-untyped]

    outputs, refused = [], None
    with captured_fds() as chatter:
        try:
            interpreter = micro.Interpreter.from_file(path, arena_size=ROOM)
            for tensor in tensors:
                interpreter.set_input(tensor, 0)
                interpreter.invoke()
                outputs.append(interpreter.get_output(which).copy().reshape(-1))
            interpreter.print_allocations()
        except (RuntimeError, ValueError) as error:
            refused = error
        chatter.seek(0)
        printed = chatter.read().decode("utf-8", "replace")
    if refused:
        reason = _reason(printed) or str(refused)
        raise EdgefkpError(f"{Path(path).name} does not run on microcontrollers: {reason}", _runs_there())
    arena = re.search(r"Arena allocation total (\d+) bytes", printed)
    return {"outputs": np.stack(outputs), "arena": int(arena[1]) if arena else 0, "build": version("tflite-micro")}


def _reason(printed: str) -> str:
    """The interpreter's first two lines of complaint: the cause, then the operator."""
    printed = re.sub(r"tensorflow/lite/\S+ ", "", printed)
    lines = [line.strip() for line in printed.splitlines() if line.strip() and not line.startswith("[")]
    return "; ".join(lines[:2])


def resolver_calls(path: Path) -> tuple[str, ...]:
    """The calls that register the file's operators with a MicroMutableOpResolver."""
    names = sorted({operator.name for operator in inspect(path).operators})
    return tuple(f"Add{_IRREGULAR.get(name) or _camel(name)}()" for name in names)


def _camel(name: str) -> str:
    return "".join(word if word[0].isdigit() else word.capitalize() for word in name.split("_"))


def write_c(path: Path, measured: Micro) -> list[Path]:
    """Write the .cc with the file's bytes and the .h with its sizes and operators beside `path`."""
    base = path.name.removesuffix(".tflite")
    symbol = re.sub(r"\W", "_", base)
    header, source = path.with_name(f"{base}.h"), path.with_name(f"{base}.cc")
    write_text(header, _header(symbol, path, measured))
    write_text(source, _array(symbol, header.name, path.read_bytes()))
    return [source, header]


def _header(symbol: str, path: Path, measured: Micro) -> str:
    inspection, spec = inspect(path), network_spec(path)
    takes, gives, image = inspection.inputs[0], inspection.points_port, spec.input
    number = [port.name for port in inspection.outputs].index(gives.name)
    names = "" if len(inspection.outputs) == 1 else f" {number}, {gives.name}"
    register = " \\\n".join(f"  (resolver).{call};" for call in measured.operators)
    constant = "".join(word.capitalize() for word in symbol.split("_"))
    return f"""\
// {path.name}, {measured.flash_bytes} bytes. Made by edgefkp export --target micro; do not edit.
// Input: {"x".join(map(str, takes.shape))} {takes.dtype}, scale {takes.scale}, zero point {takes.zero_point}: \
pixels scaled to {image.scaling}, {image.colors}.
// Output{names}: {"x".join(map(str, gives.shape))} {gives.dtype}, scale {gives.scale}, zero point {gives.zero_point}: \
x = {spec.unit:g} * value + {spec.zero:g} pixels of the {image.side}x{image.side} image.\
{_deviation_lines(inspection, spec)}
#pragma once
#include <cstddef>

extern const unsigned char {symbol}[];
constexpr std::size_t k{constant}Bytes = {measured.flash_bytes};
// Measured with tflite-micro {measured.build} (64-bit; pointers of a 32-bit processor need less).
constexpr std::size_t k{constant}ArenaBytes = {measured.arena_bytes};
// tflite::MicroMutableOpResolver<{len(measured.operators)}> resolver; {symbol}_register(resolver);
constexpr unsigned int k{constant}Operators = {len(measured.operators)};
#define {symbol}_register(resolver) \\
{register}
"""


def _deviation_lines(inspection: Inspection, spec: ModelSpec) -> str:
    """A comment about the output of deviations; nothing for a file without it."""
    for number, port in enumerate(inspection.outputs):
        if spec.output.deviation and port.name == spec.output.deviation:
            return (
                f"\n// Output {number}, {port.name}: {'x'.join(map(str, port.shape))} {port.dtype}, "
                f"scale {port.scale}, zero point {port.zero_point}:\n"
                f"// standard deviation of a point = {spec.unit:g} * exp(value) pixels."
            )
    return ""


def _array(symbol: str, header: str, content: bytes) -> str:
    rows = [", ".join(f"0x{byte:02x}" for byte in content[i : i + 16]) for i in range(0, len(content), 16)]
    body = ",\n  ".join(rows)
    return f'#include "{header}"\n\nalignas(16) const unsigned char {symbol}[] = {{\n  {body},\n}};\n'
