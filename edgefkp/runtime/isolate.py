"""Call a function in a process of its own.

A malformed file may kill the process that loads it, interpreters of different packages cannot live in one process, a
measurement needs a fresh one, and TensorFlow divides its threads once per process. A child

- never has the current folder on its import path: this package is imported from where it stands;
- ends when its parent ends, however that happens;
- sends progress and its result as lines of JSON on a descriptor of its own, with numpy arrays in a file that has no
  name; what it or native code prints goes to its log;
- leaves no core file, and respects limits of time and memory.

Runs from Python 3.8 on, for the doctor.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgefkp import errors
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import signals
from edgefkp.runtime.child import packed, report, unpacked

__all__ = ["ROOT", "Child", "ChildDied", "call", "python_command", "report"]

ROOT = Path(__file__).parents[2]  # the folder that holds this package
# argv: the current folder, the function's module, the descriptors of the call and its arrays, then (name, place) of
# each package that is imported by its place. The function's module comes before anything else: the benchmark's worker
# times its own imports.
_BOOT = """\
import sys
sys.path[:] = filter(None, sys.path)
import os, importlib.util, importlib.machinery
lines = os.dup(1)
os.dup2(2, 1)
here, module, call, arrays, *places = sys.argv[1:]
own = os.path.dirname(os.__file__)
sys.path[:] = [p for p in sys.path if os.path.realpath(p) != here or p == own or p.endswith("-packages")]
for name, place in zip(places[::2], places[1::2]):
    spec = importlib.machinery.PathFinder.find_spec(name, [place])
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
importlib.import_module(module)
from edgefkp.runtime.child import main
main(module, lines, int(call), int(arrays))
"""


class ChildDied(EdgefkpError):
    """A child that ended without a result."""

    signal: str = ""  # "SIGSEGV": what ended it
    timed_out: bool = False
    last_line: str = ""  # of what it printed, or its exception


def call(function: Callable[..., Any] | str, *arguments: Any, **options: Any) -> Any:
    """The result of `function(*arguments)` in a child; options: see Child."""
    with Child(function, *arguments, **options) as child:
        return child.result()


def python_command() -> str:
    """This Python. $EDGEFKP_PYTHON: where it has to be started by another program, as under an emulator."""
    return os.environ.get("EDGEFKP_PYTHON") or sys.executable


class Child:
    """A running child: `result` waits for it; leaving the block ends it."""

    def __init__(
        self,
        function: Callable[..., Any] | str,
        *arguments: Any,
        label: str = "",
        python: str | None = None,
        package: Path = ROOT,
        environment: Mapping[str, str] | None = None,
        progress: Callable[[Any], None] = lambda value: None,
        log: Path | None = None,
        seconds: float | None = None,
        silence: float | None = None,
        memory: int | None = None,
        grace: float = 1.0,
    ) -> None:
        """Start `function`, or what stands at its dotted name, with arguments of JSON values, records and arrays.

        label: what the child does, for messages. python: another interpreter; `package`: the folder with the
        edgefkp that it uses. environment: more variables. progress: receives what the child reports. log: the child's
        output is appended to it. seconds, memory (bytes): limits; silence: the same for seconds without a report.
        grace: seconds in which a child that has received the same Ctrl-C may end by itself.
        Raises EdgefkpError if the interpreter cannot be started.
        """
        module, name = _module_and_name(function)
        self.label, self.progress, self.seconds, self.grace = label or name, progress, seconds, grace
        self.silence = silence
        # Files without a name: nothing is left of them, whatever ends this process.
        self._arrays = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._log = open(log, "a+b") if log else tempfile.TemporaryFile()  # noqa: SIM115
        call = tempfile.TemporaryFile()  # noqa: SIM115
        asked = {"function": name, "arguments": arguments, "memory": memory}
        call.write(packed(asked, self._arrays).encode())
        descriptors = (call.fileno(), self._arrays.fileno())
        for file in (call, self._arrays):
            file.seek(0)
        places = ["edgefkp", str(package)]
        if (top := module.partition(".")[0]) != "edgefkp":
            places += [top, _place_of(top)]
        here = _current_folder()
        command = [python or python_command(), "-c", _BOOT, here, module, *map(str, descriptors), *places]
        variables = {**os.environ, **(environment or {})}
        if package != ROOT:  # another installation finds nothing of this one
            variables.pop("PYTHONPATH", None)
            variables.pop("PYTHONHOME", None)
        if path := variables.get("PYTHONPATH"):
            kept = [place for place in path.split(os.pathsep) if place and os.path.realpath(place) != here]
            variables["PYTHONPATH"] = os.pathsep.join(kept)
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=variables,
                pass_fds=descriptors,
            )
        except OSError as error:
            raise EdgefkpError(
                f"cannot start {command[0]}: {error.strerror}", "give --python the path of a Python interpreter"
            ) from error

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            if issubclass(kind, signals.Stopped):  # a Ctrl-C it has received itself
                self.process.send_signal(signal.SIGTERM)
            # What it still sends is read: a full pipe would hold it up.
            threading.Thread(target=self._read_on, daemon=True).start()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace)
        self.close()

    def _read_on(self) -> None:
        with contextlib.suppress(ValueError, OSError):  # it was closed
            assert self.process.stdout is not None
            self.process.stdout.read()

    def kill(self) -> None:
        """End the child; whoever waits for its result gets ChildDied."""
        self.process.kill()

    def close(self) -> None:
        """End the child and forget it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log, self._arrays):
            if stream is not None:
                stream.close()

    def result(self) -> Any:
        """What the function returned: JSON values and arrays.

        Raises the EdgefkpError that it raised, of the same class, or ChildDied.
        """
        late = threading.Event()

        def end() -> None:
            late.set()
            self.process.kill()

        def limit(seconds: float | None, timer: threading.Timer | None = None) -> threading.Timer | None:
            if timer:
                timer.cancel()
            if seconds is None:
                return None
            timer = threading.Timer(seconds, end)
            timer.daemon = True
            timer.start()
            return timer

        timer, quiet = limit(self.seconds), limit(self.silence)
        last: dict[str, Any] = {}
        try:
            assert self.process.stdout is not None
            for sent in self.process.stdout:
                quiet = limit(self.silence, quiet)
                last = unpacked(sent, self._arrays)
                if "progress" in last:
                    self.progress(last["progress"])
            code = self.process.wait()
        finally:
            for one in (timer, quiet):
                limit(None, one)
        if late.is_set():
            waited = f"no result within {self.seconds:.0f} s" if self.seconds else f"silent for {self.silence:.0f} s"
            raise self._died(f"{self.label}: {waited}", timed_out=True)
        if code < 0:
            name = _signal_name(-code)
            raise self._died(f"{self.label}: its process was ended by {name}", signal=name)
        if error := last.get("error"):
            kind = getattr(errors, error["kind"], None)
            if kind is None:
                raise self._died(f"{self.label} failed: {error['message']}", last_line=error["message"])
            raise kind(error["message"], error["hint"])
        if "result" not in last:
            line = self._last_line() or f"its process ended with {code}"
            raise self._died(f"{self.label} failed: {line}", last_line=line)
        return last["result"]

    def _died(self, message: str, **facts: Any) -> ChildDied:
        died = ChildDied(message)
        vars(died).update({"last_line": self._last_line(), **facts})
        return died

    def _last_line(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 10_000))
        text = self._log.read().decode("utf-8", "replace")
        return (text.strip().splitlines() or [""])[-1]


def _module_and_name(function: Callable[..., Any] | str) -> tuple[str, str]:
    if isinstance(function, str):
        module, _, name = function.rpartition(".")
        return module, name
    return function.__module__, function.__qualname__


def _place_of(package: str) -> str:
    """The folder in which a top-level package or module of this process stands."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).absolute().parents[1 if spec.submodule_search_locations else 0])


def _current_folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:  # it was deleted
        return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
