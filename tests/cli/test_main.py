"""The command line as a whole: quick, two lines for every error, and the right exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgefkp.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]

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


@pytest.mark.parametrize("command", ["train", "predict"])  # data formats, face finders
def test_help_of_a_command_waits_for_no_arrays(command):
    program = f"""
import sys
import edgefkp.cli
try:
    edgefkp.cli.main(["{command}", "--help"])
except SystemExit:
    print([name for name in {(*HEAVY, "numpy.linalg")} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]", "a module of a registry computes with numpy while it is imported"


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
    done = edgefkp("evaluate", "tests/fixtures/tiny.float32.tflite", "--data", "sample", PYTHONPATH=str(tmp_path))
    assert done.returncode == 4
    assert "sudo apt install libgl1" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2


@pytest.mark.parametrize(
    "command", ["evaluate tests/fixtures/tiny.float32.tflite --data sample", "predict docs/live.png --out OUT"]
)
def test_an_opencv_that_was_built_for_numpy_1_is_named_and_no_image_is_blamed(tmp_path: Path, command: str):
    (tmp_path / "cv2.py").write_text("raise ImportError('numpy.core.multiarray failed to import')")
    done = edgefkp(*command.replace("OUT", str(tmp_path / "out")).split(), PYTHONPATH=str(tmp_path))
    assert done.returncode == 4
    assert "error: the installed OpenCV was built for numpy 1" in done.stderr
    assert "pip install -U 'opencv-python>=4.10,<6'" in done.stderr
    assert "skipped" not in done.stderr


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


def broken(folder: Path, statement: str) -> dict[str, str]:
    """An environment in which the models command ends in `statement`, as an unforeseen error would."""
    (folder / "sitecustomize.py").write_text(f"""
import importlib.abc, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "edgefkp.report.catalog":
            {statement}
sys.meta_path.insert(0, Finder())
""")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


@pytest.mark.parametrize(
    ("statement", "code", "words"),
    [
        ("raise MemoryError", 1, "not enough memory"),
        ("raise OSError(28, 'No space left on device', 'a.csv')", 1, "the disk is full, and a.csv"),
        ("raise OSError(13, 'Permission denied', 'a.csv')", 1, "a.csv: Permission denied"),
        ("raise RecursionError('maximum')", 1, "an error of edgefkp: RecursionError: maximum"),
        ("b'\\xff'.decode()", 1, "not UTF-8"),
        ("1 / 0", 1, "an error of edgefkp: ZeroDivisionError"),
        ("raise EOFError", 1, "an error of edgefkp: EOFError"),
        ("raise ImportError('failed to map segment from shared object')", 4, "cannot be loaded: failed to map"),
        ("raise ImportError('cannot import x', name='edgefkp.x')", 4, "cannot be loaded"),
    ],
)
def test_whatever_goes_wrong_is_two_lines(statement, code, words, tmp_path):
    done = edgefkp("models", **broken(tmp_path, statement))
    assert done.returncode == code
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert words in first
    assert second.startswith("hint:  ")


@pytest.mark.parametrize("words", [["--debug", "models"], ["models", "--debug"], ["models"]], ids=" ".join)
def test_debug_shows_the_rest_above_the_two_lines(words, tmp_path):
    variable = {} if "--debug" in words else {"EDGEFKP_DEBUG": "1"}
    shown = edgefkp(*words, **broken(tmp_path, "1 / 0"), **variable)
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr
    first, second = shown.stderr.splitlines()[-2:]
    assert first.startswith("error: this is an error of edgefkp: ZeroDivisionError")
    assert second.startswith("hint:  ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("module", ["click", "edgefkp.report.catalog"])
def test_a_signal_ends_it_in_one_word_also_while_it_starts(number, module, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(f"""
import importlib.abc, os, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "{module}":
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Finder())
""")
    done = edgefkp("models", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert done.returncode == 128 + number
    assert done.stderr.split() == ["stopped"]


def test_what_is_open_is_closed_when_a_signal_comes(tmp_path):
    """An unfinished file is removed, also where the interrupted code turns the signal into an error of its own."""
    environment = broken(
        tmp_path,
        f"""
            import os, signal
            from edgefkp.files import replacing
            with replacing({str(tmp_path / "a.csv")!r}):
                try:
                    os.kill(os.getpid(), signal.SIGTERM)
                    signal.pause()
                except BaseException:
                    raise ValueError("seek of closed file")""",
    )
    done = edgefkp("models", **environment)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr.split() == ["stopped"]
    assert [path.name for path in tmp_path.iterdir() if "a" in path.name.split(".")] == []


def test_a_field_of_a_newer_version_is_a_warning_of_one_line(tmp_path):
    stored = json.loads((ROOT / "bench/results/zoo.json").read_text())
    (tmp_path / "newer.json").write_text(json.dumps({**stored, "mood\x1b[2J": 1}))
    done = edgefkp("bench", "show", str(tmp_path / "newer.json"))
    assert done.returncode == 0
    first, *_ = done.stderr.splitlines()
    assert first.startswith("warning: ")
    assert r"newer.json: the field mood\x1b[2J is of a newer edgefkp" in first


def test_a_full_disk_behind_stdout_is_named():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edgefkp", "models"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: the disk is full"
    assert len(done.stderr.splitlines()) == 2


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m edgefkp models --json; echo $? >&2"
    done = subprocess.run(["sh", "-c", f"({command}) | true"], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.split() in (["141"], ["0"])  # 0: it was all in the pipe before


def test_names_that_are_not_utf_8_are_shown(tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.tflite")
    done = subprocess.run([sys.executable, "-m", "edgefkp", "inspect", name], capture_output=True, cwd=ROOT)
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 2


def test_elsewhere_than_on_linux_two_lines_come_first(monkeypatch, capsys):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first == "warning: edgefkp was tried on Linux only; this is macOS"
    assert second.startswith("hint:")
