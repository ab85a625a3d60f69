"""Commands that are typed in a folder of somebody else's files: nothing of it is run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgefkp.cli import COMMANDS
from edgefkp.files import read_json, write_json
from tests.made_faces import made_faces, write_training

ROOT = Path(__file__).parents[2]
FIXTURES = Path(__file__).parents[1] / "fixtures"
BAIT = "open({place!r}, 'a').write(__name__ + chr(10))\nraise SystemExit(0)\n"
# What a command, its children or what they import might take from the current folder.
FOREIGN = (
    *("resource", "json", "typing", "tempfile", "socket", "site", "sitecustomize", "usercustomize", "click"),
    *("tabulate", "cv2", "flatbuffers", "ai_edge_litert", "tflite_runtime", "tflite", "tensorflow", "keras"),
    *("optuna", "matplotlib", "sklearn", "scipy", "skimage", "jinja2", "PIL", "h5py", "tqdm", "ray", "kagglehub"),
)
FOREIGN_PACKAGES = ("numpy", "edgefkp", "edgefkp/cli", "edgefkp/runtime", "edgefkp/bench")

Typed = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with models, faces, an image, and modules that leave a mark when they are imported."""
    folder = tmp_path / "downloaded"
    folder.mkdir()
    code = BAIT.format(place=str(tmp_path / "touched"))
    for name in FOREIGN:
        (folder / f"{name}.py").write_text(code)
    for name in FOREIGN_PACKAGES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(code)
    for file in ("tiny.float32.tflite", "tiny.int8.tflite"):
        shutil.copy(FIXTURES / file, folder)
    (folder / "data").mkdir()
    images, keypoints = made_faces(30)
    write_training(folder / "data" / "training.csv", images, keypoints)
    for name in ("face", "copy"):
        (folder / f"{name}.pgm").write_bytes(b"P5 96 96 255\n" + np.ascontiguousarray(images[0]).tobytes())
    measured = read_json(ROOT / "bench/results/zoo.json")
    write_json(folder / "measured.json", {**measured, "rows": measured["rows"][:1]})
    return folder


@pytest.fixture
def typed(folder: Path, tmp_path: Path) -> Typed:
    program = tmp_path / "bin" / "edgefkp"  # as pip installs it: the folder of the program comes first on the path
    program.parent.mkdir()
    program.write_text("from edgefkp.cli import main\nmain()\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEFKP_CACHE": str(tmp_path / "cache")}

    def run(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(program), *words],
            cwd=folder,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=1800,
        )

    return run


QUICK = (
    "bench tiny.int8.tflite --quick --processes 1 --seconds 0.02 --mode invoke",
    "bench show measured.json",
    "evaluate tiny.float32.tflite --data data",
    "predict face.pgm --model tiny.float32.tflite --finder whole-image --out predicted",
    "predict face.pgm copy.pgm --model tiny.float32.tflite --finder whole-image --out predicted --workers 2",
    "demo --source face.pgm --once --display none --model tiny.float32.tflite --finder whole-image",
    "demo --source face.pgm --once --display file --model tiny.float32.tflite",
    "parity tiny.int8.tflite --reference tiny.float32.tflite --data data",
    "bundle tiny.int8.tflite --quick",
    "compare measured.json measured.json",
    "recommend measured.json",
    "data info --data data",
    "data audit --data data",
    "models",
    "study status",
    "inspect tiny.int8.tflite",
    "import tiny.float32.tflite --out imported",
    "cache",
)
SLOW = (
    "doctor",
    "train nano --data data --images 64",
    "export nano-masked-online --models-dir . --data data --quant int8",
    "run --data data --models nano --images 64 --quick --out out",
    f"report --study {ROOT}/models/study --bench {ROOT}/bench/results",
)
# tune takes another package, and its children start as those of train and bench do; publish refuses these files.
NEITHER = {"tune", "publish"}


def test_every_command_is_typed_there() -> None:
    assert {words.split()[0] for words in (*QUICK, *SLOW)} | NEITHER == set(COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("words", SLOW, ids=lambda words: words.split()[0])
def test_nothing_of_it_is_run_by_what_needs_tensorflow(typed: Typed, folder: Path, tmp_path: Path, words: str) -> None:
    pytest.importorskip("keras")
    for suffix in (".keras", ".json"):
        shutil.copy(ROOT / f"models/nano-masked-online{suffix}", folder)
    done = typed(*words.split())
    assert not (tmp_path / "touched").exists(), (tmp_path / "touched").read_text()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", QUICK)
def test_nothing_of_the_current_folder_is_run(typed: Typed, tmp_path: Path, words: str) -> None:
    done = typed(*words.split())
    assert not (tmp_path / "touched").exists(), (tmp_path / "touched").read_text()
    assert done.returncode == 0, done.stderr


def test_a_check_cannot_be_faked_from_the_current_folder(typed: Typed, folder: Path, tmp_path: Path) -> None:
    """A file that fails its check fails it there, too, and nothing is remembered."""
    content = (folder / "tiny.float32.tflite").read_bytes()
    (folder / "broken.tflite").write_bytes(content[: len(content) // 2])
    for _ in range(2):
        done = typed("evaluate", "broken.tflite", "--data", "data")
        assert done.returncode == 1, done.stderr
        assert "broken.tflite" in done.stderr
    assert not (tmp_path / "touched").exists()
    assert not list((tmp_path / "cache").rglob("probed/*"))
