"""The outputs of a network with several, in its file: under the names by which the card and the user know them.

TensorFlow's converter names them StatefulPartitionedCall_1:0 and _1:1, and puts the second one first; of a network with
deviations they get those of its layers, the points first. LiteRT's quantizer leaves the name to the integers, and calls
the floats that it makes of them NAME_dequant.
"""

import re
from collections.abc import Sequence

from edgefkp.export.flatbuffer import name_of, packed, unpacked

_KEY = re.compile(r"output_(\d+)")  # of an output in a file's signature: its number among the network's outputs


def with_named_outputs(content: bytes, names: Sequence[str]) -> bytes:
    """The .tflite in `content`, which the converter made of a network whose outputs are called `names`, with its
    outputs in that order and under these names. Raises ValueError for a file without its signature."""
    model = unpacked(content)
    tensors: dict[int, int] = {}  # number of an output -> its tensor
    for signature in model.signatureDefs or []:
        for one in signature.outputs:
            if found := _KEY.fullmatch(name_of(one)):
                tensors[int(found[1])] = one.tensorIndex
                one.name = names[int(found[1])]
    graph = model.subgraphs[0]
    if sorted(tensors) != [*range(len(names))] or sorted(tensors.values()) != sorted(graph.outputs):
        raise ValueError(f"the file's signature does not name the outputs {', '.join(names)}")
    for number, name in enumerate(names):
        graph.tensors[tensors[number]].name = name
    graph.outputs = [tensors[number] for number in range(len(names))]
    return packed(model, len(content) + (1 << 16))


def with_outputs_called(content: bytes, names: Sequence[str]) -> bytes:
    """The .tflite in `content` with its outputs, in their order, under these names; `content` itself if they have them.

    Another tensor of such a name becomes NAME_integers.
    """
    model = unpacked(content)
    graph = model.subgraphs[0]
    wanted = dict(zip(map(int, graph.outputs), names, strict=True))
    if all(name_of(graph.tensors[number]) == name for number, name in wanted.items()):
        return content
    for number, tensor in enumerate(graph.tensors):
        if number in wanted:
            tensor.name = wanted[number]
        elif (name := name_of(tensor)) in names:
            tensor.name = f"{name}_integers"
    return packed(model, len(content) + (1 << 16))
