"""Every head gives the points' numbers, survives a file, and converts to what runs on a board."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.errors import UsageError
from edgefkp.export.convert import ConversionSettings, convert, first_layer_in_float, layers_in_float
from edgefkp.layout import InputSpec, ModelSpec
from edgefkp.networks.ours import ACTIVATIONS, FLOAT_LAYERS, HEADS, plain
from edgefkp.runtime import interpreters
from edgefkp.runtime.graph import graph_of
from edgefkp.runtime.keras_model import load_keras

SPEC = ModelSpec()
TINY = {"channels": (4, 6, 8), "strides": (4, 2, 2)}
PIXELS = np.random.default_rng(0).random((3, 96, 96, 1), np.float32)


@pytest.mark.parametrize("head", HEADS)
def test_a_head_survives_a_file_and_conversion(head, tmp_path):
    model = plain(SPEC, **TINY, head=head, maps=5)
    expected = np.array(model(PIXELS, training=False))
    assert expected.shape == (3, 30)
    model.save(tmp_path / "x.keras")
    again = load_keras(tmp_path / "x.keras").model
    np.testing.assert_array_equal(np.array(again(PIXELS, training=False)), expected)
    (tmp_path / "x.tflite").write_bytes(convert(model, ConversionSettings("float32")))
    lite = interpreters.load(tmp_path / "x.tflite", "litert")
    for pixels, output in zip(PIXELS, expected, strict=True):
        lite.set(pixels[None])
        lite.invoke()
        np.testing.assert_allclose(lite.get()[0], output, atol=1e-4)


def test_a_map_that_peaks_in_a_cell_gives_the_place_of_the_cell():
    model = plain(SPEC, **TINY, head="argmax", maps=15)
    maps = model.get_layer("maps")
    peaked = np.zeros((1, 6, 6, maps.kernel.shape[2]), np.float32)
    peaked[0, 1, 4] = 1
    kernel = np.full(maps.kernel.shape, 100, np.float32)
    maps.set_weights([kernel, np.zeros(15, np.float32)])
    x = peaked
    for layer in model.layers[model.layers.index(maps) :]:
        x = layer(x)
    expected = ((4 + 0.5) / 6 * 2 - 1, (1 + 0.5) / 6 * 2 - 1)
    np.testing.assert_allclose(np.array(x).reshape(15, 2), np.tile(expected, (15, 1)), atol=1e-5)


def test_a_soft_argmax_that_stays_float_moves_points_less_in_int8(tmp_path):
    model = plain(SPEC, **TINY, head="argmax", maps=15)
    expected = np.array(model(PIXELS, training=False))

    def moved(keep_float: tuple[str, ...], samples: np.ndarray = PIXELS) -> float:
        settings = ConversionSettings("int8", keep_float=keep_float)
        (tmp_path / "x.tflite").write_bytes(convert(model, settings, [samples]))
        lite = interpreters.load(tmp_path / "x.tflite", "litert")
        outputs = []
        for pixels in PIXELS:
            lite.set(pixels[None])
            lite.invoke()
            outputs.append(lite.get()[0])
        return float(np.abs(np.array(outputs) - expected).mean())

    assert moved(FLOAT_LAYERS) < moved(()) / 2
    # Centers of faces unlike those of calibration are not clipped.
    assert layers_in_float(model) == FLOAT_LAYERS
    assert moved(FLOAT_LAYERS, PIXELS[:1]) < moved(FLOAT_LAYERS[:2], PIXELS[:1])


def test_the_layer_that_sees_gray_pixels_stays_float_in_int8():
    model = plain(SPEC, **TINY, head="argmax", maps=5)
    first = model.layers[1].name
    assert first_layer_in_float(model) == (first,)
    kept = ConversionSettings("int8", keep_float=(first, *FLOAT_LAYERS))
    operators = graph_of(convert(model, kept, [PIXELS])).operators
    assert [one.name for one in operators][:3] == ["CONV_2D", "QUANTIZE", "CONV_2D"]
    assert first_layer_in_float(plain(ModelSpec(input=InputSpec(colors="rgb")), **TINY, head="argmax", maps=5)) == ()
    assert first_layer_in_float(plain(SPEC, **TINY, maps=5)) == ()


@pytest.mark.parametrize("head", ["argmax", "pyramid"])
@pytest.mark.parametrize("scheme", ["int8io", "int16x8"])
def test_a_soft_argmax_computes_in_every_integer_type(head, scheme, tmp_path):
    (tmp_path / "x.tflite").write_bytes(
        convert(plain(SPEC, **TINY, head=head, maps=5), ConversionSettings(scheme), [PIXELS])
    )
    lite = interpreters.load(tmp_path / "x.tflite", "litert")
    lite.set(lite.tensors(np.zeros((1, 96, 96), np.uint8))[0])
    lite.invoke()
    assert lite.keypoints(lite.get().reshape(-1)).shape == (15, 2)


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_a_pyramid_is_as_fine_as_its_finest_scale(scales):
    model = plain(SPEC, **TINY, head="pyramid", maps=5, scales=scales)
    assert model.get_layer("softmax").output.shape[1:] == (5, (6 * 2 ** (scales - 1)) ** 2)
    assert sum("maps" in layer.name for layer in model.layers) == scales


def test_the_places_of_the_cells_do_not_learn():
    model = plain(SPEC, **TINY, head="argmax")
    assert not any("places" in weight.path for weight in model.trainable_weights)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_residual_and_separable_networks_are_built(activation):
    model = plain(SPEC, (4, 4, 8, 8), (2, 1, 2, 1), residual=1, separable=1, activation=activation, head="average")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Add") == 2
    assert kinds.count("DepthwiseConv2D") == 3
    assert np.isfinite(np.array(model(PIXELS))).all()


def test_an_unknown_head_is_named_with_those_that_there_are():
    with pytest.raises(UsageError, match="unknown head 'heatmap'") as caught:
        plain(SPEC, head="heatmap")
    assert "argmax" in caught.value.hint
