import ast
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import doctor
from edgefkp.cli import main
from edgefkp.runtime import interpreters


def found(name: str) -> doctor.EnvironmentCheck:
    return next(check for check in doctor.examine() if check.name == name)


@pytest.fixture
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import takes longer than all others."""
    found = [info for info in interpreters.installed() if info.name != "tensorflow"]
    monkeypatch.setattr(interpreters, "installed", lambda suffix=".tflite": found if suffix == ".tflite" else [])


@pytest.mark.usefixtures("without_tensorflow")
def test_this_machine_is_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor"])
    assert caught.value.code == 0
    assert f"ok numpy: {np.__version__}" in capsys.readouterr().out


def test_it_runs_where_numpy_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('numpy is broken')")
    checkout = Path(doctor.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "edgefkp.bench.doctor"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{checkout}"},
    )
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["numpy"]["ok"] is False
    assert "numpy is broken" in checks["numpy"]["found"]
    assert "pip install numpy" in checks["numpy"]["fix"]


def pretend_installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def version(name: str) -> str:
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return "4.11.0"

    monkeypatch.setattr(doctor.metadata, "version", version)


@pytest.mark.parametrize("package", ["opencv-python", "opencv-python-headless"])
def test_either_opencv_is_accepted(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    pretend_installed(monkeypatch, package)
    assert found(doctor.OPENCV).ok


def test_two_opencvs_over_each_other_are_named_with_the_line_that_leaves_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, "opencv-python", "opencv-python-headless")
    check = found(doctor.OPENCV)
    assert check.ok is False
    assert "opencv-python and opencv-python-headless" in check.found
    assert "pip uninstall -y opencv-python opencv-python-headless && pip install 'opencv-python-headless" in check.fix


def test_an_opencv_without_libgl_gets_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, "opencv-python")
    broken = doctor.EnvironmentCheck(doctor.OPENCV, False, "libGL.so.1: cannot open shared object file")
    monkeypatch.setattr(doctor, "_tried", lambda *arguments: broken)
    fix = doctor._opencv().fix
    assert "apt install libgl1" in fix
    assert "opencv-python-headless" in fix


def test_a_missing_runtime_gets_the_line_for_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert found("runtime").fix.endswith("pip install ai-edge-litert")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert "python3 -m venv" in found("runtime").fix


@pytest.mark.usefixtures("without_tensorflow")
def test_32_bit_needs_python_3_11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "armv7l")
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.1")
    monkeypatch.setattr(sys, "version_info", (3, 13, 1, "final", 0))
    checks = {check.name: check for check in doctor.examine()}
    assert "3.10 or 3.11" in checks["python"].fix


def test_numpy_2_with_tflite_runtime_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "tflite_runtime" else None)
    monkeypatch.setattr(np, "__version__", "2.2.0")
    check = found("tflite-runtime")
    assert check.ok is False
    assert "numpy<2" in check.fix


def test_an_import_that_kills_the_process_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deadly.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = doctor._tried("x", "deadly", "pip install x")
    assert (check.ok, check.fix) == (False, "pip install x")
    assert "SIGSEGV" in check.found


def test_nothing_of_the_current_folder_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('run from the current folder')")
    monkeypatch.chdir(tmp_path)
    assert doctor._tried("numpy", "numpy", "").ok


def imported_first() -> list[Path]:
    """The package's files that `python3 -m edgefkp.bench.doctor` imports before it knows which Python runs it."""
    root = Path(doctor.__file__).parents[1]
    waiting, found = ["bench.doctor", "bench.run_bundle"], {}
    while waiting:
        name = waiting.pop()
        path = root.joinpath(*name.split(".")).with_suffix(".py")
        path = path if path.is_file() else root.joinpath(*name.split("."), "__init__.py")
        if name in found or not path.is_file():
            continue
        found[name] = path
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        waiting.append(name.rpartition(".")[0])
        for node in tree.body:  # what stands inside functions and blocks comes later
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "edgefkp":
                module = str(node.module).partition(".")[2]
                waiting += [module, *(f"{module}.{alias.name}".strip(".") for alias in node.names)]
    return sorted(found.values())


def test_what_names_an_old_python_can_be_read_by_it() -> None:
    """Annotations are not evaluated, so `str | None` does no harm."""
    paths = imported_first()
    assert {"doctor.py", "isolate.py", "child.py", "errors.py", "run_bundle.py"} <= {path.name for path in paths}
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        annotated = [node for node in ast.walk(tree) if isinstance(node, ast.AnnAssign | ast.FunctionDef)]
        later = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
        plain = all(ast.unparse(given) in PLAIN for node in annotated for given in annotations(node))
        assert later or plain, f"{path} needs: from __future__ import annotations"


PLAIN = {"str", "int", "bool", "None", "Path", "Any", "NoReturn"}


def annotations(node: ast.AnnAssign | ast.FunctionDef) -> list[ast.expr]:
    if isinstance(node, ast.AnnAssign):
        return [node.annotation]
    given = [one.annotation for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [one for one in (*given, node.returns) if one is not None]


@pytest.mark.parametrize("old", ["python3.8", "python3.9"])
def test_an_old_python_is_named_by_the_doctor_and_by_a_bundle(old: str, tmp_path: Path) -> None:
    python = shutil.which(old)
    if not python or subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"no {old} here")
    environment = {**os.environ, "PYTHONPATH": str(Path(doctor.__file__).parents[2])}
    environment.pop("EDGEFKP_PYTHON", None)
    words = [python, "-m", "edgefkp.bench.doctor"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["python"]["ok"] is False
    assert checks["python"]["found"].startswith(old.removeprefix("python"))
    assert "3.10 to 3.13" in checks["python"]["fix"]
    words = [python, "-m", "edgefkp.bench.run_bundle", ".", "result.json"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 4
    assert [line[:7] for line in done.stderr.splitlines()] == ["error: ", "hint:  "]
