"""Where a measurement runs: each kind of device is one file here, which registers itself in DEVICES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgefkp.bench.machine import ROOT
from edgefkp.errors import UsageError
from edgefkp.records import Registry

if TYPE_CHECKING:  # --help lists the kinds, and imports nothing that measures
    import numpy as np

    from edgefkp.bench.device import Device
    from edgefkp.bench.doctor import Report
    from edgefkp.bench.plan import Case, Schedule, TimingSettings
    from edgefkp.bench.result import Result
    from edgefkp.bench.timed_images import TimedImages


@dataclass(frozen=True)
class DeviceOptions:
    """Options of the command line that concern devices; each kind uses its own."""

    python: str = "python3"  # the interpreter on another machine
    install: bool = False  # put a runtime into a temporary venv there
    keep: bool = False  # leave the folder there
    root: Path = ROOT  # where this machine's own files are


@dataclass(frozen=True)
class Work:
    """What is to be measured."""

    cases: list[Case]
    images: TimedImages
    settings: TimingSettings
    name: str  # of the result
    out: Path  # folder for results, and for what a run that was cut off keeps
    reference: Mapping[str, np.ndarray] = field(default_factory=dict)  # file name -> points it must give, of a bundle


@dataclass(frozen=True)
class Listener:
    """Who hears how a measurement goes."""

    announce: Callable[[Schedule, float], None] = lambda schedule, seconds: None  # with the seconds it will take
    progress: Callable[[int, int, str], None] = lambda done, total, label: None
    log: Callable[[str], None] = lambda line: None


class OpenDevice(Protocol):
    """A device that was named on the command line."""

    @property
    def device(self) -> Device: ...

    @property
    def is_here(self) -> bool:
        """It is this very machine: its packages are known, and nothing else should run meanwhile."""
        ...

    def measure(self, work: Work, listener: Listener) -> Result:
        """Raises EnvironmentProblem if the device cannot be reached or lacks something, EdgefkpError otherwise."""
        ...

    def examine(self) -> Report:
        """What edgefkp.bench.doctor finds there."""
        ...


class DeviceKind(Protocol):
    name: str  # in messages, and what a device of this kind is stored as
    form: str  # as in --device
    help: str  # what it is, in a few words

    def matches(self, spec: str) -> bool: ...

    def open(self, spec: str, options: DeviceOptions) -> OpenDevice:
        """Raises UsageError for a spec that is not complete."""
        ...


DEVICES: Registry[DeviceKind] = Registry("device", "edgefkp.bench.devices", order=lambda kind: len(kind.form))


def open_device(spec: str, options: DeviceOptions = DeviceOptions()) -> OpenDevice:
    """Raises UsageError if `spec` is a device of no kind."""
    for kind in DEVICES.values():
        if kind.matches(spec):
            return kind.open(spec, options)
    raise unknown_device(spec)


def unknown_device(spec: str) -> UsageError:
    return UsageError(f"unknown device '{spec}'", f"use {' or '.join(kind.form for kind in DEVICES.values())}")


def forms() -> str:
    """For help: what --device takes."""
    return "; ".join(f"{kind.form}: {kind.help}" for kind in DEVICES.values())
