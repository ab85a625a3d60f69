"""Quantization of a float .tflite, whoever made it, by LiteRT's quantizer (extra `quantize`), without TensorFlow.

Three things are not the quantizer's own, and are why its files come out closer to their networks:

- Ranges are the smallest and largest values over all samples but those of edgefkp.export.range_outliers. By itself it
  takes a moving average, which forgets.
- A soft argmax or a normalization stays in float: islands by operator. Where there are no floats, a soft argmax has 16
  bits.
- The last bias takes back the mean error of the outputs, as in edgefkp.export.bias_correction.

Everything runs in a child process: the quantizer and the runtime that calibrates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.islands import SAMPLES, has_gates, needed_in_float, of_kinds
from edgefkp.export.output_names import with_outputs_called
from edgefkp.export.quantizer_input import readable
from edgefkp.export.quantizer_recipe import recipe
from edgefkp.export.range_outliers import left_out, without
from edgefkp.export.schemes import CAST, SCHEMES, Scheme
from edgefkp.export.sixteen_bits import with_any_scale, without_hard_swish
from edgefkp.export.tensor_ranges import extremes_of, interpreter_of, outputs_of, ranges_of
from edgefkp.export.wide_head import soft_argmax, with_casts
from edgefkp.files import captured_fds
from edgefkp.runtime import isolate
from edgefkp.runtime.graph import Graph, Operator, Tensor, buffer_of, graph_of

INSTALL = "pip install 'edgefkp[quantize]'"
# Operators whose results 256 steps cannot hold: probabilities over many places, and the parts of a normalization.
ISLANDS = ("SOFTMAX", "RSQRT", "SQUARED_DIFFERENCE", "SQRT", "DIV")
# What sums up an island's result, and belongs to it: the centers of a soft argmax.
_SUMS = ("FULLY_CONNECTED", "BATCH_MATMUL", "SUM", "MUL", "MEAN")
_SHAPES = ("RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "DEQUANTIZE", "QUANTIZE")


@dataclass(frozen=True)
class Quantized:
    """A quantized file and how it was made."""

    content: bytes
    # Outputs of operators that compute in float on purpose.
    kept: tuple[str, ...]
    # (outputs,) what was added to the last bias; None where that is not possible.
    missing: np.ndarray | None
    # The samples that do not count for ranges (edgefkp.export.range_outliers).
    left_out: tuple[int, ...] = ()


def require_quantizer() -> None:
    """Raise EnvironmentProblem without LiteRT's quantizer, or without the runtime that it calibrates with."""
    if find_spec("litert_quantizer") is None or find_spec("ai_edge_litert") is None:
        raise EnvironmentProblem("a .tflite is quantized by litert-quantizer, which is not installed", INSTALL)


def quantize(
    path: Path,
    scheme: Scheme,
    samples: Sequence[np.ndarray],
    keep_float: Sequence[str] = (),
    per_tensor_dense: bool = False,
    widen: str = CAST,
    always: int = 0,
) -> Quantized:
    """The float file at `path` in `scheme`, which is one with integers.

    samples: one (N, *input shape) array for each input, in the file's order; dynamic files are corrected by them if
    there are any. keep_float: names of tensors whose operators stay in float, beside the islands.
    per_tensor_dense, widen: as the target has them. always: so many samples at the start always count for ranges.
    Raises EdgefkpError for a file that cannot be quantized, EnvironmentProblem without the quantizer.
    """
    require_quantizer()
    try:
        found = isolate.call(
            quantize_here,
            str(path.absolute()),
            scheme.name,
            list(samples),
            list(keep_float),
            per_tensor_dense,
            widen,
            always,
            label="quantization",
        )
    except isolate.ChildDied as died:
        cause = died.last_line or died.message
        raise EdgefkpError(
            f"{path.name} cannot be quantized to {scheme.name}: {cause[:150]}", "choose another scheme for this file"
        ) from None
    return Quantized(found["content"].tobytes(), tuple(found["kept"]), found["missing"], tuple(found["left_out"]))


def quantize_here(
    path: str,
    name: str,
    samples: list[np.ndarray],
    keep_float: list[str],
    per_tensor_dense: bool,
    widen: str,
    always: int,
) -> dict[str, Any]:
    """In the child: the content of the quantized file, what was kept in float, what was corrected, what was left
    out."""
    scheme, content = SCHEMES[name], readable(Path(path).read_bytes())
    if scheme.static and scheme.activation_bits > 8:
        content = with_any_scale(without_hard_swish(content))
    graph = graph_of(content)
    kept = kept_in_float(graph, keep_float) if scheme.static and scheme.keeps_float else list(keep_float)
    ends = {tensor.name for tensor in graph.outputs}  # these have the scheme's own type
    wide = [one for one in soft_argmax(graph) if one not in ends] if scheme.head else []

    def made_as(scheme: Scheme, source: bytes) -> bytes:
        return made_of(source, scheme, ranges, kept, per_tensor_dense, wide, widen)

    rows: tuple[int, ...] = ()
    measured = SCHEMES[scheme.measured_as or scheme.name]  # with floats at both ends
    with captured_fds():
        ranges: dict[str, Any] = {}
        if scheme.static:
            ranges, rows = ranges_for(
                content,
                samples,
                scheme,
                lambda found: made_of(content, measured, found, kept, per_tensor_dense),
                always,
            )
            samples = without(samples, rows)
        if scheme.static and scheme.keeps_float and has_gates(graph):
            kept = with_islands(graph, content, samples, kept, partial(made_of, content, scheme, ranges))
        made = made_as(scheme, content)
        missing = None
        if samples and scheme.corrects_bias and (biases := output_biases(graph)):
            tried = made if measured is scheme else made_as(measured, content)
            missing = (outputs_of(content, samples) - outputs_of(tried, samples)).mean(0)
            made = made_as(scheme, _with_biases(content, biases, missing))
    return {"content": np.frombuffer(made, np.uint8), "kept": kept, "missing": missing, "left_out": rows}


def ranges_for(
    content: bytes, samples: list[np.ndarray], scheme: Scheme, make: Callable[[dict[str, Any]], bytes], always: int
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The ranges of a scheme's activations, and the samples that do not count for them.

    make: the file with these ranges and floats at both ends.
    """
    extremes = extremes_of(interpreter_of(content, preserve=True), content, samples)
    rows: tuple[int, ...] = ()
    if scheme.activation_bits == 8:
        rows = left_out(
            extremes,
            lambda some: outputs_of(make(ranges_of(content, extremes, some)), samples),
            lambda: outputs_of(content, samples),
            always,
        )
    return ranges_of(content, extremes, rows), rows


def kept_in_float(graph: Graph, asked: Sequence[str] = ()) -> list[str]:
    """Outputs of the operators that stay in float: `asked`, the islands, and what sums these up.

    The first part of a name that is several, with semicolons, is enough, and a kind of operators stands for all of
    them. Raises EdgefkpError for a name that no operator has.
    """
    outputs = [operator.outputs[0].name for operator in graph.operators if operator.outputs]
    kinds = {operator.name for operator in graph.operators} - set(outputs)
    asked = [*(name for name in asked if name not in kinds), *of_kinds(graph, sorted(kinds.intersection(asked)))]
    asked = [next((name for name in outputs if one in (name, first_part(name))), one) for one in asked]
    unknown = [name for name in asked if name not in outputs]
    if unknown:
        listed = ", ".join(outputs[:12]) + (f" and {len(outputs) - 12} more" if len(outputs) > 12 else "")
        raise EdgefkpError(
            f"no operator with the output '{unknown[0]}' in this file, and no kind of operators",
            f"outputs: {listed}; kinds: {', '.join(sorted(kinds))}",
        )
    inside = {
        operator.outputs[0].name
        for operator in graph.operators
        if operator.outputs and operator.name in ISLANDS
    }  # fmt: skip
    for operator in graph.operators:
        takes = {tensor.name for tensor in operator.inputs if tensor is not None}
        if operator.name in (*_SUMS, *_SHAPES) and operator.outputs and takes & inside:
            last = operator.outputs[0] in graph.outputs
            if operator.name in _SUMS and not last and any(_sums(one) for one in _makers(graph, takes & inside)):
                continue  # the second sum is a layer of its own; the last one would clip what the first found
            inside.add(operator.outputs[0].name)
    return [name for name in outputs if name in inside or name in asked]


def with_islands(
    graph: Graph, content: bytes, samples: list[np.ndarray], kept: list[str], make: Callable[..., bytes]
) -> list[str]:
    """`kept` and the outputs of the kinds of operators that are measured to be needed in float, in the graph's order.

    make: the file with these outputs in float, and one scale for each output of a dense layer or not.
    """
    few = [array[:SAMPLES] for array in samples]

    def also(kinds: Sequence[str]) -> list[str]:
        found = {*kept, *of_kinds(graph, kinds)}
        return [one.outputs[0].name for one in graph.operators if one.outputs and one.outputs[0].name in found]

    found = needed_in_float(
        lambda kinds: make(also(kinds), False), lambda made: outputs_of(made, few), outputs_of(content, few)
    )
    return also(found)


def first_part(name: str) -> str:
    """Of a tensor that stands for several: "a;b"."""
    return name.partition(";")[0]


def _makers(graph: Graph, names: set[str]) -> list[Operator]:
    """The operators that compute these tensors, through what only changes a shape."""
    found = []
    for operator in graph.operators:
        if operator.outputs and operator.outputs[0].name in names:
            takes = {tensor.name for tensor in operator.inputs if tensor is not None}
            found += _makers(graph, takes) if operator.name in _SHAPES else [operator]
    return found


def _sums(operator: Operator) -> bool:
    return operator.name in ("FULLY_CONNECTED", "BATCH_MATMUL", "SUM", "MEAN")


def output_biases(graph: Graph) -> list[str]:
    """The constant that is added last to each output; empty for a graph in which one has none of its own."""
    found = [_bias_of(graph, tensor) for tensor in graph.outputs]
    return [name for name in found if name] if None not in found and len(set(found)) == len(found) else []


def _bias_of(graph: Graph, output: Tensor) -> str | None:
    """Of a dense layer, or of a convolution over all that it sees."""
    made_by = {operator.outputs[0].name: operator for operator in graph.operators if operator.outputs}
    last = made_by.get(output.name)
    while last is not None and last.name == "RESHAPE" and last.inputs[0] is not None:
        last = made_by.get(last.inputs[0].name)
    if last is None or last.name not in ("FULLY_CONNECTED", "CONV_2D") or len(last.inputs) < 3 or last.activation:
        return None
    bias = last.inputs[2]
    alone = bias is not None and bias.constant and bias.dtype == "float32" and prod(bias.shape) == prod(output.shape)
    return bias.name if bias is not None and alone else None


def _with_biases(content: bytes, names: Sequence[str], missing: np.ndarray) -> bytes:
    changed, start = bytearray(content), 0
    for name in names:
        bias = buffer_of(changed, name).view(np.float32)
        bias += missing[start : start + bias.size].astype(np.float32)
        start += bias.size
    return bytes(changed)


def made_of(
    content: bytes,
    scheme: Scheme,
    ranges: dict[str, Any],
    kept: Sequence[str],
    per_tensor_dense: bool,
    wide: Sequence[str] = (),
    widen: str = CAST,
) -> bytes:
    from litert_quantizer.quantizer import Quantizer

    asked = recipe(scheme, kept, per_tensor_dense, wide)
    made = bytes(Quantizer(bytearray(content), asked).quantize(ranges or None).quantized_model)
    made = with_casts(made) if wide and widen == CAST else made
    return with_outputs_called(made, [tensor.name for tensor in graph_of(content).outputs])
