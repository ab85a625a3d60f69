"""A .keras of somebody else's is tried in a child process first."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import NETWORK, Card, write_card
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import keras_safety, shipped
from edgefkp.runtime.predictor import open_predictor
from tests.runtime import isolated

pytest.importorskip("keras")
SHIPPED = shipped.models(".keras")[0]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def foreign(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes the shipped network again, as another file, with a member replaced."""

    def make(**members: bytes) -> Path:
        path = tmp_path / "foreign.keras"
        with zipfile.ZipFile(SHIPPED) as archive, zipfile.ZipFile(path, "w") as other:
            for name in archive.namelist():
                content = members.get(name.split(".")[0], archive.read(name))
                other.writestr(name, content)
        return path

    return make


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_safety, "try_in_child", lambda *_: pytest.fail("it was tried"))


def test_a_good_file_passes_once_and_is_remembered(
    foreign: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96), np.uint8)
    path = foreign()
    first = open_predictor(path).predict(images)
    monkeypatch.setattr(keras_safety, "try_in_child", lambda *_: pytest.fail("it was tried again"))
    np.testing.assert_array_equal(first, open_predictor(path).predict(images))


def test_what_comes_with_the_package_and_what_was_trained_here_is_not_tried(
    foreign: Callable[..., Path], untried: None
) -> None:
    keras_safety.check_keras(SHIPPED)
    path = foreign()
    keras_safety.remember_keras(path)
    keras_safety.check_keras(path)


def test_a_crash_is_named_by_its_signal(foreign: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_safety, "probe", isolated.crash_on)
    with pytest.raises(EdgefkpError, match=r"foreign\.keras is damaged: it kills keras \(SIGSEGV\)"):
        open_predictor(foreign())


def test_a_network_that_cannot_be_loaded_is_named(foreign: Callable[..., Path]) -> None:
    with pytest.raises(EdgefkpError, match=r"foreign\.keras cannot be loaded as a Keras network"):
        open_predictor(foreign(config=b"{}"))


def test_python_code_in_a_network_is_named_with_the_ways_around_it(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    import keras
    from keras import layers

    from edgefkp.runtime.keras_model import load_keras

    inputs = keras.Input((8, 8, 1))
    path = tmp_path / "code.keras"
    keras.Model(inputs, layers.Lambda(lambda pixels: pixels * 2 - 1)(inputs)).save(path)
    with pytest.raises(EdgefkpError, match=r"code\.keras holds a Lambda layer: Python code") as caught:
        load_keras(path)
    assert "--import FILE.py" in caught.value.hint


def test_what_is_no_whole_zip_and_what_its_card_does_not_describe_is_not_tried(
    foreign: Callable[..., Path], untried: None
) -> None:
    path = foreign()
    write_card(path, Card(NETWORK, "foreign"))
    foreign(metadata=b"{}")
    with pytest.raises(EdgefkpError, match="is not the file that its card"):
        keras_safety.check_keras(path)
    path.with_suffix(".json").unlink()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EdgefkpError, match="is not a whole"):
        keras_safety.check_keras(path)
