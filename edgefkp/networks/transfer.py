"""Networks on a keras.applications backbone: global average pooling and Dense 30 on top (paper, section 3.8).

The one gray channel becomes three, and the picture is resized where the backbone wants it, inside the network.
"""

from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.layout import SIZE

# Standard deviation of the head's first weights. With Keras' usual 0.04 the face starts 37 px from where it is, and
# what a frozen backbone's thousand features do not correct of that stays: 8.8 px on validation in place of 4.
HEAD_START = 1e-4


def transfer(
    application: str,
    weights: str | None = None,
    frozen: bool = False,
    resolution: int = SIZE,
    **options: Any,
) -> Any:
    """Build on `keras.applications.<application>`.

    weights: None (random), "imagenet" (downloaded once by Keras), or the path of a .weights.h5 without top.
    frozen: the backbone keeps its weights, and only the head learns.
    With given weights the backbone's BatchNorm layers stay as they are, in inference mode: batches of faces would
    overwrite the statistics that the weights were trained with.
    Raises EnvironmentProblem where ImageNet weights cannot be downloaded, EdgefkpError for a bad file.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input((SIZE, SIZE, 1), name="pixels")
    if resolution != SIZE:
        x = layers.Resizing(resolution, resolution, interpolation="bilinear")(x)
    x = layers.Rescaling(2.0, offset=-1.0)(x)  # both applications were trained on [-1, 1]
    x = layers.Concatenate()([x, x, x])
    backbone = _backbone(application, weights, resolution, options)
    backbone.trainable = not frozen
    if weights:
        _keep_statistics(backbone)
    x = layers.GlobalAveragePooling2D()(backbone(x))
    start = keras.initializers.RandomNormal(stddev=HEAD_START)
    return keras.Model(inputs, layers.Dense(30, dtype="float32", kernel_initializer=start, name="keypoints")(x))


def _backbone(application: str, weights: str | None, resolution: int, options: dict[str, Any]) -> Any:
    import keras

    make = getattr(keras.applications, application)
    shape = (resolution, resolution, 3)
    if weights == "imagenet":
        try:
            backbone = make(include_top=False, weights="imagenet", input_shape=shape, **options)
        except Exception as error:  # Keras raises a plain Exception where the download fails
            raise EnvironmentProblem(
                f"the ImageNet weights of {application} could not be downloaded: {str(error).splitlines()[0][:80]}",
                "connect to the network once, or give --weights FILE.weights.h5 (without top), or --weights none",
            ) from error
    else:
        backbone = make(include_top=False, weights=None, input_shape=shape, **options)
        if weights:
            _load(backbone, Path(weights))
    backbone.name = "backbone"
    return backbone


def _keep_statistics(backbone: Any) -> None:
    for layer in backbone.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.trainable = False  # in Keras this also means inference mode


def _load(backbone: Any, path: Path) -> None:
    if not path.is_file():
        raise EdgefkpError(f"no weights file at {path}", "give a .weights.h5 made without top, or --weights none")
    try:
        backbone.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds
        raise EdgefkpError(
            f"{path} does not hold weights of this backbone: {str(error).splitlines()[0][:80]}",
            "give a .weights.h5 of the same network and width, saved without top",
        ) from error
