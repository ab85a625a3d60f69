"""The networks that the paper compares itself with (its section 2), each from what its authors published.

Only NaimishNet's layers are known in full. For the others there is an abstract or less; the docstrings name what was
filled in with what was usual in that year. So a number for one of them is a number for this reconstruction.
All give linear numbers in [-1, 1] and, unlike most originals, all points at once.
"""

from typing import Any

from edgefkp.layout import ModelSpec
from edgefkp.networks.registry import NETWORKS, Network

GOOGLENET_3A = (64, (96, 128), (16, 32), 32)
GOOGLENET_3B = (128, (128, 192), (32, 96), 64)
GOOGLENET_4A = (192, (96, 208), (16, 48), 64)


def naimishnet(spec: ModelSpec) -> Any:
    """NaimishNet (Agarwal, Krohn-Grimberghe, Vyas 2017, arXiv 1710.00977), tables I and II.

    [convolution, ELU, pool 2, dropout] with 32 4x4, 64 3x3, 128 2x2, 256 1x1 filters and dropout 0.1 to 0.4; Dense
    1000 ELU, dropout 0.5; Dense 1000 linear, dropout 0.6. Nothing was left open, but the authors trained one such
    network for each of the 15 points, with 2 outputs and 7,488,962 parameters; here one puts out all points.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    for index, (filters, kernel) in enumerate(((32, 4), (64, 3), (128, 2), (256, 1)), start=1):
        x = layers.Conv2D(filters, kernel, activation="elu")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(index / 10)(x)
    x = layers.Dense(1000, activation="elu")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    x = layers.Dropout(0.6)(layers.Dense(1000)(x))
    return _points(spec, inputs, x)


def inception_structure(spec: ModelSpec) -> Any:
    """The Inception structure (Mao 2016, "Facial Keypoints Detection with Inception Structure").

    Known: modules of GoogLeNet on Kaggle's faces. Left open: how many, how wide, and the rest. Here GoogLeNet's own
    stem and its modules 3a, 3b and 4a at their widths, with BatchNorm (as from Inception v2 on), flattened instead of
    averaged, since an average over the image forgets where a point was.
    """
    import keras
    from keras import layers

    inputs = keras.Input(spec.input.shape, name="pixels")
    x = layers.MaxPooling2D()(_conv(inputs, 64, 7, strides=2))
    x = layers.MaxPooling2D()(_conv(_conv(x, 64, 1), 192, 3))
    x = _inception(_inception(x, *GOOGLENET_3A), *GOOGLENET_3B)
    x = _inception(layers.MaxPooling2D()(x), *GOOGLENET_4A)
    return _points(spec, inputs, layers.Flatten()(x))


def residual(spec: ModelSpec) -> Any:
    """The residual network for missing labels (Wu, Xu, Zhu, Guo 2018, doi 10.1016/j.sigpro.2017.11.003).

    Known: residual blocks, and a loss that skips missing points, which is our imputation `masked`. Left open: depth,
    widths and head. Here a 3x3 convolution with stride 2, then two basic blocks (He et al. 2016) at each of 32, 64,
    128 and 256 channels, halving the image between them, flattened for the same reason as above.
    """
    import keras
    from keras import layers

    inputs = keras.Input(spec.input.shape, name="pixels")
    x = _conv(inputs, 32, 3, strides=2)
    for index, filters in enumerate((32, 64, 128, 256)):
        x = _residual_block(x, filters, strides=2 if index else 1)
        x = _residual_block(x, filters)
    return _points(spec, inputs, layers.Flatten()(x))


def shi_cnn(spec: ModelSpec) -> Any:
    """Shi's convolutional network (2017, arXiv 1710.05279).

    Known: a CNN beside linear, tree-based and fully connected models on Kaggle's faces. Left open here: its layers.
    Built instead: the three-convolution network of the tutorials that entries of those years followed, 32 3x3, 64 2x2
    and 128 2x2 filters with relu and pools, two times Dense 500.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    for filters, kernel in ((32, 3), (64, 2), (128, 2)):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, kernel, activation="relu")(x))
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(500, activation="relu")(x)
    return _points(spec, inputs, x)


def gao_cnn(spec: ModelSpec) -> Any:
    """The 14-layer network (Gao, Liu 2018, Journal of Computers 13(12), 1403-1410).

    Known from the abstract: LeNet, VGGNet and a 14-layer CNN were tried, and VGGNet got the printed MSE of 3.02 (an
    RMSE of 1.74; the paper gives 1.75 and ascribes it to the 14 layers). Left open: the layers. Here, pools counted,
    four times [3x3 convolution, 3x3 convolution, pool] with 32, 64, 128 and 256 filters and relu, Dense 500, Dense 30.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    for filters in (32, 64, 128, 256):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(500, activation="relu")(layers.Flatten()(x))
    return _points(spec, inputs, x)


def _conv(x: Any, filters: int, kernel: int, strides: int = 1, relu: bool = True) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if relu else x


def _inception(x: Any, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> Any:
    from keras import layers

    branches = [
        _conv(x, one, 1),
        _conv(_conv(x, three[0], 1), three[1], 3),
        _conv(_conv(x, five[0], 1), five[1], 5),
        _conv(layers.MaxPooling2D(3, strides=1, padding="same")(x), pooled, 1),
    ]
    return layers.Concatenate()(branches)


def _residual_block(x: Any, filters: int, strides: int = 1) -> Any:
    from keras import layers

    straight = x
    if strides > 1 or x.shape[-1] != filters:
        straight = _conv(x, filters, 1, strides, relu=False)
    x = _conv(_conv(x, filters, 3, strides), filters, 3, relu=False)
    return layers.ReLU()(layers.Add()([x, straight]))


def _points(spec: ModelSpec, inputs: Any, x: Any) -> Any:
    import keras
    from keras import layers

    return keras.Model(inputs, layers.Dense(spec.numbers, dtype="float32", name="keypoints")(x))


for _order, (_name, _title, _make) in enumerate(
    (
        ("naimishnet", "NaimishNet, 2017", naimishnet),
        ("inception", "Inception structure, 2016", inception_structure),
        ("residual", "Residual, missing labels, 2018", residual),
        ("shi", "Shi's CNN, 2017", shi_cnn),
        ("gao", "Gao's 14-layer CNN, 2018", gao_cnn),
    ),
    start=31,
):
    NETWORKS.add(Network(_name, _title, _make, order=_order))
