"""Measure on a board through the system's own ssh, with the user's keys, config and known hosts.

One connection: the bundle goes in as a tar on stdin, the result comes out on stdout, progress on stderr. The board's
own Python measures in a temporary folder, which is removed at the end. Nothing that comes from outside passes through
a shell unquoted. ssh gives 255 both for no connection and for a remote death, so the board reports its own status.
"""

import collections
import json
import os
import re
import shlex
import subprocess
import tarfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgefkp.bench.device import Device
from edgefkp.bench.devices import DEVICES, DeviceOptions, Listener, Work, unknown_device
from edgefkp.errors import ENVIRONMENT, EdgefkpError, EnvironmentProblem, UsageError, printable
from edgefkp.runtime.scratch import scratch_folder

if TYPE_CHECKING:
    from edgefkp.bench.doctor import Report
    from edgefkp.bench.result import Result

_DEVICE = re.compile(
    r"ssh://(?P<user>[\w.][\w.-]*@)?(?:\[(?P<ipv6>[\da-fA-F:]+)\]|(?P<host>[\w.][\w.-]*))(?::(?P<port>\d{1,5}))?/?"
)
Log = Callable[[str], None]
STATUS = "edgefkp-status"
_LAST_LINE = re.compile(rf"{STATUS} (\d{{1,3}})")
# What is taken from a board at most, whatever it sends.
_LINE = 10_000  # bytes of a line for people
_LINES = 10_000
_ANSWER = 1 << 30  # bytes of the result
_PROGRESS = re.compile(r"plan: |\d+/\d+ ")  # what run_bundle prints while all is well

# $1 python, $2 "keep" or "", $3 packages to install in a venv of the folder or "", then the module and its words.
SCRIPT = f"""
python=$1 keep=$2 packages=$3; shift 3
folder=$(mktemp -d "${{TMPDIR:-/tmp}}/edgefkp-XXXXXX") || exit 1
[ -n "$keep" ] || trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP INT TERM PIPE
cd "$folder" && tar -xf - || exit 1
if [ -n "$packages" ]; then
    "$python" -m venv venv >&2 &&
    venv/bin/python -m pip install --quiet --disable-pip-version-check $packages >&2 || exit 1
    python=$folder/venv/bin/python
fi
PYTHONPATH=$folder${{PYTHONPATH:+:$PYTHONPATH}} EDGEFKP_PYTHON=$python "$python" -m "$@" </dev/null
status=$?
[ ! -f result.json ] || cat result.json
[ -z "$keep" ] || echo "kept: $folder" >&2
echo; echo {STATUS} $status
"""


@dataclass(frozen=True)
class SshDevice:
    """A machine that ssh reaches."""

    target: str  # [user@]host
    port: int | None = None
    python: str = "python3"  # its interpreter
    install: bool = False  # put a runtime into a venv in the bundle's folder
    keep: bool = False  # leave the folder there
    is_here: bool = False

    @property
    def name(self) -> str:
        return f"ssh://{self.target}{f':{self.port}' if self.port else ''}"

    @property
    def device(self) -> Device:
        return Device(self.name)

    def measure(self, work: Work, listener: Listener) -> "Result":
        """Raises EnvironmentProblem if the board cannot be reached or lacks something, EdgefkpError with its error."""
        from edgefkp.bench import bundle, result

        packages = _packages(self) if self.install else []
        with scratch_folder() as folder:
            made = bundle.make(folder, work.cases, work.images, work.settings)
            words = ["edgefkp.bench.run_bundle", ".", "result.json", "--trust"]  # it is this user's own
            content = _run(self, made, words, packages, listener.log)
        return replace(result.parse(content, self.name), name=work.name, device=self.device)

    def examine(self) -> "Report":
        from edgefkp.bench import doctor, payload, result
        from edgefkp.records import read_record

        with scratch_folder() as folder:
            found = _run(self, payload.copy_into(folder), ["edgefkp.bench.doctor"], [], lambda text: None)
        return read_record(doctor.Report, result.printable_json(found), f"what {self.name} reports", "try again")


class Ssh:
    name = "ssh"
    form = "ssh://user@board[:port]"
    help = "another machine, through ssh"

    def matches(self, spec: str) -> bool:
        return spec.startswith("ssh://")

    def open(self, spec: str, options: DeviceOptions) -> SshDevice:
        """From ssh://[user@]host[:port]. Raises UsageError for anything else."""
        match = _DEVICE.fullmatch(spec)
        if not match:
            raise unknown_device(spec)
        target = (match["user"] or "") + (match["ipv6"] or match["host"])
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 1 <= port <= 65535:
            raise UsageError(f"{spec} has port {port}; 1 to 65535 can be", "for example: ssh://user@board:22")
        return SshDevice(target, port, options.python, options.install, options.keep)


DEVICES.add(Ssh())


def _packages(board: SshDevice) -> list[str]:
    report = board.examine()
    from edgefkp.runtime import interpreters

    machine, python = report.machine, report.python
    packages = interpreters.requirements(machine, python)
    if not packages:
        raise EnvironmentProblem(
            f"{board.name}: no runtime has a wheel for {machine} and Python {python[0]}.{python[1]}",
            "use Python 3.11 (Raspberry Pi OS Bookworm) or a 64-bit system; --remote-python names another Python",
        )
    return packages


def ssh_command(board: SshDevice) -> list[str]:
    """$EDGEFKP_SSH replaces `ssh`, as words: EDGEFKP_SSH='ssh -F other_config'."""
    given = os.environ.get("EDGEFKP_SSH", "ssh")
    try:
        ssh = shlex.split(given)
    except ValueError as error:
        raise UsageError(
            f"cannot read EDGEFKP_SSH={given}: {error}", "unset it, or give words as a shell has"
        ) from None
    if not ssh:
        raise UsageError("EDGEFKP_SSH is set and names no command", "unset it, or give words as a shell has")
    port = ["-p", str(board.port)] if board.port else []
    return [*ssh, "-T", "-o", "ServerAliveInterval=15", *port, "--", board.target]


def _run(board: SshDevice, folder: Path, words: list[str], packages: list[str], log: Log) -> Any:
    """Send `folder`, run `words` as a Python module there: the JSON that it leaves or prints."""
    # The remote login shell may be any; it only has to start sh with quoted words.
    arguments = [board.python, "keep" if board.keep else "", " ".join(packages), *words]
    remote = " ".join(["exec", "sh", "-c", *(shlex.quote(word) for word in (SCRIPT, "edgefkp", *arguments))])
    try:
        child = subprocess.Popen(
            [*ssh_command(board), remote], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise EnvironmentProblem(f"cannot start ssh: {error.strerror}", "sudo apt install openssh-client") from error
    printed: collections.deque[str] = collections.deque(maxlen=_LINES)
    out: list[bytes] = []
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    readers = [
        threading.Thread(target=_forward, args=(child.stderr, printed, lambda text: log(f"{board.name}: {text}"))),
        threading.Thread(target=_collect, args=(child.stdout, out)),
    ]
    try:
        for reader in readers:
            reader.start()
        _send(folder, child.stdin)
        child.wait()
        for reader in readers:
            reader.join()
    finally:
        child.kill()
        child.wait()
    return _answer_of(board, b"".join(out).decode(errors="replace"), printed)


def _send(folder: Path, stream: IO[bytes]) -> None:
    try:
        with tarfile.open(fileobj=stream, mode="w|") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
        stream.close()
    except (BrokenPipeError, ConnectionError):
        pass  # the other end reports why


def _forward(stream: IO[bytes], printed: collections.deque[str], log: Log) -> None:
    while line := stream.readline(_LINE):
        text = printable(line.decode(errors="replace").rstrip())
        printed.append(text)
        if not text.startswith(("error: ", "hint:  ")):  # become this command's own
            log(text)


def _collect(stream: IO[bytes], out: list[bytes]) -> None:
    out.append(stream.read(_ANSWER))
    stream.close()  # a board that sends more fails at it


def _answer_of(board: SshDevice, out: str, printed: Sequence[str]) -> Any:
    body, _, status = out.rstrip().rpartition("\n")
    ended = _LAST_LINE.fullmatch(status)
    if not ended:
        reason = next((line for line in reversed(printed) if line.strip() and not _PROGRESS.match(line)), "")
        reason = reason or f"the connection broke{f' at: {printed[-1]}' if printed else ''}"
        raise EnvironmentProblem(f"{board.name}: {reason}", f"try: {' '.join([*ssh_command(board), 'true'])}")
    code = int(ended[1])
    if code == 127 or any(f"{board.python}: not found" in line for line in printed):
        raise EnvironmentProblem(f"{board.name} has no {board.python}", "name the board's Python with --remote-python")
    if code:
        raise _remote_error(board, code, printed)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EdgefkpError(f"{board.name} sent no result: {error}", "measure again") from error


def _remote_error(board: SshDevice, code: int, printed: Sequence[str]) -> EdgefkpError:
    message = next((line[7:] for line in printed if line.startswith("error: ")), "")
    hint = next((line[7:] for line in printed if line.startswith("hint:  ")), "")
    if code > 128 and not message:
        return EdgefkpError(f"{board.name}: the run was ended by signal {code - 128}", "measure again")
    last = next((line for line in reversed(printed) if line.strip()), f"status {code}")
    if code == ENVIRONMENT or "No module named" in last:
        more = f"edgefkp doctor --device {board.name}, or let --install put a runtime into a temporary venv"
        return EnvironmentProblem(f"{board.name}: {message or last}", more)
    return EdgefkpError(f"{board.name}: {message or last}", hint)
