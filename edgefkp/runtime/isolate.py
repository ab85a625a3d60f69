"""Call a function in a process of its own.

A malformed file may kill the process that loads it, interpreters of different packages cannot live in one process, a
measurement needs a fresh one, and TensorFlow divides its threads once per process. A child

- never has the current folder on its import path: this package is imported from where it stands;
- ends when its parent ends, however that happens;
- sends progress and its result as lines of JSON on a descriptor of its own, with numpy arrays in a file that has no
  name; what it or native code prints goes to its log;
- leaves no core file, and respects limits of time and memory.
"""

import contextlib
import ctypes
import dataclasses
import importlib
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from edgefkp import errors
from edgefkp.errors import FAILED, EdgefkpError

ROOT = Path(__file__).parents[2]  # the folder that holds this package
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ARRAY = "$array"  # key of a JSON object that stands for an array
# argv: the current folder, the function's module, the descriptors of the call and its arrays, then (name, place) of
# each package that is imported by its place. The function's module comes before anything else: the benchmark's worker
# times its own imports.
_BOOT = """\
import sys
sys.path[:] = filter(None, sys.path)
import os, importlib.util, importlib.machinery
here, module, call, arrays, *places = sys.argv[1:]
own = os.path.dirname(os.__file__)
sys.path[:] = [p for p in sys.path if os.path.realpath(p) != here or p == own or p.endswith("-packages")]
for name, place in zip(places[::2], places[1::2]):
    spec = importlib.machinery.PathFinder.find_spec(name, [place])
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
importlib.import_module(module)
from edgefkp.runtime.isolate import child_main
child_main(module, int(call), int(arrays))
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


def report(value: Any) -> None:
    """In a child: send a JSON value to the `progress` of its parent. Elsewhere nothing."""
    if _lines is not None:
        _lines.write(json.dumps({"progress": value}) + "\n")
        _lines.flush()


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
        memory: int | None = None,
        grace: float = 1.0,
    ) -> None:
        """Start `function`, or what stands at its dotted name, with arguments of JSON values, records and arrays.

        label: what the child does, for messages. python: another interpreter; `package`: the folder with the
        edgefkp that it uses. environment: more variables. progress: receives what the child reports. log: the child's
        output is appended to it. seconds, memory (bytes): limits. grace: seconds in which a child that has received
        the same Ctrl-C may end by itself.
        Raises EdgefkpError if the interpreter cannot be started.
        """
        module, name = _module_and_name(function)
        self.label, self.progress, self.seconds, self.grace = label or name, progress, seconds, grace
        # Files without a name: nothing is left of them, whatever ends this process.
        self._arrays = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._log = open(log, "a+b") if log else tempfile.TemporaryFile()  # noqa: SIM115
        call = tempfile.TemporaryFile()  # noqa: SIM115
        asked = {"function": name, "arguments": arguments, "memory": memory}
        call.write(_packed(asked, self._arrays).encode())
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

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if kind is KeyboardInterrupt:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace)
        self.close()

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

        timer = threading.Timer(self.seconds or 0, end)
        if self.seconds is not None:
            timer.start()
        last: dict[str, Any] = {}
        try:
            assert self.process.stdout is not None
            for sent in self.process.stdout:
                last = _unpacked(sent, self._arrays)
                if "progress" in last:
                    self.progress(last["progress"])
            code = self.process.wait()
        finally:
            timer.cancel()
        if late.is_set():
            raise self._died(f"{self.label}: no result within {self.seconds:.0f} s", timed_out=True)
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


def _packed(value: Any, file: IO[bytes]) -> str:
    """JSON; the arrays in it are written to `file`, in order."""

    def plain(item: Any) -> Any:
        if type(item).__module__ == "numpy":
            if item.ndim == 0:
                return item.item()
            import numpy as np

            np.save(file, item)
            return {_ARRAY: True}
        if hasattr(item, "to_json"):
            return item.to_json()
        if dataclasses.is_dataclass(item):
            return {one.metadata.get("json", one.name): getattr(item, one.name) for one in dataclasses.fields(item)}
        if isinstance(item, Path):
            return str(item)
        raise TypeError(f"{type(item).__name__} cannot be sent to another process")

    file.seek(0)
    return json.dumps(value, default=plain)


def _unpacked(text: str | bytes, file: IO[bytes]) -> Any:
    first = True

    def whole(item: dict[str, Any]) -> Any:
        nonlocal first
        if item.keys() != {_ARRAY}:
            return item
        import numpy as np

        if first:  # not earlier: the other process may still be writing
            file.seek(0)
            first = False
        return np.load(file)

    return json.loads(text, object_hook=whole)


# From here on: in the child.

_lines: IO[str] | None = None  # to the parent


def _send(lines: IO[str], message: dict[str, Any], arrays: IO[bytes]) -> None:
    lines.write(f"{_packed(message, arrays)}\n")
    lines.flush()


def child_main(module: str, call_file: int, arrays_file: int) -> None:
    """Make the call that is written in these open files, and send what comes of it."""
    global _lines
    _end_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    function: Any = sys.modules[module]
    arrays = open(arrays_file, "r+b", buffering=0)  # noqa: SIM115
    with open(call_file, "rb") as asked:
        call = _unpacked(asked.read(), arrays)
    if call["memory"]:
        resource.setrlimit(resource.RLIMIT_AS, (call["memory"], call["memory"]))
    del sys.argv[1:]
    for part in call["function"].split("."):
        function = getattr(function, part)
    try:
        answer = {"result": function(*call["arguments"])}
    except EdgefkpError as error:
        kind = next(one.__name__ for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)
        print(f"error: {error.message}", file=sys.stderr)
        answer = {"error": {"kind": kind, "message": error.message, "hint": error.hint}}
    except MemoryError:
        room = f" than {call['memory'] >> 20} MiB" if call["memory"] else ""
        answer = {"error": {"kind": "", "message": f"it needs more memory{room}"}}
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        traceback.print_exc()
        cause = (str(error).strip().splitlines() or [""])[0]
        answer = {"error": {"kind": "", "message": f"{type(error).__name__}: {cause}".rstrip(": ")}}
    _send(_lines, answer, arrays)


def _end_with_parent() -> None:
    """Linux kills this process with its parent; everywhere the parent's end of our standard input is watched."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    lifeline, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        os._exit(FAILED)

    threading.Thread(target=wait, daemon=True).start()
