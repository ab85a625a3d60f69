"""Files that take no faces are timed on what they take."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.bench import fed
from edgefkp.bench.timed_images import drawn_images, save
from edgefkp.bench.worker import InvokeLoop, Job, work
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters, isolate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tf = pytest.importorskip("tensorflow")
    made = tmp_path_factory.mktemp("fed")

    def put(name: str, function: Any, *specs: Any) -> None:
        concrete = tf.function(function).get_concrete_function(*specs)
        (made / f"{name}.tflite").write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())

    face, table = tf.TensorSpec((1, 8, 8, 1), name="face"), tf.constant(np.eye(5, dtype=np.float32))
    put("two", lambda face, more: tf.reduce_mean(face) + more, face, tf.TensorSpec((1, 3), name="more"))
    put("tokens", lambda ids: tf.gather(table, ids), tf.TensorSpec((1, 16), tf.int32, name="ids"))
    put("boolean", lambda mask: tf.cast(mask, tf.float32), tf.TensorSpec((1, 4), tf.bool, name="mask"))
    put("where", lambda face: tf.where(face > 0.5), face)
    put("free", lambda face: face * 2, tf.TensorSpec((1, None, None, 3), name="face"))
    save(drawn_images(2), made / "images.npz")
    return made


def measured(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    job = Job(str(folder / f"{name}.tflite"), "", "invoke", str(folder / "images.npz"), seconds=0.01, **more)
    return isolate.call(work, {**asdict(job), "warm_seconds": [0.0, 0.01]})


@pytest.mark.parametrize("name", ["two", "tokens", "boolean", "where"])
def test_several_inputs_ids_booleans_and_outputs_of_any_size_are_timed(folder: Path, name: str) -> None:
    found = measured(folder, name)
    assert (found["arrays"]["values"] > 0).all()
    assert "outputs" not in found["arrays"]


def test_open_sizes_are_not_timed_at_one_pixel(folder: Path) -> None:
    with pytest.raises(EdgefkpError, match="leaves the sizes of its input face open") as caught:
        measured(folder, "free")
    assert caught.value.hint == "say which to time: --shape 1,320,320,3"
    model = interpreters.load(folder / "free.tflite", shapes={"": (1, 32, 16, 3)})
    assert tuple(model.inputs[0]["shape"]) == (1, 32, 16, 3)
    fed.require_fixed(model.path, model.inputs, {"": (1, 32, 16, 3)})
    with pytest.raises(EdgefkpError, match="no input 'nose'"):
        interpreters.load(folder / "free.tflite", shapes={"nose": (1, 32, 16, 3)})


def test_values_of_ones_own_go_to_the_inputs_of_their_names(folder: Path, tmp_path: Path) -> None:
    given = {"more": np.arange(6, dtype=np.float32).reshape(2, 3), "face": np.ones((2, 8, 8, 1), np.float32)}
    np.savez(tmp_path / "given.npz", **given)
    model = interpreters.load(folder / "two.tflite")
    for number, one in enumerate(fed.input_sets(model, str(tmp_path / "given.npz"))):
        model.set_all(one)
        model.invoke()
        np.testing.assert_allclose(model.get().reshape(-1), given["more"][number] + 1)
    assert len(InvokeLoop(model, np.empty(0), False, str(tmp_path / "given.npz")).passes(0)) == 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"face": np.ones((2, 8, 8, 1), np.float32)}, "has no array 'more'"),
        ({"face": np.ones((2, 9, 8, 1), np.float32), "more": np.ones((2, 3))}, r"'face' is \(2, 9, 8, 1\)"),
        ({"face": np.full((2, 8, 8, 1), "a"), "more": np.ones((2, 3))}, "and the file takes float32"),
    ],
)
def test_values_that_do_not_fit_are_named(folder: Path, tmp_path: Path, arrays: Any, message: str) -> None:
    np.savez(tmp_path / "given.npz", **arrays)
    with pytest.raises(EdgefkpError, match=message):
        fed.input_sets(interpreters.load(folder / "two.tflite"), str(tmp_path / "given.npz"))


def test_ids_stay_within_the_smallest_table(folder: Path) -> None:
    ids = np.array(fed.input_sets(interpreters.load(folder / "tokens.tflite")))
    assert ids.dtype == np.int32
    assert set(np.unique(ids)) == {0, 1}
