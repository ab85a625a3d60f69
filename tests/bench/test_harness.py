import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import harness, result, timed_images, worker
from edgefkp.bench.plan import MODES, TimingSettings, cases_of
from edgefkp.bench.store import partial_folder
from edgefkp.bench.timed_images import TimedImages
from edgefkp.card import TFLITE, Card, write_card
from edgefkp.cli import main
from edgefkp.cli.tflite_files import tflite_files
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.layout import InputSpec, ModelSpec, PointLayout
from edgefkp.runtime import interpreters, isolate
from tests.altered_files import without_outputs
from tests.bench import killed_once
from tests.bench_parts import BRIEF, FIXTURES, FLOAT, INT8, ONE, ROOT, labeled


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
        values = np.concatenate([process.values.nanoseconds() for process in row.processes])
        assert row.ms.p50 == pytest.approx(np.median(values) / 1e6)
        passes = values.reshape(-1, 20).sum(1)
        assert row.seconds_per_100 == pytest.approx(np.median(passes) * 5 / 1e9)
        assert row.ms.count % 20 == 0


def test_end_to_end_is_the_sum_of_its_stages(measured: result.Result) -> None:
    row = next(row for row in measured.rows if row.mode == "e2e")
    assert list(row.stages) == ["crop", "fill", "set", "invoke", "get", "points"]
    for process in row.processes:
        whole = sum(raw.nanoseconds() for raw in process.stages.values())
        np.testing.assert_array_equal(whole, process.values.nanoseconds())


def test_rmse_is_of_the_same_outputs(measured: result.Result) -> None:
    shown = labeled()
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
            assert process.warmups.count >= 1  # more, unless the machine is so busy that one takes the whole time
            if row.mode == "invoke":
                assert process.warmups.nanoseconds()[0] / 1e9 == pytest.approx(process.clocks.first)


def test_a_result_survives_its_file(measured: result.Result, tmp_path: Path) -> None:
    first = result.save(measured, tmp_path / "a.json")
    second = result.save(result.read(first), tmp_path / "b.json")
    assert first.read_bytes() == second.read_bytes()
    assert json.loads(first.read_text())["schema"] == "edgefkp.bench/1"


def test_pictures_without_labels_give_no_rmse() -> None:
    drawn = timed_images.drawn_images()
    few = TimedImages(drawn.name, drawn.license, drawn.images[:5], drawn.keypoints[:5])
    rows = harness.measure(cases_of([INT8], modes=("invoke",)), few, ONE, "test").rows
    assert [(row.rmse, row.faces, row.coordinates) for row in rows] == [(None, 0, 0)]


def test_files_that_take_no_faces_are_timed_without_end_to_end() -> None:
    rows = harness.measure(cases_of([FIXTURES / "classifier.tflite"]), labeled(), ONE, "test").rows
    assert [(row.mode, row.rmse) for row in rows] == [("invoke", None)]


def test_files_that_do_not_run_are_listed_and_the_rest_is_measured(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(FLOAT.read_bytes()[:3000])
    measured = harness.measure(cases_of([broken, INT8], modes=("invoke",)), labeled(), ONE, "test")
    assert [row.file for row in measured.rows] == [INT8.name]
    assert [failure.case.split(",")[0] for failure in measured.failed] == ["broken.tflite"]
    with pytest.raises(EdgefkpError, match=r"broken\.tflite"):
        harness.measure(cases_of([broken]), labeled(), BRIEF, "test")


def test_a_run_that_was_cut_off_goes_on_and_counts_nothing_twice(tmp_path: Path) -> None:
    cases = cases_of([FLOAT, INT8], modes=("invoke",))
    partial = tmp_path / "partial"

    class Cut(Exception):
        pass

    def cut(done: int, total: int, label: str) -> None:
        if done == 3:
            raise Cut

    with pytest.raises(Cut):
        harness.measure(cases, labeled(), BRIEF, "test", partial=partial, progress=cut)
    kept = {path.name: path.read_bytes() for path in partial.glob("*.npz")}
    assert len(kept) == 3
    measured = harness.measure(cases, labeled(), BRIEF, "test", partial=partial)
    assert {name: (partial / name).read_bytes() for name in kept} == kept
    assert [len(row.processes) for row in measured.rows] == [2, 2]
    assert measured.notes == ["3 of 4 processes were measured before a break, and counted once"]


def test_an_unwritable_folder_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgefkpError, match=r"cannot write .*lock: Not a directory"):
        harness.measure(
            cases_of([INT8]),
            labeled(),
            BRIEF,
            "test",
            partial=tmp_path / "file" / "results" / "partial",
            progress=lambda *step: pytest.fail("it went on"),
        )


def test_a_killed_worker_is_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(harness, "work", killed_once.work)
    monkeypatch.setenv("KILLED_ONCE", str(tmp_path / "killed"))
    measured = harness.measure(cases_of([INT8], modes=("invoke",)), labeled(), BRIEF, "test")
    assert [len(row.processes) for row in measured.rows] == [2]
    assert len(measured.notes) == 1
    assert "SIGKILL; run again" in measured.notes[0]


def test_the_partial_folder_is_that_of_exactly_this_work(tmp_path: Path) -> None:
    cases, shown = cases_of([INT8]), labeled()
    folder = partial_folder(tmp_path, cases, shown, BRIEF)
    assert folder == partial_folder(tmp_path, cases, shown, BRIEF)
    assert folder != partial_folder(tmp_path, cases, labeled(19), BRIEF)
    assert folder != partial_folder(tmp_path, cases[:1], shown, BRIEF)
    assert folder != partial_folder(tmp_path, cases, shown, TimingSettings())


def test_the_partial_folder_is_the_same_in_every_process() -> None:
    """Python orders sets of strings anew in each process; what a killed run kept must be found all the same."""
    code = (
        "from pathlib import Path; from edgefkp.bench.plan import cases_of;"
        "from edgefkp.bench.store import partial_folder; from tests.bench_parts import *;"
        "print(partial_folder(Path('x'), cases_of([FLOAT, INT8]), labeled(), BRIEF))"
    )
    found = set()
    for seed in "012":
        command, environment = [sys.executable, "-c", code], {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
        found.add(done.stdout)
    assert len(found) == 1


@pytest.mark.slow
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
    cases = cases_of([INT8], modes=("invoke",))

    def again(plan: object, seconds: float) -> None:
        with pytest.raises(EdgefkpError, match="is running already"):
            harness.measure(cases, labeled(), ONE, "second", partial=tmp_path)

    assert len(harness.measure(cases, labeled(), ONE, "first", partial=tmp_path, announce=again).rows) == 1


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
    timed_images.save(labeled(), tmp_path / "images.npz")
    job = {"file": str(INT8), "runtime": "", "mode": "invoke", "images": str(tmp_path / "images.npz"), "seconds": 0.01}
    log, listed = tmp_path / "log", {"PYTHONPROFILEIMPORTTIME": "1"}
    found = isolate.call(worker.work, {**job, "spec": ModelSpec()}, log=log, environment=listed)
    assert found["metadata"]["clocks"]["imported"] > 0
    # The line of a module comes when its import has ended; a module that it imports is indented below it.
    lines = [line.split("|")[-1] for line in log.read_text().splitlines() if line.startswith("import time:")]
    imported = {line.strip().split(".")[0] for line in lines}
    assert "numpy" in imported
    assert not imported & {"cv2", "tensorflow", "keras", "click", "tabulate"}
    before = lines[lines.index(" site") + 1 : lines.index(" numpy")]
    assert {line for line in before if not line.startswith("  ")} <= {" typing", " importlib.util", " edgefkp._version"}


def test_without_opencv_end_to_end_is_a_failure_and_the_network_alone_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1 is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    measured = harness.measure(cases_of([FLOAT, INT8]), labeled(), ONE, "test")
    assert [(row.file, row.mode) for row in measured.rows] == [(FLOAT.name, "invoke"), (INT8.name, "invoke")]
    (failure,) = measured.failed
    assert failure.case == "e2e"
    assert failure.message.endswith("needs OpenCV, which crops the face out of the frame: libGL.so.1 is missing")
    assert "pip install 'opencv-python>=4.8,<6'; or measure the network alone: --mode invoke" in failure.hint
    with pytest.raises(EnvironmentProblem, match="needs OpenCV"):
        harness.measure(cases_of([INT8], modes=("e2e",)), labeled(), BRIEF, "test")


@pytest.mark.parametrize(("words", "code", "word"), [([], 0, "left out: "), (["--mode", "e2e"], 4, "error: ")])
def test_the_command_leaves_end_to_end_out_without_opencv_unless_it_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    word: str,
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1 is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    brief = ["--processes", "1", "--seconds", "0.02", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as stopped:
        main(["bench", str(FLOAT), *brief, *words])
    assert stopped.value.code == code
    assert f"{word}mode e2e needs OpenCV" in capsys.readouterr().err


def test_a_network_of_another_size_colors_and_points_is_timed_on_the_same_faces(tmp_path: Path) -> None:
    """The classifier has ten outputs for 32x32 rgb: with a card it is a network of five points."""
    names = [f"p{number}" for number in range(5)]
    five = PointLayout("five-of-test", tuple(names), ((0.5, 0.5),) * 5, (("p0",), ("p1",)), tuple(range(5)))
    path = Path(shutil.copy(FIXTURES / "classifier.tflite", tmp_path / "a.float32.tflite"))
    write_card(path, Card(TFLITE, "a", layout=five, input=InputSpec(32, "rgb"), scheme="float32"))
    measured = harness.measure(cases_of([path, INT8]), labeled(), ONE, "test")
    rows = {(row.file, row.mode): row for row in measured.rows}
    assert len(rows) == 4
    assert rows[path.name, "e2e"].stages["crop"] > 0
    assert [rows[path.name, mode].rmse for mode in ("invoke", "e2e")] == [None, None]
    assert rows[INT8.name, "invoke"].rmse is not None
    assert measured.data["hash"] == labeled().hash


def test_both_modes_give_nearly_the_same_points(measured: result.Result) -> None:
    """Frames show the faces enlarged, and the crop makes them small again."""
    for file in (FLOAT, INT8):
        invoke, end_to_end = (next(r for r in measured.rows if (r.file, r.mode) == (file.name, m)) for m in MODES)
        assert (invoke.crop, end_to_end.crop) == ("", "cv2")
        assert invoke.rmse == pytest.approx(end_to_end.rmse, abs=0.5)


def test_a_file_without_outputs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "silent.tflite"
    path.write_bytes(without_outputs())
    with pytest.raises(EdgefkpError, match="has no outputs"):
        harness.measure(cases_of([path]), labeled(), BRIEF, "x")


@pytest.mark.parametrize("words", [["--threads", "100000"], ["--processes", "1000000000"], ["--seconds", "1e9"]])
@pytest.mark.parametrize("command", ["bench", "bundle"])
def test_numbers_that_take_the_machine_down_are_usage_errors(
    command: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, str(INT8), *words])
    assert caught.value.code == 2
    assert "is not in the range" in capsys.readouterr().err


def test_unfinished_files_of_a_killed_run_are_not_measured(tmp_path: Path) -> None:
    shutil.copy(INT8, tmp_path / "one.int8.tflite")
    (tmp_path / ".one.int8-abc.tflite").write_bytes(b"")
    assert [path.name for path in tflite_files((tmp_path,))] == ["one.int8.tflite"]
