"""The ranges of a float file's tensors over samples, and its outputs: by LiteRT, in a child process."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgefkp.files import write_bytes
from edgefkp.runtime.graph import Graph, buffer_of, graph_of
from edgefkp.runtime.scratch import scratch_folder

# Axis of the weights that has a scale for each of its places.
_CHANNELS = {"CONV_2D": 0, "TRANSPOSE_CONV": 0, "FULLY_CONNECTED": 0, "DEPTHWISE_CONV_2D": 3}
# Of the largest weight: the least range of a channel.
_LEAST = 1 / 1024


def ranges_of(
    content: bytes, extremes: dict[str, np.ndarray], left_out: Sequence[int] = ()
) -> dict[str, dict[str, np.ndarray]]:
    """Tensor -> its smallest and largest value over the samples, as the quantizer takes them.

    Of constants only where `weight_ranges` has one: the quantizer finds a scale for each of their channels by itself.
    extremes: of `extremes_of`. left_out: samples that do not count.
    """
    ranges = weight_ranges(content, graph_of(content))
    for name, (least, most) in extremes.items():
        ranges[name] = {"min": np.delete(least, left_out, 0).min(0), "max": np.delete(most, left_out, 0).max(0)}
    for known in ranges.values():
        if not known["min"].any() and not known["max"].any():
            known["max"] += 1  # always 0 here: with the smallest of scales, which no runtime loads
    return ranges


def extremes_of(interpreter: Any, content: bytes, samples: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Tensor -> (2, N, 1, ...) float32: its smallest and largest value in each sample; not of constants.

    interpreter: of `content`, one that keeps all tensors. samples: in the order of its inputs.
    """
    constants = {
        one.name for step in graph_of(content).operators for one in step.inputs if one is not None and one.constant
    }
    details = [
        one
        for one in interpreter.get_tensor_details()
        if one["dtype"] == np.float32 and one["name"] and one["name"] not in constants
    ]
    found: dict[str, np.ndarray] = {}
    for number in _runs(interpreter, samples):
        for detail in details:
            try:
                values = interpreter.get_tensor(detail["index"])
            except ValueError:  # a tensor that holds nothing, as one that an optional input names
                continue
            if not values.size:
                continue
            if detail["name"] not in found:
                shape = (len(samples[0]), *(1,) * values.ndim)
                found[detail["name"]] = np.stack([np.full(shape, end, np.float32) for end in (np.inf, -np.inf)])
            least, most = found[detail["name"]][:, number : number + 1]
            np.minimum(least, values.min(), out=least)
            np.maximum(most, values.max(), out=most)
    return found


def weight_ranges(content: bytes, graph: Graph) -> dict[str, dict[str, np.ndarray]]:
    """Weights -> a range for each channel, of weights in which a channel is dead or nearly so.

    The scale of such a channel would be so small that its bias, in steps of it, has no 32-bit integer: the quantizer
    would lose the bias without a word.
    """
    found = {}
    for operator in graph.operators:
        weights = operator.inputs[1] if operator.name in _CHANNELS else None
        if weights is None or not weights.constant or weights.dtype != "float32":
            continue
        values = buffer_of(bytearray(content), weights.name).view("<f4").reshape(weights.shape)
        others = tuple(axis for axis in range(values.ndim) if axis != _CHANNELS[operator.name])
        most = np.abs(values).max(others, keepdims=True)
        least = most.max() * _LEAST or 1.0
        if (most < least).any():
            most = np.maximum(most, least).astype(np.float32)
            found[weights.name] = {"min": -most, "max": most}
    return found


def outputs_of(content: bytes, samples: list[np.ndarray]) -> np.ndarray:
    """(N, numbers) float64 of a file with float ends."""
    interpreter = interpreter_of(content)
    found = []
    for _ in _runs(interpreter, samples):
        parts = [interpreter.get_tensor(one["index"]).reshape(-1) for one in interpreter.get_output_details()]
        found.append(np.concatenate(parts))
    return np.stack(found).astype(np.float64)


def interpreter_of(content: bytes, preserve: bool = False) -> Any:
    """LiteRT's, ready to run. preserve: it keeps all tensors, and computes without delegates."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if preserve else OpResolverType.AUTO
    with scratch_folder() as folder:
        interpreter = Interpreter(
            str(write_bytes(folder / "one.tflite", content)),
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=preserve,
        )
        interpreter.allocate_tensors()
    return interpreter


def _runs(interpreter: Any, samples: Sequence[np.ndarray]) -> Iterator[int]:
    inputs = interpreter.get_input_details()
    for number in range(len(samples[0])):
        for detail, array in zip(inputs, samples, strict=True):
            interpreter.set_tensor(detail["index"], array[number].reshape(detail["shape"]).astype(detail["dtype"]))
        interpreter.invoke()
        yield number
