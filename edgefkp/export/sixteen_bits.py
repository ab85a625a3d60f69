"""A float graph as the kernels of 16-bit activations take it.

- Hard swish is spelled out, x relu6(x + 3) / 6: no runtime has a 16-bit kernel of it, so that the converter refuses it,
  and the quantizer leaves it in float. The converter makes that one operator wherever a network spells it out; so the
  graph is rewritten behind this step, before ranges are found.
- Additions take any scale. By default those whose scales are all powers of two are computed by shifts, and runtimes
  refuse one whose result has the smaller scale, as that of pixels to -1..1. The converter sets this by itself.
"""

from typing import Any

import numpy as np

from edgefkp.export.flatbuffer import name_of, packed, schema, unpacked

_OPERATOR = "HARD_SWISH"
_SHIFT, _FACTOR = 3.0, 1 / 6


def without_hard_swish(content: bytes) -> bytes:
    """The same float graph without the operator; `content` itself if it has none."""
    classes, model = schema(), unpacked(content)
    number = getattr(classes.BuiltinOperator, _OPERATOR)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    if number not in codes:
        return content
    for graph in model.subgraphs:
        operators = []
        for operator in graph.operators:
            if codes[operator.opcodeIndex] == number:
                operators += _Parts(classes, model, graph).of(operator)
            else:
                operators.append(operator)
        graph.operators = operators
    _drop_unused_codes(model)
    return packed(model, len(content) + (1 << 16))


def with_any_scale(content: bytes) -> bytes:
    """The same graph with additions and subtractions that take any scale; `content` itself if it has none."""
    model, found = unpacked(content), False
    for operator in (one for graph in model.subgraphs for one in graph.operators):
        if hasattr(operator.builtinOptions, "potScaleInt16"):
            operator.builtinOptions.potScaleInt16, found = False, True
    return packed(model, len(content) + (1 << 16)) if found else content


def _drop_unused_codes(model: Any) -> None:
    """Runtimes demand a kernel of each operator that is listed."""
    operators = [one for graph in model.subgraphs for one in graph.operators]
    used = sorted({one.opcodeIndex for one in operators})
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for operator in operators:
        operator.opcodeIndex = used.index(operator.opcodeIndex)


def spell_out(converter: Any) -> None:
    """Let a tf.lite.TFLiteConverter quantize the graph without the operator."""
    plain = converter._optimize_tflite_model
    converter._optimize_tflite_model = lambda content, *rest, **named: plain(
        without_hard_swish(bytes(content)), *rest, **named
    )


class _Parts:
    def __init__(self, classes: Any, model: Any, graph: Any) -> None:
        self.classes, self.model, self.graph = classes, model, graph

    def of(self, operator: Any) -> list[Any]:
        given, made = int(operator.inputs[0]), int(operator.outputs[0])
        relu6 = self.classes.ActivationFunctionType.RELU6
        none = self.classes.ActivationFunctionType.NONE
        gate, product = self._like(made, "gate"), self._like(made, "product")
        return [
            self._pair("ADD", given, self._constant(made, "shift", _SHIFT), gate, relu6),
            self._pair("MUL", given, gate, product, none),
            self._pair("MUL", product, self._constant(made, "factor", _FACTOR), made, none),
        ]

    def _pair(self, kind: str, first: int, second: int, made: int, activation: int) -> Any:
        """An operator of two inputs."""
        operator = self.classes.OperatorT()
        operator.opcodeIndex = self._code(getattr(self.classes.BuiltinOperator, kind))
        operator.inputs, operator.outputs = np.array([first, second], np.int32), np.array([made], np.int32)
        options = {"ADD": "AddOptions", "MUL": "MulOptions"}[kind]
        operator.builtinOptionsType = getattr(self.classes.BuiltinOptions, options)
        operator.builtinOptions = getattr(self.classes, f"{options}T")()
        operator.builtinOptions.fusedActivationFunction = activation
        return operator

    def _code(self, builtin: int) -> int:
        for number, known in enumerate(self.model.operatorCodes):
            if max(known.builtinCode, known.deprecatedBuiltinCode) == builtin:
                return number
        code = self.classes.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, builtin, 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def _like(self, number: int, part: str) -> int:
        """A new tensor in the shape of the one at `number`."""
        source, tensor = self.graph.tensors[number], self.classes.TensorT()
        tensor.shape, tensor.shapeSignature, tensor.hasRank = source.shape, source.shapeSignature, source.hasRank
        return self._added(tensor, number, part)

    def _constant(self, number: int, part: str, value: float) -> int:
        tensor, buffer = self.classes.TensorT(), self.classes.BufferT()
        tensor.shape, tensor.hasRank = np.array([], np.int32), True
        buffer.data = np.array([value], "<f4").view(np.uint8)
        tensor.buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return self._added(tensor, number, part)

    def _added(self, tensor: Any, number: int, part: str) -> int:
        tensor.name = f"{name_of(self.graph.tensors[number])}/{part}"
        tensor.type = self.classes.TensorType.FLOAT32
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1
