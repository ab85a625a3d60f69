"""Points, input and output of a file: by its metadata, its card, or its shapes; and predictions by them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.card import NETWORK, TFLITE, Card, write_card
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text
from edgefkp.layout import InputSpec, ModelSpec, PointLayout
from edgefkp.runtime import interpreters
from edgefkp.runtime.metadata import NAME, FileMetadata, read_metadata, spec_of

TINY = Path(__file__).parents[1] / "fixtures" / "tiny.float32.tflite"
CLASSIFIER = TINY.with_name("classifier.tflite")
SHAPE = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.7))
THREE = PointLayout("three", ("left_eye", "right_eye", "mouth"), SHAPE, (("left_eye",), ("right_eye",)))
INPUTS = (
    InputSpec(64, "rgb"),
    InputSpec(64, "rgb", "-1..1"),
    InputSpec(64, "rgb", "standardized", (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)),
    InputSpec(64, "gray", "0..255"),
    InputSpec(64, "rgb", "-1..1", order="bgr"),
)


def with_metadata(content: bytes, spec: ModelSpec, text: bytes = b"") -> bytes:
    """text: the entry in place of that of `spec`."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema: Any = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    entry = FileMetadata("made", spec.layout, spec.input, spec.output, "float32")
    buffer, metadata = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text or json_text(entry).encode(), np.uint8)
    metadata.name, metadata.buffer = NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), metadata]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_file_without_metadata_and_card_has_the_default_spec(tmp_path: Path) -> None:
    path = Path(shutil.copy(TINY, tmp_path))
    assert read_metadata(path) is None
    assert spec_of(path) is None
    model = interpreters.load(path)
    assert model.spec == ModelSpec()
    assert model.is_keypoint_model
    assert not interpreters.load(CLASSIFIER).is_keypoint_model


def test_metadata_rules_over_the_card(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    spec = ModelSpec(THREE, INPUTS[2])
    path.write_bytes(with_metadata(TINY.read_bytes(), spec))
    write_card(path, Card(TFLITE, "made"))
    assert spec_of(path) == spec
    message = r"takes 1x96x96x1 and gives 1x30; a keypoint network \(64x64 rgb in, 3 points \(three\) out\) takes 1x64"
    with pytest.raises(EdgefkpError, match=message):
        interpreters.load(path).predict(np.zeros((1, 64, 64, 3), np.uint8))


def test_damaged_metadata_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    content = with_metadata(TINY.read_bytes(), ModelSpec())
    path.write_bytes(content.replace(b'"kaggle15"', b'"kaggle99"'))
    with pytest.raises(EdgefkpError, match="unknown point layout 'kaggle99'"):
        read_metadata(path)
    path.write_bytes(content.replace(b'"kaggle15"', b'"kaggle15!'))
    with pytest.raises(EdgefkpError, match="is not a readable JSON file"):
        read_metadata(path)
    for text in (b"[" * 100_000, b'{"schema": NaN}', b"\xff", b"9" * 5000):
        path.write_bytes(with_metadata(TINY.read_bytes(), ModelSpec(), text))
        with pytest.raises(EdgefkpError, match="is not a readable JSON file"):
            read_metadata(path)
    path.write_bytes(content[:40])
    with pytest.raises(EdgefkpError, match="is damaged"):
        read_metadata(path)


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(EdgefkpError, match="takes 96x96 gray images, and these are 64x64x3"):
        interpreters.load(TINY).predict(np.zeros((1, 64, 64, 3), np.uint8))


def network(spec: ModelSpec) -> Any:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(spec.input.shape),
            layers.Rescaling(1 / 255 if spec.input.scaling == "0..255" else 1),
            layers.Conv2D(4, 3, strides=4, activation="relu"),
            layers.Flatten(),
            layers.Dense(spec.numbers, activation="tanh"),
        ]
    )


def images_of(spec: ModelSpec) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, *spec.input.image_shape), np.uint8)


@pytest.mark.parametrize("given", INPUTS, ids=lambda spec: f"{spec.colors} {spec.scaling} {spec.order}")
@pytest.mark.parametrize("numbers", ["float32", "int8"])
def test_three_points_of_64_pixels_are_those_of_keras(tmp_path: Path, given: InputSpec, numbers: str) -> None:
    tf = pytest.importorskip("tensorflow")
    spec = ModelSpec(THREE, given)
    made, images = network(spec), images_of(spec)
    converter = tf.lite.TFLiteConverter.from_keras_model(made)
    if numbers == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in given.to_network(images))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "three.tflite"
    path.write_bytes(with_metadata(converter.convert(), spec))
    model = interpreters.load(path)
    assert model.is_keypoint_model
    assert np.dtype(model.inputs[0]["dtype"]) == numbers
    pixels = images.reshape(5, *given.shape).astype(float)
    mean, deviation = {"0..1": (0, 255), "-1..1": (127.5, 127.5), "0..255": (0, 1)}.get(
        given.scaling, ((120.0, 110.0, 100.0), (60.0, 50.0, 40.0))
    )
    pixels = pixels[..., ::-1] if given.order == "bgr" else pixels
    raw = made((pixels - np.array(mean)) / np.array(deviation), training=False).numpy()
    expected = raw.reshape(5, 3, 2) * 32 + 31.5
    np.testing.assert_allclose(model.predict(images), expected, atol=1e-3 if numbers == "float32" else 1.0)


def test_a_keras_file_is_known_by_its_card(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from edgefkp.runtime.keras_model import load_keras

    spec = ModelSpec(THREE, INPUTS[1])
    path, images = tmp_path / "three.keras", images_of(spec)
    made = network(spec)
    made.save(path)
    with pytest.raises(EdgefkpError, match=r"gives .*6.*; a keypoint network \(96x96 gray in"):
        load_keras(path).predict(images)
    write_card(path, Card(NETWORK, "three", layout=spec.layout, input=spec.input))
    model = load_keras(path)
    assert model.spec == spec
    raw = made((images.astype(np.float32) - 127.5) / 127.5, training=False).numpy()
    np.testing.assert_allclose(model.predict(images), raw.reshape(5, 3, 2) * 32 + 31.5, atol=1e-3)


def test_the_entry_is_json_that_other_programs_can_read(tmp_path: Path) -> None:
    from edgefkp.runtime.graph import read_graph

    path = tmp_path / "a.tflite"
    path.write_bytes(with_metadata(TINY.read_bytes(), ModelSpec(THREE, INPUTS[0])))
    stored = json.loads(read_graph(path).metadata[NAME])
    assert stored["layout"]["points"] == list(THREE.points)
    assert stored["input"]["side"] == 64
