"""Which networks are exported, what is not replaced unasked, and what a converter that dies costs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import card_path, read_card
from edgefkp.data.faces import Dataset
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.exporter import explain_apart, export_apart, export_network, find_networks
from edgefkp.export.options import ExportOptions, ExportProgress
from edgefkp.export.targets import TARGETS
from edgefkp.files import json_text
from edgefkp.records import read_record
from edgefkp.runtime import shipped
from edgefkp.runtime.contract import Stated
from tests.export.conftest import Exported

ROOT = Path(__file__).parents[2]
NO_PARITY = ExportOptions(parity=False)


def test_without_a_name_it_is_the_folder_then_a_lone_file_then_what_comes_with_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    (network,) = find_networks((), Path("models"), told.append)
    assert network == shipped.FOLDER / "small-masked-online.keras"
    assert "taking what comes with edgefkp" in told.pop()
    Path("own.keras").touch()
    Path(".own-abcd.keras").touch()  # the litter of a kill
    assert find_networks((), Path("models"), told.append) == [Path("own.keras")]
    assert "taking own.keras" in told.pop()
    Path("other.keras").touch()
    assert find_networks((), Path("models"), told.append)[0].parent == shipped.FOLDER
    told.clear()
    for name in ("a.keras", ".a-abcd.keras"):
        Path("models").mkdir(exist_ok=True)
        Path("models", name).touch()
    assert find_networks((), Path("models"), told.append) == [Path("models/a.keras")]
    assert not told
    assert find_networks(["small-masked-online"], Path("models")) == [shipped.FOLDER / "small-masked-online.keras"]


def test_the_shipped_network_is_whole_and_what_the_shipped_files_were_made_from():
    for path in shipped.models():
        made = read_card(path)
        assert made is not None
        network = read_card(ROOT / "models" / made.parent)
        assert network is not None
        assert (made.parent_sha256, made.data) == (network.sha256, network.data), path
    (comes_along,) = shipped.models(".keras")
    assert read_card(comes_along) == read_card(ROOT / "models" / comes_along.name)


def test_a_network_that_its_card_does_not_describe_is_not_exported(tmp_path, source):
    (shipped_one,) = shipped.models(".keras")
    network = Path(shutil.copy(shipped_one, tmp_path))
    shutil.copy(card_path(shipped_one), tmp_path)
    with open(network, "ab") as stream:
        stream.write(b"more")
    with pytest.raises(EdgefkpError, match="is not the file that its card"):
        export_network(network, tmp_path / "export", ["int8"], source, NO_PARITY)
    assert not (tmp_path / "export").exists()


def other_faces() -> Dataset:
    from edgefkp.data.faces import faces_of

    images, keypoints = draw_all(60, seed=77)
    return Dataset("others", faces_of(images, keypoints, groups=(np.arange(60) // 3).astype(str)), None, "drawn")


def test_a_file_that_was_calibrated_on_other_data_is_replaced_only_if_asked(exported: Exported, source, tmp_path):
    (path,) = export_network(exported.network, tmp_path, ["int8"], source, NO_PARITY)
    before = path.read_bytes(), card_path(path).read_bytes()
    with pytest.raises(EdgefkpError, match=r"was calibrated on drawn, .* this would be others") as caught:
        export_network(exported.network, tmp_path, ["int8"], other_faces(), NO_PARITY)
    assert "--replace" in caught.value.hint
    assert (path.read_bytes(), card_path(path).read_bytes()) == before
    export_network(exported.network, tmp_path, ["int8"], other_faces(), ExportOptions(parity=False, replace=True))
    card = read_card(path)
    assert card is not None
    assert card.calibration is not None
    assert card.calibration["name"].startswith("others")


def test_a_damaged_card_is_no_reason_to_stop(exported: Exported, source, tmp_path):
    (path,) = export_network(exported.network, tmp_path, ["float32"], source, NO_PARITY)
    whole = card_path(path).read_bytes()
    for damage in (b"[", b'{"schema": "edgefkp.card/1", "kind": 3}'):
        card_path(path).write_bytes(damage)
        assert export_network(exported.network, tmp_path, ["float32"], source, NO_PARITY) == [path]
        assert card_path(path).read_bytes() == whole
    other = path.with_name(f"{path.name.split('.')[0]}.int8.tflite")  # the card of a sibling
    other.touch()
    card_path(other).write_bytes(b"[")
    path.unlink()
    assert export_network(exported.network, tmp_path, ["float32"], source, NO_PARITY) == [path]


def recurrent(path: Path) -> Path:
    """A network whose conversion to integers ends the converter's process."""
    import keras
    from keras import layers

    inputs = keras.Input((96, 96, 1))
    x = layers.LSTM(8)(layers.Reshape((96, 96))(inputs))
    keras.Model(inputs, layers.Dense(30)(x)).save(path)
    return path


@pytest.mark.slow
def test_a_network_that_kills_the_converter_costs_its_own_file(exported: Exported, source, tmp_path, monkeypatch):
    """In a process of its own: the file is named, the others are made, and nothing stays in the temporary folder."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    refused: list[EdgefkpError] = []
    seen: list[str] = []
    progress = ExportProgress(seen.append, on_refused=refused.append)
    networks = [recurrent(tmp_path / "lstm.keras"), exported.network]
    written = export_apart(networks, tmp_path / "out", ["int8", "float32"], source, NO_PARITY, progress)
    names = [path.name for path in written]
    assert names[-2:] == ["tiny-masked.int8.tflite", "tiny-masked.float32.tflite"]
    assert all("lstm." in error.message for error in refused)
    assert any("int8" in error.message for error in refused)
    assert seen[-2:] == names[-2:]
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith("tiny-masked.")} == {
        *names[-2:], *(card_path(path).name for path in written[-2:]), "tiny-masked.md"
    }  # fmt: skip
    assert list(temporary.iterdir()) == []


def test_what_a_child_refuses_is_raised_as_what_it_is(exported: Exported, source, tmp_path):
    options = ExportOptions(parity=False, keep_float=("third",))
    with pytest.raises(UsageError, match="--keep-float goes with"):
        export_apart([exported.network], tmp_path, ["float32"], source, options, ExportProgress())
    with pytest.raises(EdgefkpError, match="no layer 'third'"):
        export_apart([exported.network], tmp_path, ["int8"], source, options, ExportProgress())


def test_layers_are_explained_in_a_child_too(exported: Exported, source):
    found = explain_apart(exported.network, source, NO_PARITY)
    assert {layer.layer for layer in found.layers} == {"first", "second", "keypoints"}


@pytest.mark.slow
def test_the_commands_of_the_model_card_work_in_an_empty_folder(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEFKP_CACHE": str(tmp_path / "cache")}
    images, keypoints = draw_all(60)
    np.savez(tmp_path / "drawn.npz", images=images, keypoints=keypoints, group=np.arange(60) // 6)
    empty = tmp_path / "empty"
    empty.mkdir()

    def edgefkp(*words: str) -> str:
        command = [sys.executable, "-m", "edgefkp", *words, "--data", str(tmp_path / "drawn.npz")]
        done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    bench = ("bench", "--device", "cpu", "--processes", "1", "--seconds", "0.02", "--mode", "invoke", "--images", "4")
    assert "taking what comes with edgefkp" in edgefkp(*bench)
    assert "taking what comes with edgefkp" in edgefkp("export", "--quant", "int8", "--no-parity")
    assert (empty / "export" / "small-masked-online.int8.tflite").is_file()
    shutil.rmtree(empty / "export")
    shutil.copy(shipped.FOLDER / "small-masked-online.keras", empty / "own.keras")
    assert "taking own.keras" in edgefkp("export", "--quant", "int8", "--no-parity")
    assert (empty / "export" / "own.int8.tflite").is_file()


def test_options_reach_the_process_that_converts() -> None:
    for target in TARGETS.values():
        asked = ExportOptions(target=target, stated=Stated("0..255", form="pixels"), shapes={"": (1, 96, 96, 1)})
        assert read_record(ExportOptions, json.loads(json_text(asked)), "the options") == asked
