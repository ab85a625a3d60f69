"""Against a real OpenSSH server on loopback, with keys, config and known hosts of its own."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgefkp.bench import harness, table
from edgefkp.bench.devices import ssh
from edgefkp.bench.devices.ssh import Board
from edgefkp.bench.plan import cells_of
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from tests.bench_parts import BRIEF, FLOAT, INT8, labelled

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
CELLS = cells_of([INT8], modes=("invoke",))
ARM64 = os.environ.get("EDGEFKP_ARM64", "")  # the python that an aarch64 userland gives


def quiet(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    if not SSHD or not shutil.which("ssh-keygen"):
        pytest.skip("no OpenSSH server here: apt-get install openssh-server")
    folder = tmp_path_factory.mktemp("sshd")
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": str(port),
        "HostKey": str(folder / "host"),
        "AuthorizedKeysFile": str(folder / "authorized"),
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PidFile": "none",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    client = f"IdentityFile {folder}/user\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known\n"
    (folder / "ssh_config").write_text(client + "StrictHostKeyChecking accept-new\nLogLevel ERROR\nBatchMode yes\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    daemon = subprocess.Popen([SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")])
    previous = os.environ.get("EDGEFKP_SSH")
    os.environ["EDGEFKP_SSH"] = f"ssh -F {shlex.quote(str(folder / 'ssh_config'))}"
    try:
        for _ in range(50):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        yield Board(f"{user}@127.0.0.1", port, python=sys.executable)
    finally:
        daemon.terminate()
        daemon.wait()
        os.environ.pop("EDGEFKP_SSH")
        if previous is not None:
            os.environ["EDGEFKP_SSH"] = previous


def left_behind() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("edgefkp-??????")}


@pytest.mark.parametrize(
    ("device", "target", "port"),
    [
        ("ssh://pi@board", "pi@board", None),
        ("ssh://board:2222", "board", 2222),
        ("ssh://pi@192.168.1.7:22/", "pi@192.168.1.7", 22),
        ("ssh://pi@[fe80::1]:22", "pi@[fe80::1]", 22),
    ],
)
def test_devices_are_read(device: str, target: str, port: int | None) -> None:
    board = ssh.board_of(device)
    assert (board.target, board.port) == (target.replace("[", "").replace("]", ""), port)


@pytest.mark.parametrize(
    "device", ["gpu", "ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://a;reboot", "ssh://a:99x"]
)
def test_what_is_no_device_is_a_usage_error(device: str) -> None:
    with pytest.raises(UsageError, match="unknown device"):
        ssh.board_of(device)


def test_a_board_is_measured_and_nothing_stays_on_it(server: Board) -> None:
    before = left_behind()
    told: list[str] = []
    cells = cells_of([FLOAT, INT8], modes=("invoke",))
    there = ssh.measure(server, cells, labelled(), BRIEF, "there", told.append)
    assert there.device == server.name
    assert [row.file for row in there.rows] == [FLOAT.name, INT8.name]
    assert all(row.golden is not None and row.golden < 0.01 and row.faces == 19 for row in there.rows)
    assert any("plan: 4 processes" in line for line in told)
    assert left_behind() == before
    here = harness.measure(cells, labelled(), BRIEF, "here")
    text = table.terminal([here, there])
    assert sum(line.startswith("cpu ") for line in text.splitlines()) == 2
    assert sum(line.startswith(server.target) for line in text.splitlines()) == 2


def test_keep_leaves_the_folder_and_says_where(server: Board) -> None:
    told: list[str] = []
    ssh.measure(replace(server, keep=True), CELLS, labelled(), BRIEF, "x", told.append)
    kept = Path(next(line for line in told if "kept: " in line).split("kept: ")[1])
    try:
        assert (kept / "result.json").is_file()
    finally:
        shutil.rmtree(kept)


def test_hostile_names_never_reach_a_shell(server: Board, tmp_path: Path) -> None:
    bait = tmp_path / "bait"
    hostile = tmp_path / f"$(touch {bait.name}) `touch {bait.name}`'; touch {bait.name} #\".tflite"
    hostile.write_bytes(INT8.read_bytes())
    measured = ssh.measure(server, cells_of([hostile], modes=("invoke",)), labelled(), BRIEF, "x", quiet)
    assert [row.file for row in measured.rows] == [hostile.name]
    with pytest.raises(EnvironmentProblem, match="has no x; touch"):
        ssh.measure(replace(server, python=f"x; touch {bait}"), CELLS, labelled(), BRIEF, "x", quiet)
    assert not list(tmp_path.glob("bait*"))
    assert not (Path.home() / bait.name).exists()


def test_no_server_is_an_environment_problem(server: Board) -> None:
    with pytest.raises(EnvironmentProblem, match="Connection refused"):
        ssh.measure(replace(server, port=1), CELLS, labelled(), BRIEF, "x", quiet)


def test_a_board_without_numpy_is_told_what_to_do(server: Board, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(EnvironmentProblem, match="numpy") as caught:
        ssh.measure(replace(server, python=str(bare)), CELLS, labelled(), BRIEF, "x", quiet)
    assert "doctor" in caught.value.hint


def test_the_boards_own_error_comes_back(server: Board, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(INT8.read_bytes()[:2000])
    before = left_behind()
    with pytest.raises(EdgefkpError, match=r"broken\.tflite"):
        ssh.measure(server, cells_of([broken]), labelled(), BRIEF, "x", quiet)
    assert left_behind() == before


def test_a_run_that_is_killed_there_is_told_from_no_connection(server: Board, tmp_path: Path) -> None:
    suicidal = tmp_path / "python"
    suicidal.write_text("#!/bin/sh\nkill -9 $$\n")
    suicidal.chmod(0o755)
    with pytest.raises(EdgefkpError, match="ended by signal 9") as caught:
        ssh.measure(replace(server, python=str(suicidal)), CELLS, labelled(), BRIEF, "x", quiet)
    assert not isinstance(caught.value, EnvironmentProblem)


def test_a_connection_that_breaks_is_said_and_nothing_stays(server: Board) -> None:
    before = left_behind()
    long = replace(BRIEF, processes=50)

    def cut(text: str) -> None:
        if "1/50" in text:
            mine = subprocess.run(
                ["pgrep", "-P", str(os.getpid()), "-f", "^ssh "], capture_output=True, text=True, check=True
            )
            os.kill(int(mine.stdout.split()[0]), signal.SIGKILL)

    with pytest.raises(EnvironmentProblem, match=r"the connection broke at: \d+/50 tiny"):
        ssh.measure(server, CELLS, labelled(), long, "x", cut)
    deadline = time.monotonic() + 60
    while left_behind() != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind() == before


def test_the_doctor_looks_at_the_board(server: Board) -> None:
    facts = ssh.examine(server)
    checks = {check["name"]: check["ok"] for check in facts["checks"]}
    assert checks["python"] and checks["numpy"]  # noqa: PT018
    assert facts["python"] == list(sys.version_info[:2])


@pytest.mark.slow
@pytest.mark.skipif(not ARM64, reason="EDGEFKP_ARM64 does not name the python of an aarch64 userland")
def test_an_aarch64_board_computes_the_same_points(server: Board, tmp_path: Path) -> None:
    """qemu's default processor gets XNNPACK's int8 matrix kernels wrong; a named real one does not."""
    emulated = tmp_path / "python"
    emulated.write_text(f'#!/bin/sh\nQEMU_CPU=cortex-a76 exec {ARM64} "$@"\n')
    emulated.chmod(0o755)
    brief = replace(BRIEF, processes=1)
    cells = cells_of([FLOAT, INT8], modes=("invoke",))
    measured = ssh.measure(replace(server, python=str(emulated)), cells, labelled(), brief, "x", quiet)
    assert measured.machine["architecture"] == "aarch64"
    assert all(row.golden is not None and row.golden < 0.4 for row in measured.rows)
