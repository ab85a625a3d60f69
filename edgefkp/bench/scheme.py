"""Which scheme a .tflite file really has: a name can be wrong, and a table made from names would be too."""

from collections import Counter
from pathlib import Path

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.schemes import parse_tflite

# What turns one type into another; it says nothing about the network.
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE", "CAST")


def found_scheme(path: Path | str) -> str | None:
    """float32, float16, dynamic, int8, int8io or int16x8, from the file's tensors; None for anything else.

    Raises EdgefkpError where the file is damaged, EnvironmentProblem where no package here can read its graph.
    """
    from edgefkp.runtime.graph import read_graph

    graph = read_graph(path)
    computed = Counter(
        tensor.dtype for one in graph.operators if one.name not in _CONVERSIONS for tensor in one.outputs
    )
    held = {tensor.dtype for one in graph.operators for tensor in one.inputs if tensor and tensor.constant}
    for activations, scheme in (("int16", "int16x8"), ("int8", "int8"), ("uint8", "int8")):
        if computed[activations] > sum(computed.values()) / 2:
            whole = scheme == "int8" and {one.dtype for one in graph.outputs} <= {"int8", "uint8"}
            return "int8io" if whole else scheme
    if not computed["float32"]:
        return None
    if "float16" in held:
        return "float16"
    weights = [one.inputs[1] for one in graph.operators if len(one.inputs) > 1 and one.name not in _CONVERSIONS]
    return "dynamic" if any(tensor and tensor.constant and tensor.dtype == "int8" for tensor in weights) else "float32"


def require_true_name(path: Path | str) -> str:
    """The file's scheme; "" where it is of no known one or cannot be read here.

    Raises EdgefkpError where the name says another.
    """
    named = parse_tflite(path).scheme
    try:
        found = found_scheme(path)
    except EnvironmentProblem:
        return named
    if found and named and found != named:
        right = Path(path).name.replace(f".{named}.", f".{found}.")
        raise EdgefkpError(f"{path} is {found}, and its name says {named}", f"rename it to {right}, or export it again")
    return found or named
