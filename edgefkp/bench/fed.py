"""What a file is fed that takes no faces: values of the user's own, else random ones of the types that it takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.runtime.tflite_model import TfliteModel, plain_name

COUNT = 100  # different inputs at most
LARGEST = 256 << 20  # bytes of all of them
IDS = 2  # integers without a scale are numbers below it: rows of the smallest table


def require_fixed(path: Path, inputs: Sequence[Mapping[str, Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise EdgefkpError for an input whose sizes, other than the batch, are open: its time would mean nothing."""
    for detail in inputs:
        signature = [int(size) for size in detail.get("shape_signature", detail["shape"])]
        name = plain_name(str(detail["name"]))
        if -1 in signature[1:] and not shapes.keys() & {name, str(detail["name"]), ""}:
            label = f"{name}=" if len(inputs) > 1 else ""
            example = ",".join(str(size if size > 0 else 320) for size in [abs(signature[0]), *signature[1:]])
            raise EdgefkpError(
                f"{path} leaves the sizes of its input {name} open ({'x'.join(map(str, signature))})",
                f"say which to time: --shape {label}{example}",
            )


def input_sets(model: TfliteModel, given: str = "") -> list[list[np.ndarray]]:
    """One array for each input, at least one set of them. given: an .npz (or .npy) with (N, *shape) arrays by name."""
    if given:
        return read_given(Path(given), model.inputs)
    details = model.inputs
    size = sum(int(np.prod(detail["shape"])) * 8 for detail in details)  # float64 on the way
    random = np.random.default_rng(0)
    count = max(1, min(COUNT, LARGEST // max(1, size)))
    arrays = [_random(model.path, detail, count, random) for detail in details]
    return [[array[number] for array in arrays] for number in range(count)]


def _random(path: Path, detail: Mapping[str, Any], count: int, random: np.random.Generator) -> np.ndarray:
    shape, dtype = (count, *detail["shape"]), np.dtype(detail["dtype"])
    if dtype.kind == "f":
        return random.uniform(0, 1, shape).astype(dtype)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu" and (dtype.itemsize == 1 or detail["quantization"][0]):
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max + 1, shape).astype(dtype)
    if dtype.kind in "iu":
        return random.integers(0, IDS, shape).astype(dtype)
    raise EdgefkpError(f"{path} takes {dtype} values; no random ones are made for it", "give some: --inputs FILE.npz")


def read_given(path: Path, inputs: Sequence[Mapping[str, Any]]) -> list[list[np.ndarray]]:
    """The arrays of a .npz (or .npy) file, for each of `inputs` by its name: one set after the other, COUNT at most.

    Raises EdgefkpError for a damaged file and for arrays that are missing, of another shape or type.
    """
    from edgefkp.data.arrays import read_arrays

    held = read_arrays(path, "save the inputs with numpy.savez", LARGEST * 4)
    if len(held) == len(inputs) == 1:
        held = {plain_name(str(inputs[0]["name"])): next(iter(held.values()))}
    found = []
    for detail in inputs:
        name = plain_name(str(detail["name"]))
        array = held.get(name, held.get(str(detail["name"])))
        if array is None:
            raise EdgefkpError(f"{path} has no array '{name}'", f"it holds: {', '.join(held)}")
        shape, dtype = tuple(int(size) for size in detail["shape"]), np.dtype(detail["dtype"])
        if array.shape == shape:
            array = array[None]
        elif array.shape[1:] == shape[1:] and shape[0] == 1:
            array = array[:, None]
        if array.shape[1:] != shape or not len(array):
            raise EdgefkpError(
                f"{path}: '{name}' is {array.shape}, and the file takes {shape}", "save one array (N, *shape) an input"
            )
        if array.dtype != dtype and not np.can_cast(array.dtype, dtype, "same_kind"):
            raise EdgefkpError(f"{path}: '{name}' is {array.dtype}, and the file takes {dtype}")
        found.append(array.astype(dtype))
    count = min(COUNT, *(len(array) for array in found))
    return [[array[number] for array in found] for number in range(count)]
