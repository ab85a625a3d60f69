"""What commands print fits the 80 columns of a terminal; doctor's lines hold commands to copy, and are left whole."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgefkp.cli import main
from tests.made_faces import made_faces

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests/fixtures"
RESULT = str(ROOT / "bench/results/zoo.json")
SHIPPED = "small-masked-online.int8"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder: labeled faces, and files of a network in export/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    images, keypoints = made_faces(20)
    np.savez("faces.npz", images=images, keypoints=keypoints, group=np.arange(20))
    Path("export").mkdir()
    for scheme in ("float32", "int8", "dynamic"):
        shutil.copy(TINY / f"tiny.{scheme}.tflite", f"export/a-network-of-a-long-name-masked-online.{scheme}.tflite")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "models",
        "data formats",
        "data info --data faces.npz",
        "data audit --data faces.npz",
        "cache",
        f"inspect {SHIPPED}",
        "inspect export/a-network-of-a-long-name-masked-online.int8.tflite",
        f"evaluate {SHIPPED} --data faces.npz --split all",
        "parity --data faces.npz",
        f"bench show {RESULT}",
        f"bench show {RESULT} {RESULT}",
        f"compare {RESULT} {RESULT}",
        f"recommend {RESULT} --allow-suspect",
        "study status",
    ],
)
def test_what_is_printed_fits_80_columns(folder, words, capsys):
    with pytest.raises(SystemExit):
        main(words.split())
    out = capsys.readouterr().out.replace(str(folder), "").replace(RESULT, "zoo.json")
    assert [line for line in out.splitlines() if len(line) > 80] == []
