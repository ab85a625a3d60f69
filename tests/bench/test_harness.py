import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import harness, result, timed_images, worker
from edgefkp.bench.plan import Settings, cells_of
from edgefkp.bench.store import partial_folder
from edgefkp.bench.timed_images import Pictures
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters, isolate
from tests.bench import killed_once
from tests.bench_parts import BRIEF, FIXTURES, FLOAT, INT8, ROOT, labelled


def test_every_cell_has_its_row_and_processes(measured: result.Result) -> None:
    assert {(row.file, row.mode) for row in measured.rows} == {
        (file.name, mode) for file in (FLOAT, INT8) for mode in ("invoke", "e2e")
    }
    for row in measured.rows:
        assert [process.round for process in row.processes] == [0, 1]
        assert row.runtime == interpreters.choose().name
        assert row.version == interpreters.choose().version
        assert row.bytes == (FIXTURES / row.file).stat().st_size


def test_the_figures_are_those_of_the_raw_values(measured: result.Result) -> None:
    for row in measured.rows:
        values = np.concatenate([process.steady.nanoseconds() for process in row.processes])
        assert row.ms.p50 == pytest.approx(np.median(values) / 1e6)
        passes = values.reshape(-1, 20).sum(1)
        assert row.seconds_per_100 == pytest.approx(np.median(passes) * 5 / 1e9)
        assert row.ms.count % 20 == 0


def test_end_to_end_is_the_sum_of_its_stages(measured: result.Result) -> None:
    row = next(row for row in measured.rows if row.mode == "e2e")
    assert list(row.stages) == ["crop", "fill", "set", "invoke", "get", "points"]
    for process in row.processes:
        whole = sum(raw.nanoseconds() for raw in process.stages.values())
        np.testing.assert_array_equal(whole, process.steady.nanoseconds())


def test_rmse_is_of_the_same_outputs(measured: result.Result) -> None:
    shown = labelled()
    for row in measured.rows:
        if row.mode == "invoke":
            predicted = interpreters.load(FIXTURES / row.file).predict(shown.images)
            there = ~np.isnan(shown.keypoints)
            expected = np.sqrt(np.mean((predicted[there] - shown.keypoints[there]) ** 2))
            assert row.rmse == pytest.approx(float(expected), rel=1e-4)
            assert (row.faces, row.coordinates) == (19, 19 * 30 - 2)


def test_the_five_clocks_and_the_memory_are_there(measured: result.Result) -> None:
    for row in measured.rows:
        clocks = row.clocks
        assert min(clocks.imported, clocks.loaded, clocks.allocated, clocks.first, clocks.steady) > 0
        assert clocks.imported > clocks.steady
        assert row.memory_kib is not None
        assert row.memory_kib > 0


def test_warm_up_is_kept_and_begins_with_the_first_invoke(measured: result.Result) -> None:
    for row in measured.rows:
        for process in row.processes:
            assert process.warm.count >= 3
            if row.mode == "invoke":
                assert process.warm.nanoseconds()[0] / 1e9 == pytest.approx(process.clocks.first)


def test_a_result_survives_its_file(measured: result.Result, tmp_path: Path) -> None:
    first = result.save(measured, tmp_path / "a.json")
    second = result.save(result.read(first), tmp_path / "b.json")
    assert first.read_bytes() == second.read_bytes()
    assert json.loads(first.read_text())["schema"] == "edgefkp.bench/1"


def test_pictures_without_labels_give_no_rmse() -> None:
    drawn = timed_images.drawn_pictures()
    few = Pictures(drawn.name, drawn.licence, drawn.images[:5], drawn.keypoints[:5])
    rows = harness.measure(cells_of([INT8], modes=("invoke",)), few, BRIEF, "test").rows
    assert [(row.rmse, row.faces, row.coordinates) for row in rows] == [(None, 0, 0)]


def test_files_that_take_no_faces_are_timed_without_end_to_end() -> None:
    rows = harness.measure(cells_of([FIXTURES / "classifier.tflite"]), labelled(), BRIEF, "test").rows
    assert [(row.mode, row.rmse) for row in rows] == [("invoke", None)]


def test_files_that_do_not_run_are_listed_and_the_rest_is_measured(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(FLOAT.read_bytes()[:3000])
    measured = harness.measure(cells_of([broken, INT8], modes=("invoke",)), labelled(), BRIEF, "test")
    assert [row.file for row in measured.rows] == [INT8.name]
    assert [failure.cell.split(",")[0] for failure in measured.failed] == ["broken.tflite"]
    with pytest.raises(EdgefkpError, match=r"broken\.tflite"):
        harness.measure(cells_of([broken]), labelled(), BRIEF, "test")


def test_a_run_that_was_cut_off_goes_on_and_counts_nothing_twice(tmp_path: Path) -> None:
    cells = cells_of([FLOAT, INT8], modes=("invoke",))
    partial = tmp_path / "partial"

    class Cut(Exception):
        pass

    def cut(done: int, total: int, label: str) -> None:
        if done == 3:
            raise Cut

    with pytest.raises(Cut):
        harness.measure(cells, labelled(), BRIEF, "test", partial=partial, progress=cut)
    kept = {path.name: path.read_bytes() for path in partial.glob("*.npz")}
    assert len(kept) == 3
    measured = harness.measure(cells, labelled(), BRIEF, "test", partial=partial)
    assert {name: (partial / name).read_bytes() for name in kept} == kept
    assert [len(row.processes) for row in measured.rows] == [2, 2]
    assert measured.notes == ["3 of 4 processes were measured before a break, and counted once"]


def test_an_unwritable_folder_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgefkpError, match="cannot write to"):
        harness.measure(
            cells_of([INT8]),
            labelled(),
            BRIEF,
            "test",
            partial=tmp_path / "file" / "results" / "partial",
            progress=lambda *step: pytest.fail("it went on"),
        )


def test_a_killed_worker_is_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(harness, "work", killed_once.work)
    monkeypatch.setenv("KILLED_ONCE", str(tmp_path / "killed"))
    measured = harness.measure(cells_of([INT8], modes=("invoke",)), labelled(), BRIEF, "test")
    assert [len(row.processes) for row in measured.rows] == [2]
    assert len(measured.notes) == 1
    assert "SIGKILL; run again" in measured.notes[0]


def test_the_partial_folder_is_that_of_exactly_this_work(tmp_path: Path) -> None:
    cells, shown = cells_of([INT8]), labelled()
    folder = partial_folder(tmp_path, cells, shown, BRIEF)
    assert folder == partial_folder(tmp_path, cells, shown, BRIEF)
    assert folder != partial_folder(tmp_path, cells, labelled(19), BRIEF)
    assert folder != partial_folder(tmp_path, cells[:1], shown, BRIEF)
    assert folder != partial_folder(tmp_path, cells, shown, Settings())


def test_the_partial_folder_is_the_same_in_every_process() -> None:
    """Python orders sets of strings anew in each process; what a killed run kept must be found all the same."""
    code = (
        "from pathlib import Path; from edgefkp.bench.plan import cells_of;"
        "from edgefkp.bench.store import partial_folder; from tests.bench_parts import *;"
        "print(partial_folder(Path('x'), cells_of([FLOAT, INT8]), labelled(), BRIEF))"
    )
    found = set()
    for seed in "0123":
        command, environment = [sys.executable, "-c", code], {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
        found.add(done.stdout)
    assert len(found) == 1


def test_a_run_ended_by_sigkill_goes_on_in_another_process(tmp_path: Path) -> None:
    words = [str(FLOAT), str(INT8), "--mode", "invoke", "--processes", "3", "--seconds", "0.3", "--name", "k"]
    command = [sys.executable, "-m", "edgefkp", "bench", *words, "--out", str(tmp_path)]
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment)
    deadline = time.monotonic() + 60
    while not (kept := sorted(tmp_path.glob(".partial-*/[!.]*.npz"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.kill()
    run.wait()
    assert kept, "nothing was kept within a minute"
    assert not list(scratch.iterdir())
    content = {path: path.read_bytes() for path in sorted(tmp_path.glob(".partial-*/[!.]*.npz"))}
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    measured = result.read(tmp_path / "k.json")
    assert [[process.round for process in row.processes] for row in measured.rows] == [[0, 1, 2], [0, 1, 2]]
    assert f"{len(content)} of 6 processes were measured before a break" in "; ".join(measured.notes)
    assert not list(tmp_path.glob(".partial-*"))


def test_the_same_work_is_not_measured_twice_at_once(tmp_path: Path) -> None:
    cells = cells_of([INT8], modes=("invoke",))

    def again(plan: object, seconds: float) -> None:
        with pytest.raises(EdgefkpError, match="is running already"):
            harness.measure(cells, labelled(), BRIEF, "second", partial=tmp_path)

    assert len(harness.measure(cells, labelled(), BRIEF, "first", partial=tmp_path, announce=again).rows) == 1


@pytest.mark.parametrize("data", [(), ("--data", "sample")], ids=["drawn faces", "cropped faces"])
def test_the_command_imports_neither_opencv_nor_tensorflow(tmp_path: Path, data: tuple[str, ...]) -> None:
    code = (
        "import sys; from edgefkp.cli import cli; cli.main(sys.argv[1:], standalone_mode=False);"
        "print({name.split('.')[0] for name in sys.modules} & {'cv2', 'tensorflow', 'keras'} or 'neither')"
    )
    words = ["bench", str(INT8), "--quick", "--mode", "invoke", "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *words, *data], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "neither", done.stderr


def test_the_worker_imports_numpy_first_and_neither_opencv_nor_tensorflow(tmp_path: Path) -> None:
    """Its import clock begins before numpy, and nothing large may be imported earlier or beside."""
    timed_images.save(labelled(), tmp_path / "images.npz")
    job = {"file": str(INT8), "runtime": "", "mode": "e2e", "images": str(tmp_path / "images.npz"), "seconds": 0.01}
    log, listed = tmp_path / "log", {"PYTHONPROFILEIMPORTTIME": "1"}
    found = isolate.call(worker.work, job, log=log, environment=listed)
    assert found["facts"]["clocks"]["imported"] > 0
    # The line of a module comes when its import has ended; a module that it imports is indented below it.
    lines = [line.split("|")[-1] for line in log.read_text().splitlines() if line.startswith("import time:")]
    imported = {line.strip().split(".")[0] for line in lines}
    assert "numpy" in imported
    assert not imported & {"cv2", "tensorflow", "keras", "click", "tabulate"}
    before = lines[lines.index(" site") + 1 : lines.index(" numpy")]
    assert {line for line in before if not line.startswith("  ")} <= {" typing", " importlib.util", " edgefkp._version"}
