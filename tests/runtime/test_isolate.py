"""Functions in processes of their own: what comes back, what ends them, and what they never import."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgefkp import errors
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import isolate
from tests.runtime import isolated

ROOT = Path(__file__).parents[2]


def test_values_and_arrays_go_there_and_back() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    value = {"number": 1 / 3, "nothing": None, "words": ["a", "ü"], "scalar": np.float64(1.5), "path": Path("a/b")}
    answer = isolate.call(isolated.doubled, value, array)
    assert answer["value"] == {**value, "path": "a/b"}
    np.testing.assert_array_equal(answer["array"], array * 2)
    assert answer["array"].dtype == np.float32
    assert answer["process"] != os.getpid()
    assert isolate.call("tests.runtime.isolated.doubled", 1)["value"] == 1


@pytest.mark.parametrize("how", ["-c", "PYTHONPATH"])
def test_nothing_of_the_current_folder_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    for foreign in ("resource", "json", "edgefkp", "typing", "tempfile"):
        (tmp_path / f"{foreign}.py").write_text("raise SystemExit('a foreign module ran')")
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy/__init__.py").write_text("raise SystemExit('a foreign module ran')")
    monkeypatch.chdir(tmp_path)
    if how == "PYTHONPATH":
        link = tmp_path.with_name("link")
        link.symlink_to(tmp_path)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", ".", str(tmp_path), str(link))))
    found = isolate.call(isolated.import_path)
    assert "" not in found
    assert not any(os.path.realpath(place).startswith(str(tmp_path)) for place in found)


def test_a_package_in_the_current_folder_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert str(ROOT) not in isolate.call(isolated.import_path)


@pytest.mark.parametrize("kind", ["EdgefkpError", "UsageError", "GateError", "EnvironmentProblem"])
def test_an_error_comes_back_as_what_it_was(kind: str) -> None:
    with pytest.raises(EdgefkpError) as caught:
        isolate.call(isolated.raise_error, kind)
    assert type(caught.value) is getattr(errors, kind)
    assert (caught.value.message, caught.value.hint) == ("what was found", "what to type")
    assert caught.value.exit_code == getattr(errors, kind).exit_code


def test_another_exception_is_named_in_one_line() -> None:
    with pytest.raises(isolate.ChildDied, match="counting failed: ValueError: two lines") as caught:
        isolate.call(isolated.raise_other, label="counting")
    assert caught.value.last_line == "ValueError: two lines"


def test_death_by_a_signal_is_named() -> None:
    with pytest.raises(isolate.ChildDied, match="was ended by SIGSEGV") as caught:
        isolate.call(isolated.crash)
    assert caught.value.signal == "SIGSEGV"


def test_a_child_that_hangs_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(isolate.ChildDied, match="no result within 1 s") as caught:
        isolate.call(isolated.sleep, seconds=1)
    assert caught.value.timed_out
    assert time.monotonic() - started < 30


def test_memory_is_limited() -> None:
    assert isolate.call(isolated.take_memory, 1000, memory=4 << 30) == 1000
    with pytest.raises(isolate.ChildDied, match="needs more memory than 2048 MiB"):
        isolate.call(isolated.take_memory, 3 << 30, memory=2 << 30)


def test_progress_arrives_and_prints_do_not_mix_with_it(tmp_path: Path) -> None:
    seen: list[int] = []
    log = tmp_path / "log"
    assert isolate.call(isolated.count_loudly, 3, progress=seen.append, log=log) == ""
    assert seen == [0, 1, 2]
    printed = log.read_text().splitlines()
    assert printed[:2] == ["an import prints", "native code prints at once"]
    assert printed[2:] == ['{"result": "not this"}', "native code prints later"] * 3


def test_an_interpreter_that_is_not_there() -> None:
    with pytest.raises(EdgefkpError, match="cannot start /nowhere/python: No such file"):
        isolate.call(isolated.doubled, 1, python="/nowhere/python")


def test_another_package_is_used_instead_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgefkp.bench import payload

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    payload.copy_into(tmp_path)
    (tmp_path / "edgefkp/marked.py").write_text("def place():\n    return __file__\n")
    place = isolate.call("edgefkp.marked.place", python=sys.executable, package=tmp_path)
    assert place == str(tmp_path / "edgefkp/marked.py")


def test_nothing_is_left_of_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    isolate.call(isolated.doubled, np.zeros(3))
    with pytest.raises(EdgefkpError):
        isolate.call(isolated.crash)
    assert not list(tmp_path.iterdir())


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("way", ["kernel", "pipe"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_a_child_ends_with_its_parent(tmp_path: Path, number: signal.Signals, way: str) -> None:
    started, environment = tmp_path / "started", dict(os.environ)
    if way == "pipe":  # a shell stands between the two, and the kernel ends the child with the shell only
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\n{sys.executable} "$@"\n')
        python.chmod(0o755)
        environment["EDGEFKP_PYTHON"] = str(python)
    code = "import sys; from tests.runtime import isolated; isolated.nested(sys.argv[1])"
    command = [sys.executable, "-c", code, str(started)]
    parent = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=environment)
    until(lambda: started.exists() and started.read_text())
    child = int(started.read_text())
    assert lives(child)
    parent.send_signal(number)
    parent.wait(30)
    until(lambda: not lives(child))


def test_a_child_that_reports_nothing_is_ended() -> None:
    with pytest.raises(isolate.ChildDied, match="silent for 1 s") as caught:
        isolate.call(isolated.sleep, silence=1, label="sleep")
    assert caught.value.timed_out
    assert isolate.call(isolated.report_slowly, 8, silence=5) == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_child_that_has_much_to_report_is_not_waited_for_without_an_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Its pipe is full, and its parent is asked to end: what it still sends is read, so that it can unwind."""
    started, saved = tmp_path / "started", tmp_path / "saved"
    code = """
import sys, time
from edgefkp.runtime import isolate, signals
from tests.runtime import isolated
signals.unwind_on_signals()
def slow(value):
    time.sleep(0.01)
isolate.call(isolated.report_without_end, *sys.argv[1:], progress=slow, grace=60)
"""
    command = [sys.executable, "-c", code, str(started), str(saved)]
    parent = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    until(started.exists)
    time.sleep(0.5)
    # Ctrl-C reaches both, as in a terminal; SIGTERM only the one it is sent to.
    os.killpg(parent.pid, number) if number == signal.SIGINT else parent.send_signal(number)
    parent.wait(50)
    assert saved.read_text() == "on the way out"
