"""A benchmark on a full disk, and one whose folder is deleted meanwhile."""

import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgefkp.bench import harness, result
from edgefkp.bench.devices import DeviceOptions, Listener, Work, open_device
from edgefkp.bench.plan import cases_of
from tests.bench_parts import BRIEF, INT8, ROOT, labeled


@pytest.mark.parametrize("limit", [512, 4096, 16_384])
@pytest.mark.parametrize("command", ["bench", "bundle"])
def test_no_room_is_two_lines_and_leaves_nothing_behind(tmp_path: Path, command: str, limit: int) -> None:
    """No file may be larger than `limit` bytes: at another one, another write fails."""
    out = tmp_path / "out"
    words = [command, str(INT8), "--quick", "--processes", "1", "--seconds", "0.02", "--mode", "invoke"]
    words += ["--out", str(out if command == "bench" else out / "b.zip")]
    code = "import sys; from edgefkp.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "EDGEFKP_CACHE": str(tmp_path / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",  # Python before 3.12.8 leaves the half of one, which nobody can import
        },
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert not [path for path in out.rglob("*") if path.suffix in (".json", ".zip")]


def test_a_folder_that_is_deleted_meanwhile_costs_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    deleted = []

    def delete(done: int, total: int, label: str) -> None:
        if done == 2:
            shutil.rmtree(out)
            deleted.append(label)

    work = Work(cases_of([INT8], modes=("invoke",)), labeled(), replace(BRIEF, processes=4), "r", out)
    open_device("cpu", DeviceOptions()).measure(work, Listener(progress=delete))
    assert deleted
    assert [len(row.processes) for row in result.read(out / "r.json").rows] == [4]
    assert [path.name for path in out.iterdir()] == ["r.json"]


def test_a_damaged_result_of_an_earlier_run_is_measured_again(tmp_path: Path) -> None:
    cases, settings = cases_of([INT8], modes=("invoke",)), replace(BRIEF, processes=2)
    partial = tmp_path / "partial"
    harness.measure(cases, labeled(), settings, "r", partial=partial)
    kept = sorted(partial.glob("*.npz"))
    assert len(kept) == 2
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    kept[1].write_bytes(b"")
    again = harness.measure(cases, labeled(), settings, "r", partial=partial)
    assert [len(row.processes) for row in again.rows] == [2]
    assert json.dumps(again.notes) == "[]"
