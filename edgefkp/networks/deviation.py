"""One more output of a trained network: how far each point may be off, by what its last layers see anyway.

The body and the points stay as they are. What is added is small: two dense layers on what the points are computed from;
of a soft argmax, also on how high each map is at its peak, and on the mean of the last feature map.
"""

from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.networks.ours import FLOAT_LAYERS

POINTS, DEVIATION = "keypoints", "deviation"  # names of the outputs and of the layers that compute them
HIDDEN = 16  # units of the layer between
_HIDDEN_LAYER = "deviation_hidden"


def has_deviation(model: Any) -> bool:
    """Whether a keras.Model has the two outputs, by their names."""
    return len(model.outputs) == 2 and set(model.output_names) == {POINTS, DEVIATION}


def points_only(model: Any) -> Any:
    """The network without the output of deviations; itself if it has none."""
    import keras

    if not has_deviation(model):
        return model
    points = model.outputs[model.output_names.index(POINTS)]
    return keras.Model(model.inputs[0], points, name=model.name)


def deviation_branch(model: Any) -> list[Any]:
    """The layers from what the points' dense layer takes to the deviations; empty where they take more than that, as
    those of heat maps do, and for a network without deviations."""
    if not has_deviation(model):
        return []
    names = {layer.name: layer for layer in model.layers}
    branch = [names[DEVIATION]]
    while branch[0].input is not names[POINTS].input:
        if isinstance(branch[0].input, list):
            return []
        branch.insert(0, branch[0].input._keras_history.operation)
    return branch


def feature_network(model: Any) -> Any:
    """From a network's images to its points and to the (B, F) features, of several kinds, that deviations are made of.

    Raises EdgefkpError for a network without a dense layer of points.
    """
    import keras
    from keras import layers

    names = {layer.name: layer for layer in model.layers}
    head = names.get(POINTS)
    if head is None or len(head.input.shape) != 2:
        raise EdgefkpError(
            f"the network has no dense layer '{POINTS}', so it cannot learn deviations",
            "give a network that edgefkp train wrote",
        )
    features = [head.input]
    if names.keys() >= set(FLOAT_LAYERS):
        mean = layers.GlobalAveragePooling2D(dtype="float32", name="deviation_mean")(names["maps"].input)
        maps = _maps_before(names[FLOAT_LAYERS[0]])
        peaks = layers.MaxPooling2D(maps.shape[1:3], dtype="float32", name="deviation_peaks")(maps)
        features += [layers.Flatten(dtype="float32", name="deviation_flatten")(peaks), mean]
    return keras.Model(model.inputs[0], [head.output, *features], name=model.name)


def _maps_before(softmax: Any) -> Any:
    """The (B, H, W, maps) tensor that a soft argmax arranged for its softmax."""
    tensor = softmax.input
    while len(tensor.shape) != 4:
        tensor = tensor._keras_history.operation.input
    return tensor


def deviation_layers(points: int) -> list[Any]:
    """The new layers, from all features in a row to the logarithms of `points` deviations, without weights."""
    from keras import layers

    return [
        layers.Dense(HIDDEN, activation="relu", dtype="float32", name=_HIDDEN_LAYER),
        layers.Dense(points, kernel_initializer="zeros", dtype="float32", name=DEVIATION),
    ]


def with_deviation(seen: Any, new: list[Any]) -> Any:
    """The whole network of `feature_network` and `deviation_layers`, which have weights: its points come first.

    Each kind of features has a dense layer of its own, and their results are added. In a row they would share one scale
    in int8 files, and the centers that points are computed from would lose their digits.
    """
    import keras
    from keras import layers

    (points, *features), (hidden, last) = seen.outputs, new
    kernel, bias = hidden.get_weights()
    parts = np.split(kernel, np.cumsum([feature.shape[-1] for feature in features])[:-1])
    sums, weights = [], []
    for number, (feature, part) in enumerate(zip(features, parts, strict=True)):
        own = layers.Dense(hidden.units, use_bias=number == 0, dtype="float32", name=f"{_HIDDEN_LAYER}_{number}")
        sums.append(own(feature))
        weights.append((own, [part, bias] if number == 0 else [part]))
    for own, values in weights:
        own.set_weights(values)
    x = layers.Add(dtype="float32", name="deviation_sum")(sums) if len(sums) > 1 else sums[0]
    x = layers.ReLU(dtype="float32", name="deviation_relu")(x)
    return keras.Model(seen.inputs[0], [points, last(x)], name=seen.name)
