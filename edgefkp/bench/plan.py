"""What is measured, in which order, for how long: fixed before the first process starts, and printed."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MODES = ("invoke", "e2e")


@dataclass(frozen=True)
class Cell:
    """One thing that is timed. delegate: "" for the runtime's own, else LIB.so[:key=value].

    python: the interpreter whose environment holds the runtime; "" for this one.
    """

    file: str
    runtime: str
    threads: int = 1
    xnnpack: bool = True
    delegate: str = ""
    mode: str = "invoke"
    python: str = ""

    @property
    def label(self) -> str:
        extras = [f"{self.threads} threads"] if self.threads > 1 else []
        extras += [] if self.xnnpack else ["no XNNPACK"]
        extras += [Path(self.delegate.partition(":")[0]).name] if self.delegate else []
        extras += [f"by {self.python}"] if self.python else []
        return ", ".join([Path(self.file).name, self.runtime or "default runtime", *extras, self.mode])


def cells_of(
    files: Iterable[Path],
    runtimes: Iterable[str] = ("",),
    threads: Iterable[int] = (1,),
    xnnpack: Iterable[bool] = (True,),
    delegates: Iterable[str] = ("",),
    modes: Iterable[str] = MODES,
    pythons: Iterable[str] = ("",),
) -> list[Cell]:
    """Every combination; runtime "" is the first choice of its environment."""
    return [
        Cell(str(file), runtime, thread, pack, delegate, mode, python)
        for file in files
        for python in pythons
        for runtime in runtimes
        for thread in threads
        for delegate in delegates
        for pack in ((True,) if delegate else xnnpack)
        for mode in modes
    ]


@dataclass(frozen=True)
class Settings:
    """processes: fresh worker processes a cell. seconds: steady time of each, at least one pass over the pictures.

    warm_seconds: (least, most) warm-up. pause: seconds of rest before each process. pin: CPUs the workers may use,
    empty for all. seed: of the order.
    """

    processes: int = 5
    seconds: float = 2.0
    warm_seconds: tuple[float, float] = (0.2, 2.0)
    pause: float = 0.5
    pin: tuple[int, ...] = ()
    seed: int = 0


FULL = Settings()
QUICK = Settings(processes=2, seconds=0.5, warm_seconds=(0.1, 0.5), pause=0.0)


@dataclass(frozen=True)
class Step:
    round: int
    cell: Cell


@dataclass(frozen=True)
class Plan:
    cells: tuple[Cell, ...]
    settings: Settings

    def steps(self) -> Iterator[Step]:
        """Every cell once a round, each round in an order of its own: a slow spell of the machine hits all alike."""
        shuffle = random.Random(self.settings.seed)
        for number in range(self.settings.processes):
            order = list(self.cells)
            shuffle.shuffle(order)
            yield from (Step(number, cell) for cell in order)

    def __len__(self) -> int:
        return self.settings.processes * len(self.cells)
