"""The program names what ends it, hands on signals, and never leaves its working process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEGIN = "import os, signal, sys, time\nfrom edgefkp.runtime import supervisor\nsupervisor.divide()\n"


def start(code: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", BEGIN + code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("name", "why"), [("SIGSEGV", "a library that it uses crashed"), ("SIGKILL", "perhaps for want of memory")]
)
def test_the_death_of_the_process_is_two_lines(name: str, why: str) -> None:
    process = start(f"os.kill(os.getpid(), signal.{name})")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.strip().splitlines()[0] == f"error: the process of edgefkp was ended by {name}, {why}"
    assert error.strip().splitlines()[1].startswith("hint: ")


def test_a_ctrl_c_that_python_no_longer_handles_needs_no_words() -> None:
    process = start("signal.signal(signal.SIGINT, signal.SIG_DFL)\nos.kill(os.getpid(), signal.SIGINT)")
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130


def test_its_exit_code_and_its_words_are_those_of_the_program() -> None:
    process = start("print('shown'); sys.exit(3)")
    assert process.communicate(timeout=60) == ("shown\n", "")
    assert process.returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_handed_on(number: signal.Signals) -> None:
    code = f"signal.signal({int(number)}, lambda *_: sys.exit(7))\nprint('ready', flush=True)\ntime.sleep(600)"
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 7


def test_it_ends_with_the_one_that_waits() -> None:
    process = start("print(os.getpid(), flush=True)\ntime.sleep(600)")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=60)
    end = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


def test_where_no_process_can_be_made_it_goes_on_alone() -> None:
    code = BEGIN.replace(
        "supervisor.divide()", "os.fork = lambda: (_ for _ in ()).throw(OSError())\nsupervisor.divide()"
    )
    done = subprocess.run([sys.executable, "-c", f"{code}print(os.getppid())"], stdout=subprocess.PIPE, cwd=ROOT)
    assert int(done.stdout) == os.getpid()
