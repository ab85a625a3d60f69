"""What a board sends is data: it can neither draw on the terminal nor end in a traceback."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from edgefkp.bench import result
from edgefkp.bench.devices import Listener, Work
from edgefkp.bench.devices.ssh import SshDevice
from edgefkp.bench.plan import cases_of
from edgefkp.bench.result import Result
from edgefkp.cli import main
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text
from tests.bench_parts import BRIEF, INT8, labeled

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\rall is well"


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes `ssh` print these bytes instead of connecting."""

    def answers(out: bytes, err: bytes = b"") -> SshDevice:
        (tmp_path / "out").write_bytes(out)
        (tmp_path / "err").write_bytes(err)
        code = (
            "import sys; sys.stdin.buffer.read(); folder = sys.argv[1]; "
            "sys.stderr.buffer.write(open(folder + '/err', 'rb').read()); "
            "sys.stdout.buffer.write(open(folder + '/out', 'rb').read())"
        )
        monkeypatch.setenv("EDGEFKP_SSH", shlex.join([sys.executable, "-c", code, str(tmp_path)]))
        return SshDevice("board")

    return answers


def measure(device: SshDevice, told: list[str]) -> Result:
    cases = cases_of([INT8], modes=("invoke",))
    return device.measure(Work(cases, labeled(), BRIEF, "there", Path("unused")), Listener(log=told.append))


def ended(body: str, status: str = "0") -> bytes:
    return f"{body}\n\nedgefkp-status {status}\n".encode(errors="surrogatepass")


def test_its_text_is_escaped_on_the_terminal_and_in_the_result(board: Any, measured: Result) -> None:
    content = json.loads(json_text(measured))
    content["notes"] = [EVIL]
    content["machine"][EVIL] = EVIL
    content["rows"][0]["file"] = f"{EVIL}.tflite"
    told: list[str] = []
    found = measure(board(ended(json.dumps(content)), f"{EVIL}\n".encode()), told)
    shown = [*told, *found.notes, *map(str, found.machine.values()), *found.machine, found.rows[0].file]
    assert all(text.isprintable() for text in shown)
    assert found.notes == [r"\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\rall is well"]
    assert found.notes[0] in told[0]


def test_its_errors_are_escaped(board: Any) -> None:
    with pytest.raises(EdgefkpError) as caught:
        measure(board(ended("", "1"), f"error: {EVIL}\nhint:  {EVIL}\n".encode()), [])
    assert caught.value.message.isprintable()
    assert caught.value.hint.isprintable()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (ended("", "many"), "the connection broke"),
        (ended("", "99999"), "the connection broke"),
        (ended("[" * 100_000), "sent no result"),
        (ended("{"), "sent no result"),
        (ended("[]"), "has schema None"),
        (b"\xff\xfe\n\nedgefkp-status 0", "sent no result"),
    ],
)
def test_an_answer_that_is_none_is_an_error(board: Any, out: bytes, message: str) -> None:
    with pytest.raises(EdgefkpError, match=message):
        measure(board(out), [])


def test_a_result_without_rows_is_not_stored(board: Any, measured: Result, tmp_path: Path) -> None:
    content = {**json.loads(json_text(measured)), "rows": []}
    board(ended(json.dumps(content)))
    with pytest.raises(SystemExit) as caught:
        main(["bench", str(INT8), "--device", "ssh://board", "--quick", "--out", str(tmp_path / "results")])
    assert caught.value.code == 1
    assert not list(tmp_path.glob("results/*.json"))


@pytest.mark.parametrize(
    "report",
    ["[]", "{}", '{"machine": 3}', '{"machine": "x", "python": [3], "checks": []}', '{"checks": [{"name": "x"}]}'],
)
def test_a_report_of_another_form_is_an_error(board: Any, report: str, capsys: pytest.CaptureFixture[str]) -> None:
    board(ended(report))
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--device", "ssh://board"])
    assert caught.value.code == 1
    assert "what ssh://board reports is not a whole report" in capsys.readouterr().err


def test_a_report_is_escaped(board: Any, capsys: pytest.CaptureFixture[str]) -> None:
    check = {"name": EVIL, "ok": False, "found": EVIL, "fix": EVIL}
    board(ended(json.dumps({"machine": "x", "python": [3, 11], "checks": [check]})))
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--device", "ssh://board"])
    assert caught.value.code == 4
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "\u202e" not in printed.out + printed.err


def test_the_sizes_of_what_is_sent_are_limited(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgefkp.bench.devices import ssh

    monkeypatch.setattr(ssh, "_ANSWER", 1000)
    told: list[str] = []
    with pytest.raises(EdgefkpError):
        measure(board(b"x" * 100_000, b"y" * 100_000), told)
    assert max(len(line) for line in told) < 11_000


def test_a_stored_result_of_somebody_else_is_escaped_when_shown(
    measured: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(json_text(measured))
    content["notes"], content["name"] = [EVIL], EVIL
    (tmp_path / "r.json").write_text(json.dumps(content))
    assert result.read(tmp_path / "r.json").name.isprintable()
    with pytest.raises(SystemExit):
        main(["bench", "show", str(tmp_path / "r.json")])
    assert "\x1b" not in capsys.readouterr().out
