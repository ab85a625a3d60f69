"""Networks on a keras.applications backbone: global average pooling and one dense layer on top (paper, section 3.8).

A gray channel becomes three, and the image is resized where the backbone wants it, inside the network.
"""

from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.layout import InputSpec, ModelSpec
from edgefkp.networks.registry import NETWORKS, Network

# Standard deviation of the head's first weights. With Keras' usual 0.04 the face starts 37 px from where it is, and
# what a frozen backbone's thousand features do not correct of that stays: 8.8 px on validation in place of 4.
HEAD_START = 1e-4


def transfer(
    spec: ModelSpec,
    application: str,
    weights: str | None = None,
    frozen: bool = False,
    resolution: int | None = None,
    **options: Any,
) -> Any:
    """Build on `keras.applications.<application>`.

    weights: None (random), "imagenet" (downloaded once by Keras), or the path of a .weights.h5 without top.
    frozen: the backbone keeps its weights, and only the head learns.
    resolution: pixels, side of what the backbone sees; None leaves the input's.
    With given weights the backbone's BatchNorm layers stay as they are, in inference mode: batches of faces would
    overwrite the statistics that the weights were trained with.
    Raises EnvironmentProblem if ImageNet weights cannot be downloaded, EdgefkpError for a bad file.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    side = resolution or spec.input.side
    if side != spec.input.side:
        x = layers.Resizing(side, side, interpolation="bilinear")(x)
    scale, offset = _to_unit_range(spec.input)
    x = layers.Rescaling(scale, offset=offset)(x)  # MobileNetV2 and NASNetMobile were trained on [-1, 1]
    if spec.input.channels == 1:
        x = layers.Concatenate()([x, x, x])
    backbone = _backbone(application, weights, side, options)
    backbone.trainable = not frozen
    if weights:
        _keep_statistics(backbone)
    x = layers.GlobalAveragePooling2D()(backbone(x))
    start = keras.initializers.RandomNormal(stddev=HEAD_START)
    head = layers.Dense(spec.numbers, dtype="float32", kernel_initializer=start, name="keypoints")
    return keras.Model(inputs, head(x))


def _to_unit_range(spec: InputSpec) -> tuple[Any, Any]:
    """(factor, summand), of each channel where they differ, that bring an input of that scaling to [-1, 1]."""
    mean, deviation = spec.mean_and_deviation
    factor, summand = (deviation / 127.5).tolist(), (mean / 127.5 - 1).tolist()
    alike = len({*zip(factor, summand, strict=True)}) == 1
    return (factor[0], summand[0]) if alike else (factor, summand)


def _backbone(application: str, weights: str | None, side: int, options: dict[str, Any]) -> Any:
    import keras

    make = getattr(keras.applications, application)
    shape = (side, side, 3)
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


_MOBILENET = {"application": "MobileNetV2", "alpha": 1.0}
_NASNET = {"application": "NASNetMobile", "resolution": 224}

for _order, (_name, _title, _options, _parameters, _megabytes) in enumerate(
    (
        # The paper's count of MobileNetV2 leaves the head out (38,430 more with it).
        ("mobilenetv2", "MobileNetV2, fine-tuned", _MOBILENET, 2_257_984, 9.66),
        ("mobilenetv2_frozen", "MobileNetV2, frozen", {**_MOBILENET, "frozen": True}, 2_257_984, 9.66),
        ("nasnetmobile", "NASNetMobile, fine-tuned", _NASNET, 4_301_426, 18.48),
        ("nasnetmobile_frozen", "NASNetMobile, frozen", {**_NASNET, "frozen": True}, 4_301_426, 18.48),
    ),
    start=7,
):
    NETWORKS.add(Network(_name, _title, transfer, _options, _parameters, _megabytes, True, _order))
# The transfer model of the paper's section 3 that its tables leave out.
_RESNET = {"application": "ResNet50"}
NETWORKS.add(Network("resnet50", "ResNet50, fine-tuned", transfer, _RESNET, pretrained=True, order=90))
