"""A float file as LiteRT's quantizer reads it, which files of older converters are not.

- A float16 file has an operator DEQUANTIZE behind each weight of 16 bits; the quantizer sees no weights there.
- Before 2020 files had an operator's kind in one byte. The quantizer reads the later field alone, which is 0 there: to
  it every operator is an ADD, all weights and biases become int8 numbers with a zero point, and no runtime loads that.
- Files without signatures have no list of them, on which the quantizer stops.
"""

from typing import Any

import numpy as np

from edgefkp.export.flatbuffer import packed, schema, unpacked


def readable(content: bytes) -> bytes:
    """The same graph in that form, its constants in 32 bits; `content` itself where nothing is to change."""
    classes, model = schema(), unpacked(content)
    numbers = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    old = [code for code, number in zip(model.operatorCodes, numbers, strict=True) if code.builtinCode != number]
    for code, number in zip(model.operatorCodes, numbers, strict=True):
        code.builtinCode = number
    found = 0
    for index, graph in enumerate(model.subgraphs):
        kept = []
        for operator in graph.operators:
            source = graph.tensors[operator.inputs[0]] if len(operator.inputs) else None
            halves = None
            if source is not None and numbers[operator.opcodeIndex] == classes.BuiltinOperator.DEQUANTIZE:
                halves = model.buffers[source.buffer].data if source.type == classes.TensorType.FLOAT16 else None
            if halves is None or not len(halves):
                kept.append(operator)
                continue
            buffer = classes.BufferT()
            buffer.data = np.frombuffer(bytes(halves), "<f2").astype("<f4").view(np.uint8)
            graph.tensors[operator.outputs[0]].buffer = len(model.buffers)
            model.buffers.append(buffer)
            found += 1
        graph.operators = kept
        _drop_unused(model, graph, index)
    if not found and not old and model.signatureDefs is not None:
        return content
    model.signatureDefs = model.signatureDefs or []
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or []}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None
    return packed(model, 2 * len(content) + (1 << 16))


def _drop_unused(model: Any, graph: Any, index: int) -> None:
    """Leave out the tensors that nothing reads or writes any more."""
    signatures = [one for one in model.signatureDefs or [] if one.subgraphIndex == index]
    named = [entry for one in signatures for entry in (*one.inputs, *one.outputs)]
    lists = [graph.inputs, graph.outputs]
    for operator in graph.operators:
        lists += [
            operator.inputs,
            operator.outputs,
            *([] if operator.intermediates is None else [operator.intermediates]),
        ]
    used = sorted({int(one) for numbers in lists for one in numbers if one >= 0} | {one.tensorIndex for one in named})
    place = {old: new for new, old in enumerate(used)} | {-1: -1}

    def moved(numbers: Any) -> np.ndarray:
        return np.array([place[int(one)] for one in numbers], np.int32)

    graph.tensors = [graph.tensors[old] for old in used]
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
        if operator.intermediates is not None:
            operator.intermediates = moved(operator.intermediates)
    for entry in named:
        entry.tensorIndex = place[entry.tensorIndex]
