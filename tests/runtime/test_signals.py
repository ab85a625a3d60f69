"""What asks a process to end is held to where the block asks for it, a second one is not; all of it unwinds."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgefkp.runtime import signals

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    monkeypatch.setattr(signals, "_received", 0)
    before = {number: signal.getsignal(number) for number in signals.ALL}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in signals.ENDING:
        signal.signal(number, signals.stop)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def block(steps: str, done: list[str], number: int) -> None:
    """Steps by letter: c checks, i interrupts, e fails; what was got over is added to `done`."""
    with signals.deferred() as raise_held:
        for step in steps:
            if step == "e":
                raise ValueError("mine")
            if step == "i":
                signal.raise_signal(number)
            else:
                raise_held()
            done.append(step)


@pytest.mark.parametrize("number", signals.ALL, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("steps", "got_over"),
    [
        pytest.param("cicc", "ci", id="the first waits for the check"),
        pytest.param("ci", "ci", id="one that met no check comes at the end"),
        pytest.param("iic", "i", id="the second comes at once"),
    ],
)
def test_when_it_comes(steps, got_over, number):
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt) as caught:
        block(steps, done, number)
    assert "".join(done) == got_over
    assert isinstance(caught.value, signals.Stopped) == (number != signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_one_the_block_runs_through():
    done: list[str] = []
    block("ccc", done, signal.SIGINT)
    assert "".join(done) == "ccc"


def test_an_error_of_the_block_is_what_is_raised():
    with pytest.raises(ValueError, match="mine"):
        block("ie", [], signal.SIGINT)


def test_elsewhere_nothing_is_held():
    def body() -> None:
        with signals.deferred() as raise_held:
            raise_held()
            seen.append(signal.getsignal(signal.SIGINT))

    seen: list[object] = []
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_what_the_process_was_started_to_ignore_it_ignores():
    program = (
        "import signal; from edgefkp.runtime import signals; signals.unwind_on_signals();"
        "signal.raise_signal(signal.SIGHUP); print(signals.received())"
    )
    command = ["nohup", sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.stdout.split() == ["0"]


TWICE = """
import os, signal
from edgefkp.runtime import signals
signals.unwind_on_signals()
from edgefkp import cli

def interrupted(context):
    os.kill(os.getpid(), signal.SIGINT)

def again(line):
    os.write(2, line.encode())
    os.kill(os.getpid(), signal.SIGINT)

cli.cli.invoke, cli._print = interrupted, again
cli.main(["models"])
"""


def test_a_second_ctrl_c_while_the_command_ends_prints_no_traceback():
    done = subprocess.run([sys.executable, "-c", TWICE], stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "\nstopped")
