"""Against a real OpenSSH server on loopback, with keys, config and known hosts of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgefkp.bench import harness, result, table
from edgefkp.bench.devices import Listener, Work
from edgefkp.bench.devices.ssh import SshDevice
from edgefkp.bench.plan import Case, TimingSettings, cases_of
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from tests.bench_parts import BRIEF, FLOAT, INT8, ONE, labeled

CASES = cases_of([INT8], modes=("invoke",))
ARM64 = os.environ.get("EDGEFKP_ARM64", "")  # the python that an aarch64 userland gives


def measure(
    board: SshDevice,
    cases: list[Case] = CASES,
    settings: TimingSettings = BRIEF,
    log: Callable[[str], None] = lambda line: None,
) -> result.Result:
    work = Work(cases, labeled(), settings, "there", Path("unused"))
    return board.measure(work, Listener(log=log))


def left_behind() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("edgefkp-??????")}


def test_a_board_is_measured_and_nothing_stays_on_it(server: SshDevice) -> None:
    before = left_behind()
    told: list[str] = []
    cases = cases_of([FLOAT, INT8], modes=("invoke",))
    there = measure(server, cases, log=told.append)
    assert there.device.name == server.name
    assert [row.file for row in there.rows] == [FLOAT.name, INT8.name]
    assert all(
        row.reference_difference is not None and row.reference_difference < 0.01 and row.faces == 19
        for row in there.rows
    )
    assert any("plan: 4 processes" in line for line in told)
    assert left_behind() == before
    here = harness.measure(cases, labeled(), BRIEF, "here")
    text = table.table_of([here, there]).text(None)
    assert sum(line.startswith("cpu ") for line in text.splitlines()) == 2
    assert sum(line.startswith(server.target) for line in text.splitlines()) == 2


def test_keep_leaves_the_folder_and_says_where(server: SshDevice) -> None:
    told: list[str] = []
    measure(replace(server, keep=True), log=told.append)
    kept = Path(next(line for line in told if "kept: " in line).split("kept: ")[1])
    try:
        assert (kept / "result.json").is_file()
    finally:
        shutil.rmtree(kept)


def test_hostile_names_never_reach_a_shell(server: SshDevice, tmp_path: Path) -> None:
    bait = tmp_path / "bait"
    hostile = tmp_path / f"$(touch {bait.name}) `touch {bait.name}`'; touch {bait.name} #\".tflite"
    hostile.write_bytes(INT8.read_bytes())
    measured = measure(server, cases_of([hostile], modes=("invoke",)))
    assert [row.file for row in measured.rows] == [hostile.name]
    with pytest.raises(EnvironmentProblem, match="has no x; touch"):
        measure(replace(server, python=f"x; touch {bait}"))
    assert not list(tmp_path.glob("bait*"))
    assert not (Path.home() / bait.name).exists()


def test_no_server_is_an_environment_problem(server: SshDevice) -> None:
    with pytest.raises(EnvironmentProblem, match="Connection refused"):
        measure(replace(server, port=1))


def test_a_board_without_numpy_is_told_what_to_do(server: SshDevice, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(EnvironmentProblem, match="numpy") as caught:
        measure(replace(server, python=str(bare)))
    assert "doctor" in caught.value.hint


def test_the_boards_own_error_comes_back(server: SshDevice, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(INT8.read_bytes()[:2000])
    before = left_behind()
    with pytest.raises(EdgefkpError, match=r"broken\.tflite"):
        measure(server, cases_of([broken]))
    assert left_behind() == before


def test_a_run_that_is_killed_there_is_told_from_no_connection(server: SshDevice, tmp_path: Path) -> None:
    suicidal = tmp_path / "python"
    suicidal.write_text("#!/bin/sh\nkill -9 $$\n")
    suicidal.chmod(0o755)
    with pytest.raises(EdgefkpError, match="ended by signal 9") as caught:
        measure(replace(server, python=str(suicidal)))
    assert not isinstance(caught.value, EnvironmentProblem)


def test_a_connection_that_breaks_is_said_and_nothing_stays(server: SshDevice) -> None:
    before = left_behind()
    long = replace(BRIEF, processes=50)

    def cut(text: str) -> None:
        if "1/50" in text:
            mine = subprocess.run(
                ["pgrep", "-P", str(os.getpid()), "-f", "^ssh "], capture_output=True, text=True, check=True
            )
            os.kill(int(mine.stdout.split()[0]), signal.SIGKILL)

    with pytest.raises(EnvironmentProblem, match=r"the connection broke at: \d+/50 tiny"):
        measure(server, settings=long, log=cut)
    deadline = time.monotonic() + 60
    while left_behind() != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind() == before


def test_the_doctor_looks_at_the_board(server: SshDevice) -> None:
    report = server.examine()
    checks = {check.name: check.ok for check in report.checks}
    assert checks["python"] and checks["numpy"]  # noqa: PT018
    assert report.python == sys.version_info[:2]


@pytest.mark.slow
@pytest.mark.skipif(not ARM64, reason="EDGEFKP_ARM64 does not name the python of an aarch64 userland")
def test_an_aarch64_board_computes_the_same_points(server: SshDevice, tmp_path: Path) -> None:
    """qemu's default processor gets XNNPACK's int8 matrix kernels wrong; a named real one does not."""
    emulated = tmp_path / "python"
    emulated.write_text(f'#!/bin/sh\nQEMU_CPU=cortex-a76 exec {ARM64} "$@"\n')
    emulated.chmod(0o755)
    brief = ONE
    cases = cases_of([FLOAT, INT8], modes=("invoke",))
    measured = measure(replace(server, python=str(emulated)), cases, brief)
    assert measured.machine["architecture"] == "aarch64"
    assert all(row.reference_difference is not None and row.reference_difference < 0.4 for row in measured.rows)
