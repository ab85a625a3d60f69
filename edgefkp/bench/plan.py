"""What is measured, in which order, for how long: fixed before the first process starts, and printed."""

import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgefkp.errors import UsageError
from edgefkp.runtime.engine import Engine
from edgefkp.runtime.onnx_file import is_onnx
from edgefkp.runtime.packages import MOST_THREADS, RUNTIMES

MODES = ("invoke", "e2e")
PROFILE = "profile"  # the mode of a worker that finds the time by operator
MOST_PROCESSES = 1000  # of a case
MOST_SECONDS = 600.0  # that a process is timed for, or warms up
MOST_PAUSE = 60.0  # seconds
MOST_CPUS = 4096


@dataclass(frozen=True)
class Case:
    """One configuration that is timed."""

    file: str
    runtime: str  # "" for the first choice of its environment
    threads: int = 1
    xnnpack: bool = True  # False: without the runtime's default delegate
    delegate: str = ""  # LIB.so[:key=value], loaded instead of the default one
    mode: str = "invoke"  # one of MODES
    python: str = ""  # the interpreter whose environment holds the runtime; "" for this one
    accelerator: str = ""  # one of engine.ACCELERATORS, by LiteRT's CompiledModel; "" for the runtime's interpreter

    def __post_init__(self) -> None:
        """Raises UsageError for a case that cannot be."""
        _require(1 <= self.threads <= MOST_THREADS, f"{self.threads} threads", f"1 to {MOST_THREADS}")
        Engine(self.runtime or None, self.accelerator, self.delegate)
        _require(self.mode in (*MODES, "probe", PROFILE), f"the mode '{self.mode}'", " or ".join(MODES))

    @property
    def label(self) -> str:
        extras = [f"{self.threads} threads"] if self.threads > 1 else []
        extras += [] if self.xnnpack else ["no XNNPACK"]
        extras += [Path(self.delegate.partition(":")[0]).name] if self.delegate else []
        extras += [self.accelerator] if self.accelerator else []
        extras += [f"by {self.python}"] if self.python else []
        return ", ".join([Path(self.file).name, self.runtime or "default runtime", *extras, self.mode])


def cases_of(
    files: Iterable[Path],
    runtimes: Collection[str] = ("",),
    threads: Iterable[int] = (1,),
    xnnpack: Collection[bool] = (True,),
    delegates: Iterable[str] = ("",),
    modes: Iterable[str] = MODES,
    pythons: Iterable[str] = ("",),
    accelerators: Iterable[str] = ("",),
) -> list[Case]:
    """Every combination that can be; runtime "" is the first choice of its environment, accelerator "" its interpreter.

    A file of one form is left out for runtimes of another while one of its own is among them; what runs .onnx files
    has no XNNPACK to leave out.
    """
    return [
        Case(str(file), runtime, thread, pack, delegate, mode, python, accelerator)
        for file in files
        for python in pythons
        for runtime in _for(file, runtimes)
        for thread in threads
        for accelerator, delegate in (*(("", one) for one in delegates), *((one, "") for one in accelerators if one))
        for pack in ((True,) if delegate or accelerator or (is_onnx(file) and True in xnnpack) else xnnpack)
        for mode in modes
    ]


def _for(file: Path, runtimes: Collection[str]) -> Collection[str]:
    own = [one for one in runtimes if not one or is_onnx(file) == is_onnx(RUNTIMES[one].suffix)]
    return own or runtimes


@dataclass(frozen=True)
class TimingSettings:
    """How long each case is timed."""

    processes: int = 5  # fresh worker processes a case
    seconds: float = 2.0  # that each process is timed for, at least one pass over the images
    warm_seconds: tuple[float, float] = (0.2, 2.0)  # least and most warm-up
    pause: float = 0.5  # seconds of rest before each process
    pin: tuple[int, ...] = ()  # CPUs that the workers may use; empty for all
    seed: int = 0  # of the order of cases
    # Of inputs whose sizes a file leaves open: the input's name, "" for the only one, and the shape, the batch first.
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    inputs: str = ""  # path of an .npz with what files are fed that take no faces; "" for random numbers
    profile: bool = False  # also find the time by operator, apart from the timed processes

    def __post_init__(self) -> None:
        """Raises UsageError for settings that would never end, or take every process of the machine."""
        least, most = self.warm_seconds
        _require(1 <= self.processes <= MOST_PROCESSES, f"{self.processes} processes a case", f"1 to {MOST_PROCESSES}")
        _require(0 < self.seconds <= MOST_SECONDS, f"{self.seconds:g} s a process", f"up to {MOST_SECONDS:g} s")
        _require(0 <= least <= most <= MOST_SECONDS, f"{least:g} to {most:g} s of warm-up", f"up to {MOST_SECONDS:g} s")
        _require(0 <= self.pause <= MOST_PAUSE, f"a pause of {self.pause:g} s", f"up to {MOST_PAUSE:g} s")
        _require(all(0 <= cpu < MOST_CPUS for cpu in self.pin), "CPUs that no machine has", f"0 to {MOST_CPUS - 1}")

    @property
    def longest_step(self) -> float:
        """Seconds of one process, as far as they are set here: a slow network takes longer."""
        return self.pause + self.warm_seconds[1] + self.seconds


def _require(fits: bool, found: str, expected: str) -> None:
    if not fits:
        raise UsageError(f"a benchmark cannot have {found}; {expected} can be", "edgefkp bench --help")


FULL = TimingSettings()
QUICK = TimingSettings(processes=2, seconds=0.5, warm_seconds=(0.1, 0.5), pause=0.0)


@dataclass(frozen=True)
class Step:
    round: int
    case: Case


@dataclass(frozen=True)
class Schedule:
    cases: tuple[Case, ...]
    settings: TimingSettings

    def steps(self) -> Iterator[Step]:
        """Every case once a round, each round in an order of its own: a slow spell of the machine hits all alike."""
        shuffle = random.Random(self.settings.seed)
        for number in range(self.settings.processes):
            order = list(self.cases)
            shuffle.shuffle(order)
            yield from (Step(number, case) for case in order)

    def __len__(self) -> int:
        return self.settings.processes * len(self.cases)
