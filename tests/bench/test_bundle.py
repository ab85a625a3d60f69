import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import bundle, harness, payload, result, unbundle
from edgefkp.bench.plan import cases_of
from edgefkp.cli import main
from edgefkp.errors import EdgefkpError
from tests.bench_parts import BRIEF, FLOAT, INT8, ONE, labeled


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = cases_of([FLOAT, INT8])
    return bundle.make_zip(tmp_path_factory.mktemp("bundle") / "b.zip", cases, labeled(), BRIEF)


def unpacked(packed: Path, folder: Path) -> Path:
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder


def test_it_runs_with_nothing_of_this_checkout_but_what_is_in_it(packed: Path, tmp_path: Path) -> None:
    """Neither the installed package (-S: no editable install) nor click, tabulate, OpenCV or TensorFlow is seen, by
    the station and by its workers."""
    folder = unpacked(packed, tmp_path / "b")
    site = tmp_path / "site"
    site.mkdir()
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if installed.name.startswith(("numpy", "ai_edge_litert", "tflite", "flatbuffers")):
            (site / installed.name).symlink_to(installed)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{site}", "EDGEFKP_PYTHON": str(python)}
    command = [python, "-m", "edgefkp.bench.run_bundle", ".", "result.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    measured = result.read(folder / "result.json")
    assert [(row.file, row.mode) for row in measured.rows] == [(FLOAT.name, "invoke"), (INT8.name, "invoke")]
    assert [failure.case for failure in measured.failed] == ["e2e"]  # OpenCV is not seen
    assert all(row.reference_difference is not None and row.reference_difference < 0.01 for row in measured.rows)
    assert all(row.faces == 19 for row in measured.rows)
    assert not list(folder.glob(".partial-*"))


def test_bench_bundle_runs_the_zip(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", "--bundle", str(packed), "--out", str(tmp_path), "--name", "b"])
    assert caught.value.code == 0
    assert "tiny.int8" in capsys.readouterr().out
    assert len(result.read(tmp_path / "b.json").rows) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_a_file_damaged_on_the_way_is_refused(packed: Path, tmp_path: Path) -> None:
    folder = unpacked(packed, tmp_path / "b")
    content = bytearray((folder / "files" / INT8.name).read_bytes())
    content[-500] ^= 1
    (folder / "files" / INT8.name).write_bytes(content)
    with pytest.raises(EdgefkpError, match=r"tiny\.int8\.tflite was damaged"):
        unbundle.open_folder(folder)


def test_other_numbers_than_the_golden_ones_make_invalid(packed: Path, tmp_path: Path) -> None:
    opened = unbundle.open_folder(unpacked(packed, tmp_path / "b"))
    reference = {name: points + np.float32(3) for name, points in opened.reference.items()}
    cases = [case for case in opened.cases if "int8" in case.file and case.mode == "invoke"]
    rows = harness.measure(cases, opened.images, ONE, "x", reference=reference).rows
    assert [row.verdict for row in rows] == ["INVALID"]
    assert "3.0 px from those of the machine it came from" in "; ".join(rows[0].reasons)


def test_what_is_no_bundle_is_said(tmp_path: Path) -> None:
    other = tmp_path / "x.zip"
    other.write_bytes(b"no zip")
    with pytest.raises(EdgefkpError, match="is not a bundle"), unbundle.opened(other, tmp_path):
        pass
    with pytest.raises(EdgefkpError, match=r"has no job\.json"), unbundle.opened(tmp_path, tmp_path):
        pass


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / INT8.name
    twin.write_bytes(INT8.read_bytes())
    with pytest.raises(EdgefkpError, match="two files are called"):
        bundle.make(tmp_path / "b", cases_of([INT8, twin]), labeled(), BRIEF)


def test_another_environments_python_measures_through_the_kit() -> None:
    """--python: the worker sees the kit and its own packages; here it is this very Python."""
    cases = cases_of([INT8], modes=("invoke",), pythons=("", sys.executable))
    rows = harness.measure(cases, labeled(), ONE, "x").rows
    assert [bool(row.python) for row in rows] == [False, True]
    assert rows[0].rmse == rows[1].rmse


def test_a_python_that_is_not_there_is_said() -> None:
    with pytest.raises(EdgefkpError, match="cannot start /no/python"):
        harness.measure(cases_of([INT8], pythons=("/no/python",)), labeled(), BRIEF, "x")


def test_the_payload_holds_what_its_modules_import_and_nothing_of_the_host(tmp_path: Path) -> None:
    names = {path.relative_to(tmp_path / "edgefkp").parts[0] for path in payload.copy_into(tmp_path).rglob("*.py")}
    assert {"bench", "runtime", "layout.py", "__init__.py"} <= names
    assert not names & {"cli", "report", "study", "training", "demo", "detect", "run.py"}
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    modules = [f"edgefkp.{name}".rstrip(".") for name in payload.modules()]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code, *modules]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_module_that_a_board_needs_is_found_by_its_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(
        payload.PACKAGE, tmp_path / "edgefkp", ignore=shutil.ignore_patterns("__pycache__", "*.tflite", "*.npz")
    )
    package = tmp_path / "edgefkp"
    (package / "bench" / "newest.py").write_text("from edgefkp.evaluation import deeper")
    (package / "evaluation" / "deeper.py").write_text(
        "from edgefkp.records import Registry\nSEAM = Registry('seam', 'edgefkp.seam')"
    )
    (package / "seam").mkdir()
    (package / "seam" / "__init__.py").write_text("")
    (package / "seam" / "one.py").write_text("")
    worker = package / "bench" / "worker.py"
    worker.write_text(worker.read_text() + "\ndef late():\n    from edgefkp.bench.newest import x\n")
    monkeypatch.setattr(payload, "PACKAGE", package)
    payload.modules.cache_clear()
    try:
        assert {"bench.newest", "evaluation.deeper", "seam.one"} <= set(payload.modules())
    finally:
        payload.modules.cache_clear()
