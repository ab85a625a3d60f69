"""What a network takes and returns where no card describes it: stated by options, read from its own layers or
quantization, and for the rest the defaults of edgefkp.layout."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.layout import LAYOUTS, SCALINGS, STANDARDIZED, InputSpec, ModelSpec, PointLayout
from edgefkp.runtime.any_graph import read_any_graph
from edgefkp.runtime.graph import Graph, Tensor, integers_of
from edgefkp.runtime.metadata import spec_of
from edgefkp.runtime.onnx_file import SUFFIX

RUN = (".tflite", SUFFIX)  # files that have a graph to read
LEAST = 15  # points of a layout that the count of an output alone shows
# An output beyond it is a coordinate in pixels, whatever the face; one below -_NEGATIVE is no share of the side.
BEYOND, _NEGATIVE = 4.0, 0.4


@dataclass(frozen=True)
class Stated:
    """What the options of a command state of a network's input and output; None: nothing."""

    scaling: str | None = None  # one of SCALINGS, or "standardized"
    mean: tuple[float, ...] = ()  # gray levels, of each channel or one for all
    deviation: tuple[float, ...] = ()
    order: str | None = None  # of three channels, as InputSpec.order
    form: str | None = None  # as OutputSpec.form
    offset: float | None = None  # pixels, as OutputSpec.offset

    def over(self, spec: ModelSpec) -> ModelSpec:
        """`spec` with what is stated. Raises UsageError for a contract that cannot be."""
        changes: dict[str, Any] = {"order": self.order} if self.order else {}
        if self.scaling:
            mean, deviation = (_each(numbers, spec.input.channels) for numbers in (self.mean, self.deviation))
            changes |= {"scaling": self.scaling, "mean": mean, "deviation": deviation}
        units = {"form": self.form, "offset": self.offset}
        output: dict[str, Any] = {name: value for name, value in units.items() if value is not None}
        return replace(spec, input=replace(spec.input, **changes), output=replace(spec.output, **output))


def _each(numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return numbers * channels if len(numbers) == 1 else numbers


def read_scaling(text: str) -> Stated:
    """A name of SCALINGS, or mean and deviation in gray levels: "127.5/128", "124,116,104/58,57,57".

    Raises UsageError for anything else.
    """
    if text in SCALINGS:
        return Stated(text)
    try:
        mean, deviation = (tuple(float(number) for number in part.split(",")) for part in text.split("/"))
    except ValueError:
        raise UsageError(
            f"cannot read the input range '{text}'",
            f"choose one of: {', '.join(SCALINGS)}; or give mean and deviation in gray levels: 127.5/128",
        ) from None
    if not len(mean) == len(deviation) or 0 in deviation:
        raise UsageError(f"the input range '{text}' needs a deviation above 0 for each mean", "for example: 127.5/128")
    return Stated(STANDARDIZED, mean, deviation)


@dataclass(frozen=True)
class Contract:
    """A network's points, input and output, and what they were read from."""

    spec: ModelSpec
    # "input" and "output" -> what shows it, as a clause: "its layer rescaling divides by 255". Without an entry it is
    # the default, which is an assumption.
    shown: dict[str, str] = field(default_factory=dict)

    def stating(self, stated: Stated) -> Contract:
        """With what the options state."""
        shown = {"input": "--input-range"} if stated.scaling else {}
        shown |= {"output": "--output-units"} if stated.form else {}
        return Contract(stated.over(self.spec), self.shown | shown)


def contract_of_shapes(takes: tuple[int, ...], gives: int, layout: PointLayout | None = None) -> Contract | None:
    """By the shape of one image in the input and the count of numbers that come out; None for no keypoint network.

    layout: tried before those of LAYOUTS, of which those of few points are left out: such outputs may be classes.
    """
    input = input_of_shape(takes)
    if input is None:
        return None
    for points in (*([layout] if layout else []), *(one for one in LAYOUTS.values() if one.count >= LEAST)):
        if gives == 2 * points.count:
            return Contract(ModelSpec(points, input))
    return None


def input_of_shape(takes: tuple[int, ...]) -> InputSpec | None:
    """By the shape of one image in an input; None for no square image."""
    colors = {1: "gray", 3: "rgb"}
    side, *_ = takes or (0,)
    if takes in ((side, side), (side, side, 1), (side, side, 3)):
        kind = (side, colors[takes[2] if len(takes) == 3 else 1], "HWC")
    elif len(takes) == 3 and takes[0] in colors and takes[1] == takes[2]:
        kind = (takes[1], colors[takes[0]], "CHW")
    else:
        return None
    try:
        return InputSpec(kind[0], kind[1], axes=kind[2])
    except UsageError:  # a side that no model of this package has
        return None


def contract_of_file(path: Path, layout: PointLayout | None = None) -> Contract | None:
    """Of a .tflite or .onnx without metadata and card, by its shapes and its quantization; None for no keypoint
    network, or where no package here reads graphs."""
    try:
        graph = read_any_graph(path)
    except (EdgefkpError, EnvironmentProblem):
        return None
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return None
    found = contract_of_shapes(graph.inputs[0].shape[1:], prod(graph.outputs[0].shape), layout)
    if found is None:
        return None
    spec, shown = found.spec, {}
    if (limits := _limits(_integers_behind(graph, graph.inputs[0]))) and (scaling := _scaling_within(*limits)):
        spec = replace(spec, input=replace(spec.input, scaling=scaling))
        shown["input"] = "its quantized input is from {:.3g} to {:.3g}".format(*limits)
    elif graph.inputs[0].dtype == "uint8":
        spec, shown["input"] = replace(spec, input=replace(spec.input, scaling="0..255")), "its input takes bytes"
    if (limits := _limits(integers_of(graph, graph.outputs[0]))) and (form := _form_within(*limits)):
        spec = replace(spec, output=replace(spec.output, form=form))
        shown["output"] = "its quantized output is from {:.3g} to {:.3g}".format(*limits)
    return Contract(spec, shown)


def known_spec(path: Path) -> ModelSpec | None:
    """Points, input and output of a model file by its metadata or card, else as its graph shows; None
    without any. Raises EdgefkpError for damaged metadata or a damaged card."""
    if known := spec_of(path):
        return known
    shown = contract_of_file(path) if path.suffix in RUN else None
    return shown.spec if shown else None


def _integers_behind(graph: Graph, tensor: Tensor) -> Tensor:
    """An input itself, or the integers that a QUANTIZE makes of it."""
    made = (op.outputs[0] for op in graph.operators if op.name == "QUANTIZE" and tensor in op.inputs)
    return tensor if tensor.quantized else next(made, tensor)


def _limits(tensor: Tensor | None) -> tuple[float, float] | None:
    """The smallest and largest number of a quantized tensor; None for one that is not, or whose scale is 16-bit."""
    bounds = {"int8": (-128, 127), "uint8": (0, 255)}.get(tensor.dtype) if tensor else None
    if tensor is None or not tensor.quantized or bounds is None:
        return None
    low, high = ((bound - tensor.zero_points[0]) * tensor.scales[0] for bound in bounds)
    return low, high


def _scaling_within(low: float, high: float) -> str | None:
    """Of inputs from `low` to `high`; None for what none of SCALINGS gives."""
    if high > 64 and low > -0.1 * high:
        return "0..255"
    if -0.1 < low < 0.1 and 0.5 < high < 1.5:
        return "0..1"
    return "-1..1" if -1.5 < low < -0.4 and 0.4 < high < 1.5 else None


def _form_within(low: float, high: float) -> str | None:
    """Of points from `low` to `high`; None for what no face gives. A range includes 0."""
    if high > BEYOND:
        return "pixels" if low > -high / 2 else None
    if low < -_NEGATIVE:
        return "-1..1" if low > -2 and 0.4 < high < 2 else None
    return "0..1" if low > -0.05 and 0.6 < high < 1.4 else None
