import importlib.util
import json
import os
import platform
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
    monkeypatch.setattr(interpreters, "installed", lambda: found)


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
