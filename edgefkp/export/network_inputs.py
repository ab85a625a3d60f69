"""The inputs of a network on its way into a file: one image at a time, sizes fixed, each array to the input of its
name, pixels scaled in the graph where a file takes bytes."""

from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.runtime.keras_contract import layers_from_input, scaling_of_layers

HALF_TYPES = ("float16", "bfloat16")


def name_of(tensor: Any) -> str:
    """Of an input of a Keras network, as files and calibration samples have it."""
    return str(tensor.name.split(":")[0])


def sample_inputs(model: Any) -> list[tuple[str, tuple[int, ...], str, str]]:
    """Each input, as calibration.NetworkInput has it."""
    told = scaling_of_layers(layers_from_input(model))
    scaling = told[0] if told else ""
    return [(name_of(one), tuple(one.shape[1:]), str(one.dtype), scaling) for one in model.inputs]


def takes_bytes(model: Any) -> bool:
    """Whether the network itself takes pixels as bytes."""
    return bool(model.inputs) and all(tensor.dtype == "uint8" for tensor in model.inputs)


def with_shapes(model: Any, shapes: Mapping[str, tuple[int, ...]], name: str) -> Any:
    """The network with its open sizes fixed; itself if it has none.

    shapes: of one input each, with the batch, by the input's name, or "" for the only one. name: of the network's file,
    for messages. Raises UsageError for sizes that are missing or do not fit.
    """
    import keras

    if not any(None in tensor.shape[1:] for tensor in model.inputs) and not shapes:
        return model
    known = {name_of(tensor): tensor for tensor in model.inputs}
    if len(known) == 1:
        shapes = {given or next(iter(known)): shape for given, shape in shapes.items()}
    if strange := [given for given in shapes if given not in known]:
        raise UsageError(f"{name} has no input '{strange[0]}'", f"its inputs: {', '.join(known)}")
    fixed = [_fixed(tensor, shapes.get(name_of(tensor)), name, len(known) > 1) for tensor in model.inputs]
    return keras.Model(fixed, called(model, fixed), name=model.name)


def _fixed(tensor: Any, shape: tuple[int, ...] | None, name: str, several: bool) -> Any:
    import keras

    own = tuple(tensor.shape)
    if shape is None and None in own[1:]:
        example = ",".join(str(side or 96) for side in own[1:])
        label = f"{name_of(tensor)}=" if several else ""
        raise UsageError(
            f"{name} takes inputs of any size ({name_of(tensor)}: {own}); a .tflite needs one",
            f"for example: --shape {label}1,{example}",
        )
    shape = shape or (1, *own[1:])
    if len(shape) != len(own) or any(
        side not in (None, given) for side, given in zip(own[1:], shape[1:], strict=False)
    ):
        raise UsageError(
            f"--shape {','.join(map(str, shape))} does not fit {name}, whose input {name_of(tensor)} is {own}",
            f"give {len(own)} sizes, the batch first",
        )
    return keras.Input(batch_shape=(None, *shape[1:]), dtype=tensor.dtype, name=name_of(tensor))


def called(model: Any, tensors: list[Any]) -> Any:
    """The outputs of a network on `tensors`, in the structure in which it takes its inputs: one, a list, a dict."""
    import keras

    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return model(keras.tree.pack_sequence_as(structure, tensors), training=False)
    return model(tensors if len(tensors) > 1 else tensors[0], training=False)


def with_fixed_batch(model: Any, scaling: "tuple[np.ndarray, np.ndarray] | None", half: bool) -> Any:
    """The network for one image at a time. scaling: mean and deviation by which bytes are scaled in the graph; None:
    inputs are of the network's own types. half: weights will have half precision."""
    import keras

    inputs = []
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise EdgefkpError(
                f"the network takes inputs of any size ({tuple(tensor.shape)}); a .tflite needs one",
                "for example: --shape 1,96,96,1",
            )
        if iskeyword(name_of(tensor)):
            raise EdgefkpError(
                f"an input of the network is called '{name_of(tensor)}', a word of Python, which TensorFlow does not "
                "export",
                "give it another name: keras.Input(..., name=...)",
            )
        dtype = "uint8" if scaling else tensor.dtype
        inputs.append(keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=dtype, name=name_of(tensor)))
    scaled = [_scaled(tensor, *scaling, half) for tensor in inputs] if scaling else inputs
    return keras.Model(inputs, called(model, scaled), name="exported")  # Keras' own numbering would differ each time


def _scaled(pixels: Any, mean: np.ndarray, deviation: np.ndarray, half: bool) -> Any:
    """(pixels - mean) / deviation in the graph, which the converter folds into the first weights.

    half: not so in half precision, where weights / 255 would be too small to keep their digits (0.005 px). A relu,
    which changes no pixel, stands between.
    """
    import keras

    floats = keras.ops.cast(pixels, "float32")
    if mean.any():
        scaled = (floats - mean.astype(np.float32)) / deviation.astype(np.float32)
        return keras.ops.maximum(scaled, float(scaled_least(mean, deviation))) if half else scaled
    scaled = floats / (float(deviation[0]) if (deviation == deviation[0]).all() else deviation.astype(np.float32))
    return keras.ops.relu(scaled) if half else scaled


def scaled_least(mean: np.ndarray, deviation: np.ndarray) -> float:
    """The smallest number that a pixel becomes."""
    return float((-mean / deviation).min())


def one_by_one(
    names: Sequence[str], samples: Sequence[np.ndarray], scaling: "tuple[np.ndarray, np.ndarray] | None" = None
) -> Iterator[Any]:
    """Calibration samples for the converter, which takes those of several inputs by their names: TensorFlow would give
    a list to the inputs in the order of the alphabet. scaling: of samples that go in as bytes."""
    for number in range(len(samples[0])):
        one = [array[number : number + 1] for array in samples]
        if scaling:
            mean, deviation = scaling
            one = [np.rint(array * deviation + mean).clip(0, 255).astype(np.uint8) for array in one]
        yield one if len(one) == 1 else dict(zip(names, one, strict=True))


def in_order_of(details: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[int]:
    """For each input of an interpreter: which of the network's inputs, called `names`, it is. By the name in the file,
    "serving_default_NAME:0", else by its place."""
    own = [str(detail["name"]).partition(":")[0].removeprefix("serving_default_") for detail in details]
    if sorted(own) == sorted(names):
        return [list(names).index(name) for name in own]
    return list(range(len(names)))


def in_float32(model: Any) -> Any:
    """The network with every layer in float32, for one that was trained in mixed precision; itself for another."""
    import keras

    if not any(getattr(layer, "compute_dtype", "") in HALF_TYPES for layer in _all_layers(model)):
        return model
    config = _with_float32(model.get_config())
    twin = type(model).from_config(config)
    if not isinstance(twin, keras.Model):
        raise EdgefkpError("the network computes in float16", "load it in Keras under the policy float32, and save it")
    twin.set_weights(model.get_weights())
    return twin


def _all_layers(model: Any) -> list[Any]:
    return [one for layer in model.layers for one in ([*_all_layers(layer)] if hasattr(layer, "layers") else [layer])]


def _with_float32(config: Any) -> Any:
    """A Keras configuration with its half-precision policies and types replaced."""
    if isinstance(config, dict):
        return {name: _with_float32(value) for name, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_with_float32(value) for value in config)
    if config in ("mixed_float16", "mixed_bfloat16", *HALF_TYPES):
        return "float32"
    return config
