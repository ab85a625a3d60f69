"""The command line as a whole: quick, two lines for every error, and the right exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgefkp.cli import COMMANDS, main

HEAVY = ("tensorflow", "keras", "cv2", "matplotlib", "pandas", "sklearn", "ai_edge_litert", "tflite_runtime")


def edgefkp(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "edgefkp", *arguments], capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_help_imports_nothing_heavy():
    program = f"""
import sys
import edgefkp.cli
try:
    edgefkp.cli.main(["--help"])
except SystemExit:
    print([name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "Usage" in capsys.readouterr().out


def test_unknown_command_names_the_nearest(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evalate"])
    assert stopped.value.code == 2
    assert "evaluate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "smal"], 2, ["unknown network 'smal'", "small"]),
        (["train", "small", "--imputation", "mean"], 2, ["'mean' is not one of", "'masked'", "edgefkp train --help"]),
        (["train", "small", "--treatment", "mean"], 2, ["'mean' is not one of"]),  # the old spelling
        (["predict", "x.png", "--finder", "har"], 2, ["unknown face finder 'har'", "Did you mean: haar?"]),
        (["export", "--quant", "int9"], 2, ["unknown scheme 'int9'", "int8"]),
        (["train"], 2, ["Missing argument 'NETWORK'"]),
        (["train", "small", "--data", "/nowhere"], 1, ["no data at /nowhere", "sample"]),
        (["evaluate", "nothing.tflite"], 1, ["no model file"]),
        (["evaluate", __file__], 1, ["neither a .keras nor a .tflite"]),
    ],
)
def test_errors_are_two_lines(arguments, code, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    error = capsys.readouterr().err
    assert stopped.value.code == code
    assert len(error.strip().splitlines()) == 2
    assert all(word in error for word in words)


def test_a_missing_system_library_gets_its_apt_line(tmp_path: Path):
    (tmp_path / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
    )
    done = edgefkp("evaluate", "tests/fixtures/tiny.float32.tflite", PYTHONPATH=str(tmp_path))
    assert done.returncode == 4
    assert "sudo apt install libgl1" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2


def test_without_tensorflow_training_and_export_say_what_to_install(tmp_path: Path):
    # A finder that knows no TensorFlow, as on a board.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in ('tensorflow', 'keras') else find(name, *a)\n"
    )
    for arguments in (["export"], ["train", "small", "--out", str(tmp_path / "models")]):
        done = edgefkp(*arguments, PYTHONPATH=str(tmp_path))
        assert done.returncode == 4, done.stderr
        assert "pip install 'edgefkp[train]'" in done.stderr
