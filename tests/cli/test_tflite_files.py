"""Which files bench, bundle and parity take."""

from pathlib import Path

import pytest

from edgefkp.cli.tflite_files import tflite_files
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import shipped


def test_it_takes_the_folder_then_a_lone_file_then_what_comes_with_the_package(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert tflite_files(()) == shipped.models()
    assert "taking what comes with edgefkp" in capsys.readouterr().err
    Path("own.tflite").touch()
    assert tflite_files(()) == [Path("own.tflite")]
    assert "taking own.tflite" in capsys.readouterr().err
    Path("export").mkdir()
    for name in ("a.tflite", ".a-abcd.tflite"):  # the second is the litter of a kill
        Path("export", name).touch()
    assert tflite_files(()) == tflite_files((Path("export"),)) == [Path("export/a.tflite")]
    assert capsys.readouterr().err == ""


def test_what_was_named_and_holds_nothing_is_an_error(tmp_path):
    (tmp_path / ".a-abcd.tflite").touch()
    with pytest.raises(EdgefkpError, match=r"no \.tflite file in"):
        tflite_files((tmp_path,))
    with pytest.raises(EdgefkpError, match=r"no model file at .*nowhere"):
        tflite_files((tmp_path / "nowhere",))


@pytest.mark.parametrize("name", ["small-masked-online.int8", "small-masked-online.int8.tflite"])
def test_a_shipped_model_is_known_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = [shipped.FOLDER / "small-masked-online.int8.tflite"]
    assert tflite_files((Path(name),)) == tflite_files((Path("shipped", name),)) == expected
    Path(name).touch()  # a file of the user's own comes first
    assert tflite_files((Path(name),)) == [Path(name)]
