"""A soft argmax in 16-bit integers, for files that compute in integers alone.

A softmax over a map of places gives probabilities of a few hundredths, and 8 bits hold them in steps of 1/256: that
alone moves the points of our networks by most of what full int8 costs them (0.07 px; ranges, weights and outputs
cost 0.01 px together). In 16 bits a step is 1/32768. So the softmax and what sums it up, to the outputs or to the next
layer of another kind, is taken from the same network's file with 16-bit activations. All runtimes, NPUs and
microcontrollers have kernels for these few operators in 16 bits.

What leads into it differs. NPUs have QUANTIZE, which tflite-runtime 2.14 and TensorFlow's own interpreter lack from 8
into 16 bits. All of these have CAST, which a processor must compute for an NPU. CAST takes no zero point away, and a
softmax is the same whatever is added to all that it takes.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from edgefkp.export.flatbuffer import name_of, packed, schema, unpacked
from edgefkp.export.schemes import CAST
from edgefkp.networks.complexity import leaves
from edgefkp.runtime.graph import Graph, graph_of

_SOFTMAX = "SOFTMAX"
# What sums up probabilities, and what only changes a shape on the way.
_SUMS = ("FULLY_CONNECTED", "SUM", "MUL", "MEAN")
_SHAPES = ("RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS")
_QUANTIZE_VERSION = 2  # the first that knows 16 bits
_WIDE = "_int16"  # at the end of the name of what is in 16 bits


def may_have_soft_argmax(model: Any) -> bool:
    """Whether a Keras network has a softmax before its last layer; only the graph shows what becomes of it."""
    last = [tensor._keras_history.operation for tensor in model.outputs]
    return any(_is_softmax(layer) and layer not in last for layer in leaves(model))


def _is_softmax(layer: Any) -> bool:
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    return type(layer).__name__ == "Softmax" or activation == "softmax"


def soft_argmax(graph: Graph) -> list[str]:
    """The outputs of the operators that turn maps into places: each softmax that is summed up, and what follows it up
    to the last sum and takes nothing else. Empty for a graph without one."""
    after: list[Any] = []
    names: set[str] = set()
    for operator in graph.operators:
        takes = {tensor.name for tensor in operator.inputs if tensor is not None and not tensor.constant}
        follows = operator.name in (*_SUMS, *_SHAPES) and bool(takes) and takes <= names
        if operator.outputs and (operator.name == _SOFTMAX or follows):
            after.append(operator)
            names.add(operator.outputs[0].name)
    summed: set[str] = set()  # what ends in a sum
    wanted: set[str] = set()  # what those take
    for operator in reversed(after):
        own = operator.outputs[0].name
        if operator.name in _SUMS or own in wanted:
            summed.add(own)
            wanted |= {tensor.name for tensor in operator.inputs if tensor is not None}
    return [operator.outputs[0].name for operator in after if operator.outputs[0].name in summed]


def widened(narrow: bytes, make_wide: Callable[[], bytes], widen: str = CAST) -> bytes:
    """The int8 file `narrow` with its soft argmax in 16 bits; itself if it has none, or the other file lacks it.

    make_wide: the same network's file with 16-bit activations, which is made only if it is needed. widen: CAST or
    QUANTIZE, what leads into the soft argmax.
    """
    if not (names := soft_argmax(graph_of(narrow))):
        return narrow
    model = _Splice(unpacked(narrow), unpacked(make_wide()), names).spliced()
    made = packed(model, len(narrow) + (1 << 16))
    return with_casts(made) if widen == CAST else made


def with_casts(content: bytes) -> bytes:
    """The file with a CAST for each QUANTIZE that leads from 8-bit integers to a softmax in 16 bits."""
    classes, model = schema(), unpacked(content)
    graph, kinds = model.subgraphs[0], schema().TensorType
    for operator in graph.operators:
        if _kind(model, operator) != classes.BuiltinOperator.QUANTIZE:
            continue
        given, made = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        readers = [one for one in graph.operators if operator.outputs[0] in list(one.inputs)]
        softmax = [_kind(model, one) == classes.BuiltinOperator.SOFTMAX for one in readers]
        if (given.type, made.type) != (kinds.INT8, kinds.INT16) or not softmax or not all(softmax):
            continue
        operator.opcodeIndex = _code_of(model, classes.BuiltinOperator.CAST, 1)
        operator.builtinOptionsType = classes.BuiltinOptions.CastOptions
        operator.builtinOptions = classes.CastOptionsT()
        operator.builtinOptions.inDataType, operator.builtinOptions.outDataType = given.type, made.type
        made.quantization.scale = given.quantization.scale
    return packed(model, len(content) + (1 << 16))


def _kind(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _code_of(model: Any, builtin: int, version: int) -> int:
    """The number of this operator in the file's list, to which it is added if it is not there."""
    for number, known in enumerate(model.operatorCodes):
        if (max(known.builtinCode, known.deprecatedBuiltinCode), known.version) == (builtin, version):
            return number
    code = schema().OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


class _Splice:
    """Takes the operators whose outputs are `names` from another file of the same network."""

    def __init__(self, model: Any, donor: Any, names: list[str]) -> None:
        self.classes = schema()
        self.model, self.donor = model, donor
        self.graph, self.source = model.subgraphs[0], donor.subgraphs[0]
        twins, own = self._by_output(donor), self._by_output(model)
        known = {self._name(operator.outputs[0]): twins.get(output) for output, operator in own.items()}
        # Output of an operator -> the operator of the other file.
        self.twins = {name: known.get(name) for name in names}
        self.wide: dict[int, int] = {}  # number of an int8 tensor -> of the same in 16 bits
        self.operators: list[Any] = []

    def spliced(self) -> Any:
        if any(twin is None for twin in self.twins.values()):
            return self.model  # the other converter made another graph
        inside = [self.twins.get(self._name(one.outputs[0])) for one in self.graph.operators]
        for operator, twin in zip(list(self.graph.operators), inside, strict=True):
            if twin is None:
                self._take_wide_inputs(operator)
                self.operators.append(operator)
            else:
                self._add(operator, twin)
        self.graph.operators = self.operators
        self._drop_unused()
        return self.model

    def _by_output(self, model: Any) -> dict[str, Any]:
        """Name -> the operator that computes it. What turns into floats at the end is called as these floats, whose
        name both files have."""
        graph = model.subgraphs[0]
        ends = {one.inputs[0]: one.outputs[0] for one in graph.operators if self._turns_to_floats(model, one)}
        computed = [one for one in graph.operators if len(one.outputs) and not self._turns_to_floats(model, one)]
        return {name_of(graph.tensors[ends.get(one.outputs[0], one.outputs[0])]): one for one in computed}

    def _drop_unused(self) -> None:
        """Tensors that nothing takes or makes any more, and their values."""
        graph = self.graph
        ports = [graph.inputs, graph.outputs, *(each for one in graph.operators for each in (one.inputs, one.outputs))]
        used = sorted({int(number) for each in ports for number in each if number >= 0})
        place = {number: new for new, number in enumerate(used)} | {-1: -1}
        kept = [graph.tensors[number] for number in used]
        for tensor in graph.tensors:
            if all(tensor.buffer != one.buffer for one in kept):
                self.model.buffers[tensor.buffer].data = None
        graph.tensors = kept
        for item in (graph, *graph.operators):
            item.inputs, item.outputs = (
                [place[int(number)] for number in each] for each in (item.inputs, item.outputs)
            )
        for signature in self.model.signatureDefs or []:
            for port in (*signature.inputs, *signature.outputs):
                port.tensorIndex = place[int(port.tensorIndex)]

    def _name(self, number: int) -> str:
        return name_of(self.graph.tensors[number])

    def _add(self, operator: Any, twin: Any) -> None:
        """The operator `twin` in the place of `operator`, between what it takes and returns in 16 bits."""
        made = copy.copy(twin)
        version = self.donor.operatorCodes[twin.opcodeIndex].version
        made.opcodeIndex = _code_of(self.model, _kind(self.donor, twin), version)
        pairs = zip(operator.inputs, twin.inputs, strict=False)  # one may name a bias that is left out
        made.inputs = [self._input(int(own), int(other)) if min(own, other) >= 0 else -1 for own, other in pairs]
        number, wide = int(operator.outputs[0]), int(twin.outputs[0])
        made.outputs = [self._tensor(wide, number)]
        self.operators.append(made)
        if self._is_read_in_8_bits(number):
            self.operators.append(self._quantize(self.wide[number], number))

    def _input(self, own: int, other: int) -> int:
        if own in self.wide:
            return self.wide[own]
        data = self.donor.buffers[self.source.tensors[other].buffer].data
        if data is None or not len(data):
            self.operators.append(self._quantize(own, self._tensor(other, own)))
            return self.wide[own]
        return own if self._is_same(own, other, data) else self._tensor(other, own, data)

    def _is_same(self, own: int, other: int, data: Any) -> bool:
        """Whether a constant is the donor's: weights and shapes are, biases have 64 bits there."""
        tensor, given = self.graph.tensors[own], self.source.tensors[other]
        scales: list[Any] = [one.quantization and one.quantization.scale for one in (tensor, given)]
        known = self.model.buffers[tensor.buffer].data
        return tensor.type == given.type and np.array_equal(known, data) and np.array_equal(scales[0], scales[1])

    def _tensor(self, other: int, own: int, data: Any = None) -> int:
        """The donor's tensor `other` as a new one, the wide form of `own`. data: of a constant."""
        tensor = copy.copy(self.source.tensors[other])
        tensor.name = f"{self._name(own)}{_WIDE}"
        tensor.buffer = 0
        if data is not None:
            tensor.buffer = len(self.model.buffers)
            buffer = self.classes.BufferT()
            buffer.data = data
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        self.wide[own] = len(self.graph.tensors) - 1
        return self.wide[own]

    def _is_read_in_8_bits(self, number: int) -> bool:
        """Whether an output of the file, or an operator that is not inside, takes this tensor."""
        readers = [one for one in self.graph.operators if number in list(one.inputs)]
        outside = [one for one in readers if self._name(one.outputs[0]) not in self.twins]
        return number in list(self.graph.outputs) or any(not self._turns_to_floats(self.model, one) for one in outside)

    def _take_wide_inputs(self, operator: Any) -> None:
        """What turns integers into floats does so with those of 16 bits."""
        if self._turns_to_floats(self.model, operator) and int(operator.inputs[0]) in self.wide:
            operator.inputs = [self.wide[int(operator.inputs[0])]]
            operator.opcodeIndex = _code_of(self.model, self.classes.BuiltinOperator.DEQUANTIZE, 2)

    def _turns_to_floats(self, model: Any, operator: Any) -> bool:
        return _kind(model, operator) == int(self.classes.BuiltinOperator.DEQUANTIZE)

    def _quantize(self, given: int, made: int) -> Any:
        operator = self.classes.OperatorT()
        operator.opcodeIndex = _code_of(self.model, self.classes.BuiltinOperator.QUANTIZE, _QUANTIZE_VERSION)
        operator.inputs, operator.outputs = [given], [made]
        operator.builtinOptionsType = self.classes.BuiltinOptions.QuantizeOptions
        operator.builtinOptions = self.classes.QuantizeOptionsT()
        return operator
