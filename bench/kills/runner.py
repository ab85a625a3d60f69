"""Type a command, kill it, type it again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench.kills.contents import contents, difference
from bench.kills.record import KillRow
from bench.kills.targets import NAMES, ROOT, START, Target
from edgefkp.errors import EdgefkpError

TOKEN = "EDGEFKP_KILLS"  # environment: whose descendant a process is
PATIENCE = 30.0  # seconds in which the children of a killed command have to end
TRIES = 3  # a killed command has to finish within so many


class Typed:
    """A command, typed in `folder`; killed or waited for."""

    def __init__(self, target: Target, folder: Path, again: bool = False) -> None:
        self.folder, self.token = folder, f"{folder}-{time.monotonic_ns()}"
        beside = folder.parent / f"{folder.name}-beside"  # what is no result: cache, temporary files
        (beside / "tmp").mkdir(parents=True, exist_ok=True)
        start = ("-c", START.format(images=target.cells)) if target.cells else ("-m", "edgefkp")
        environment = {
            **os.environ, TOKEN: self.token, "EDGEFKP_CACHE": str(beside / "cache"), "TMPDIR": str(beside / "tmp"),
            "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        with open(beside / "log.txt", "ab") as written:
            self.process = subprocess.Popen(
                [sys.executable, *start, *target.arguments, *(target.resume if again else ())],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )

    def wait(self, seconds: float) -> int | None:
        """The exit code; None if it has not ended by then."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> int:
        """SIGKILL; returns how many children lived on, and ends those, too."""
        self.process.kill()
        self.process.wait()
        end = time.monotonic() + PATIENCE
        while (left := self._descendants()) and time.monotonic() < end:
            time.sleep(0.02)
        for number in left:
            os.kill(number, signal.SIGKILL)
        return len(left)

    def _descendants(self) -> list[int]:
        mark, found = f"{TOKEN}={self.token}".encode(), []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    found.append(int(path.name))
            except OSError:  # it ended, or is another user's
                continue
        return found


def kill_often(target: Target, count: int, seed: int, scratch: Path) -> tuple[KillRow, list[str]]:
    """`count` kills, each of a command that begins anew."""
    random = np.random.default_rng([seed, NAMES.index(target.name)])
    began = time.monotonic()
    whole = _folder(target, scratch / "whole")
    if (code := Typed(target, whole).wait(600)) != 0:
        log_tail = (scratch / "whole-beside/log.txt").read_text()[-500:]
        raise EdgefkpError(f"{target.name} fails undisturbed ({code}): {log_tail}")
    took = time.monotonic() - began
    expected = contents(whole)
    found = dict.fromkeys(("kills", "same", "unfinished", "different", "litter", "orphans"), 0)
    problems: list[str] = []
    for number in range(10 * count):
        if found["kills"] == count:
            break
        folder = _folder(target, scratch / str(number))
        moment, began = float(random.uniform(0, took)), time.monotonic()
        typed = Typed(target, folder)
        if typed.wait(moment) is not None:  # it was faster this time, on a machine that is less busy
            took = time.monotonic() - began
            shutil.rmtree(folder)
            continue
        found["kills"] += 1
        found["orphans"] += typed.kill()
        codes: list[int | None] = []
        while len(codes) < TRIES and 0 not in codes:
            again = Typed(target, folder, again=True)
            codes.append(again.wait(600))
            again.kill()
        what = difference(contents(folder), expected)
        if 0 not in codes:
            what, sort = (
                f"exit codes {codes}: {(scratch / f'{number}-beside/log.txt').read_text()[-300:]}",
                "unfinished",
            )
        else:
            sort = what.partition(":")[0] or "same"
        found[sort] += 1
        if what:
            problems.append(f"{target.name}, killed after {moment:.2f} of {took:.2f} s: {what}")
        shutil.rmtree(folder)
    if found["kills"] < count:
        problems.append(f"{target.name}, only {found['kills']} of {count} kills came before it had ended")
    return KillRow(target.name, **found), problems


def _folder(target: Target, folder: Path) -> Path:
    folder.mkdir(parents=True)
    target.make(folder)
    return folder
