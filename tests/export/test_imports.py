"""Anyone's network becomes a file with a card."""

import contextlib
import io
import json
import pickle
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.export.imports import Asked, import_network
from edgefkp.export.sources import SOURCES, source_of
from edgefkp.layout import InputSpec
from edgefkp.runtime.contract import Stated
from edgefkp.runtime.metadata import read_metadata
from edgefkp.runtime.predictor import open_predictor
from tests.altered_files import FIXTURES, with_outside_buffers

TINY = FIXTURES / "tiny.float32.tflite"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_a_tflite_gets_a_card_and_gives_the_same_points(tmp_path: Path, scheme: str) -> None:
    source = FIXTURES / f"tiny.{scheme}.tflite"
    found = import_network(str(source), tmp_path, "theirs", terms="MIT")
    assert found.path == tmp_path / f"theirs.{scheme}.tflite"
    card = read_card(found.path)
    assert card is not None
    assert card.imported == {"from": source.name, "source": "tflite", "license": "MIT"}
    assert (card.model, card.scheme, card.spec.layout.name) == ("theirs", scheme, "kaggle15")
    assert read_metadata(found.path) is not None
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96), np.uint8)
    assert (open_predictor(found.path).predict(images) == open_predictor(source).predict(images)).all()


def test_what_is_stated_goes_into_card_and_file(tmp_path: Path) -> None:
    plain = import_network(str(TINY), tmp_path, "plain").path
    asked = Asked(Stated("-1..1", form="pixels", offset=0.5))
    path = import_network(str(TINY), tmp_path, "stated", asked).path
    card, inside = read_card(path), read_metadata(path)
    assert card is not None
    assert inside is not None
    assert card.spec == inside.spec
    assert (card.input, card.output.form, card.output.offset) == (InputSpec(scaling="-1..1"), "pixels", 0.5)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96), np.uint8)
    assert not np.allclose(open_predictor(path).predict(images), open_predictor(plain).predict(images))


def test_constants_behind_the_flatbuffer_survive(tmp_path: Path) -> None:
    source = tmp_path / "outside.tflite"
    source.write_bytes(with_outside_buffers(TINY))
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96), np.uint8)
    path = import_network(str(source), tmp_path / "export").path
    assert (open_predictor(path).predict(images) == open_predictor(TINY).predict(images)).all()


def test_a_network_of_another_kind_is_imported_to_be_timed(tmp_path: Path) -> None:
    found = import_network(str(FIXTURES / "classifier.tflite"), tmp_path)
    assert not found.keypoints
    assert found.path.name == "classifier.float32.tflite"
    with pytest.raises(UsageError, match="gives 10 numbers"):
        import_network(str(FIXTURES / "classifier.tflite"), tmp_path, asked=Asked(Stated(form="pixels")))


def test_a_file_of_another_origin_is_not_replaced(tmp_path: Path) -> None:
    import_network(str(TINY), tmp_path, "one")
    import_network(str(TINY), tmp_path, "one")
    other = tmp_path / "other.tflite"
    other.write_bytes(TINY.read_bytes())
    with pytest.raises(EdgefkpError, match="was not imported from"):
        import_network(str(other), tmp_path, "one")
    import_network(str(other), tmp_path, "one", replacing=True)


def test_layouts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    from edgefkp.layout import LAYOUTS

    with pytest.raises(UsageError, match="gives 30 numbers, and 68 points of 2 numbers"):
        import_network(str(TINY), tmp_path, asked=Asked(layout=LAYOUTS["ibug68"]))


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere.h5", "does not exist"), ("notes.txt", "is of no form that is read")]
)
def test_what_is_no_source_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("")
    with pytest.raises(EdgefkpError, match=words) as caught:
        source_of(name)
    assert all(source.description in caught.value.hint for source in SOURCES.values())


@pytest.mark.skipif(find_spec("litert_torch") is not None, reason="litert-torch is installed")
def test_a_missing_extra_is_a_pip_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"needs (torch|litert-torch), which is not installed") as caught:
        import_network("mine:net", tmp_path)
    assert caught.value.hint == "pip install 'edgefkp[torch]'"
    assert caught.value.exit_code == 4


def test_damaged_files_are_errors(tmp_path: Path) -> None:
    for name in ("x.tflite", "x.h5", "x.keras"):
        if name != "x.tflite":
            pytest.importorskip("tensorflow")
        (tmp_path / name).write_bytes(b"\0" * 100)
        with pytest.raises(EdgefkpError):
            import_network(str(tmp_path / name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_h5_and_saved_model_are_the_network(tmp_path: Path) -> None:
    import keras

    from tests.export.conftest import tiny_network

    network = tmp_path / "tiny.keras"
    model = keras.models.load_model(tiny_network(network))
    model.save(tmp_path / "tiny.h5")
    model.export(tmp_path / "saved", verbose=False)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96), np.uint8)
    expected = open_predictor(network).predict(images)
    for given in ("tiny.h5", "saved"):
        found = import_network(str(tmp_path / given), tmp_path / "export", given.replace(".", "-"))
        assert np.abs(open_predictor(found.path).predict(images) - expected).max() < 1e-3
    assert np.abs(open_predictor(tmp_path / "tiny.h5").predict(images) - expected).max() < 1e-3


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_a_keras_file_of_keras_2_has_a_way(tmp_path: Path) -> None:
    path = tmp_path / "old.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        archive.writestr("config.json", json.dumps({"class_name": "Nothing", "config": {}}))
    with pytest.raises(EdgefkpError, match=r"was made by Keras 2\.15\.0") as caught:
        import_network(str(path), tmp_path)
    assert "old.h5" in caught.value.hint


@pytest.mark.slow
@pytest.mark.skipif(find_spec("litert_torch") is None, reason="needs litert-torch")
def test_a_pytorch_network_gives_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    (tmp_path / "theirs.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef net():\n    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3, 8), nn.ReLU(), nn.Flatten(), nn.Linear(784, 136))\n"
    )
    monkeypatch.chdir(tmp_path)
    found = import_network("theirs:net", tmp_path, shapes=((1, 3, 112, 112),))
    assert found.card.layout.name == "ibug68"
    assert found.card.input == InputSpec(112, "rgb", axes="CHW")
    monkeypatch.syspath_prepend(tmp_path)
    import theirs  # type: ignore[import-not-found]

    images = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), np.uint8)
    with torch.no_grad():
        expected = theirs.net()(torch.tensor(found.card.input.to_network(images).copy())).numpy()
    assert np.abs(open_predictor(found.path).predict(images) - found.card.spec.decode(expected)).max() < 1e-3


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.ckpt"])
def test_pickled_files_are_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    with pytest.raises(EdgefkpError, match="may run any code, so it is not read") as caught:
        import_network(str(tmp_path / name), tmp_path / "export")
    assert "MODULE:FUNCTION" in caught.value.hint
    assert not (tmp_path / "ran").exists()


class Runs:
    """Pickled, it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


@pytest.mark.skipif(find_spec("litert_torch") is None, reason="litert-torch is not installed")
def test_code_in_an_exported_program_does_not_run(tmp_path: Path) -> None:
    import torch

    whole, altered = tmp_path / "whole.pt2", tmp_path / "altered.pt2"
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32 * 32, 30)).eval()
    torch.export.save(torch.export.export(network, (torch.rand(1, 1, 32, 32),)), whole)
    assert import_network(str(whole), tmp_path / "export").keypoints
    content = io.BytesIO()
    torch.save(Runs(tmp_path / "ran"), content)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(altered, "w") as new:
        names = [name for name in old.namelist() if "sample_inputs" in name]
        assert names
        for name in old.namelist():
            new.writestr(name, content.getvalue() if name in names else old.read(name))
    with pytest.raises(EdgefkpError, match=r"pickled Python objects|a program of torch\.export"):
        import_network(str(altered), tmp_path / "export")
    assert not (tmp_path / "ran").exists()
    with contextlib.suppress(Exception):
        torch.export.load(altered)  # which runs it: the guard is needed
    assert (tmp_path / "ran").exists()
