"""The state of the board while it is measured: clock, temperature, throttling, energy, sampled by another process.

`root` is "/" or a folder that holds a board's files (and its vcgencmd, in usr/bin).
"""

import itertools
import json
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from edgefkp.bench.machine import ROOT, read_number, read_text
from edgefkp.bench.stats import INVALID, SUSPECT, Check
from edgefkp.runtime import isolate

INTERVAL = 0.5  # seconds between samples
SLOWER = 0.9  # a clock below this part of the run's highest is a slower clock

# The Raspberry Pi's bits (vcgencmd get_throttled): 0-3 now, the same plus 16 since boot.
BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
NOW, SINCE_BOOT = 0xF, 16
FREQUENCY_CAPPED = 1 << 1


@dataclass(frozen=True)
class Sample:
    """at: time.monotonic() seconds. clock_mhz: of the fastest core. temperature_c: of the hottest sensor.

    throttled: in the Raspberry Pi's bits; throttle_count: x86's counter of throttlings; joules: an energy counter.
    Each is None where the machine does not tell.
    """

    at: float
    clock_mhz: float | None
    temperature_c: float | None
    throttled: int | None
    throttle_count: int | None
    joules: float | None


def sample(root: Path = ROOT) -> Sample:
    cpus = root / "sys/devices/system/cpu"
    return Sample(
        at=time.monotonic(),
        clock_mhz=_largest(cpus, "cpu[0-9]*/cpufreq/scaling_cur_freq", 1000),
        temperature_c=temperature(root),
        throttled=_throttled(root),
        throttle_count=_sum(cpus, "cpu[0-9]*/thermal_throttle/core_throttle_count"),
        joules=_joules(root)[0],
    )


def temperature(root: Path = ROOT) -> float | None:
    """Degrees Celsius of the hottest sensor."""
    zones = _largest(root / "sys/class/thermal", "thermal_zone*/temp", 1000)
    return zones if zones is not None else _largest(root / "sys/class/hwmon", "hwmon*/temp*_input", 1000)


def _numbers(folder: Path, pattern: str) -> list[float]:
    return [number for path in folder.glob(pattern) if (number := read_number(path)) is not None]


def _largest(folder: Path, pattern: str, divisor: float) -> float | None:
    return max((number / divisor for number in _numbers(folder, pattern)), default=None)


def _sum(folder: Path, pattern: str) -> int | None:
    numbers = _numbers(folder, pattern)
    return int(sum(numbers)) if numbers else None


def _throttled(root: Path) -> int | None:
    """vcgencmd's answer, else the firmware's file, else what the voltage alarm and the cooling devices say."""
    command = root / "usr/bin/vcgencmd"
    if command.exists():
        with suppress(OSError, subprocess.SubprocessError, ValueError, IndexError):
            told = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=5).stdout
            return int(told.split("=")[1], 16)
    text = read_text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    with suppress(TypeError, ValueError):
        return int(text, 16)  # type: ignore[arg-type]
    known, bits = False, 0
    for sensor in (root / "sys/class/hwmon").glob("hwmon*/in0_lcrit_alarm"):
        if (alarm := read_number(sensor)) is not None:
            known, bits = True, bits | int(alarm > 0)
    for device in (root / "sys/class/thermal").glob("cooling_device*"):
        if "cpu" in (read_text(device / "type") or "") and (state := read_number(device / "cur_state")) is not None:
            known, bits = True, bits | (FREQUENCY_CAPPED if state > 0 else 0)
    return bits if known else None


def _joules(root: Path) -> tuple[float | None, str]:
    """Of all packages together, or None and why."""
    counters = [
        *(root / "sys/class/powercap").glob("*:?/energy_uj"),
        *(root / "sys/class/hwmon").glob("hwmon*/energy*_input"),
    ]
    if not counters:
        return None, "this machine has no energy counter (powercap, hwmon)"
    microjoules = [read_number(counter) for counter in counters]
    if None in microjoules:
        return None, "the energy counters may be read by root only"
    return sum(value for value in microjoules if value is not None) / 1e6, ""


class Sampler:
    """Samples in a process of its own from entering to leaving. trace: a file that grows, also over broken runs."""

    def __init__(self, root: Path, trace: Path) -> None:
        self.root, self.trace = root, trace

    def __enter__(self) -> "Sampler":
        self.child = isolate.Child(keep_sampling, str(self.root), str(self.trace), INTERVAL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.child.close()
        with suppress(OSError), open(self.trace, "a") as out:
            out.write(json.dumps(asdict(sample(self.root))) + "\n")


def keep_sampling(root: str, out: str, seconds: float) -> None:
    """In the child: append one JSON line to `out` each `seconds`, until this process is ended."""
    while True:
        with open(out, "a") as stream:
            stream.write(json.dumps(asdict(sample(Path(root)))) + "\n")
        time.sleep(seconds)


def read_trace(path: Path) -> list[Sample]:
    """The samples in order; a line that was cut off in the middle is left out."""
    samples = []
    for line in (read_text(path) or "").splitlines():
        with suppress(ValueError, TypeError):
            samples.append(Sample(**json.loads(line)))
    return sorted(samples, key=lambda one: one.at)


Window = tuple[float, float]  # time.monotonic() from, to


def checks(trace: Sequence[Sample], windows: Sequence[Window]) -> list[Check]:
    """What happened to the board in these spans of time, and only in them: bits from before a run do not spoil it."""
    found: list[Check] = []
    during, counts = 0, 0
    for begin, end in windows:
        inside = _around(trace, begin, end)
        bits = [one.throttled for one in inside if one.throttled is not None]
        for now in bits:
            during |= now & NOW | ((now & ~bits[0]) >> SINCE_BOOT & NOW)
        throttlings = [one.throttle_count for one in inside if one.throttle_count is not None]
        counts += throttlings[-1] - throttlings[0] if throttlings else 0
    named = [name for bit, name in BITS.items() if during >> bit & 1]
    if named:
        serious = during & ~(1 << 3)
        found.append((INVALID if serious else SUSPECT, f"the board reported: {', '.join(named)}"))
    if counts:
        found.append((INVALID, f"the processor was throttled {counts} times"))
    highest = max((one.clock_mhz for one in trace if one.clock_mhz), default=0)
    clocks = [one.clock_mhz for begin, end in windows for one in trace if begin <= one.at <= end and one.clock_mhz]
    if clocks and (clock := sorted(clocks)[len(clocks) // 2]) < SLOWER * highest:
        found.append((SUSPECT, f"the clock was {clock:.0f} MHz, and {highest:.0f} MHz at other times"))
    return found


def _around(trace: Sequence[Sample], begin: float, end: float) -> list[Sample]:
    """The samples in the window, the last before it and the first after it."""
    before = [one for one in trace if one.at < begin][-1:]
    return before + [one for one in trace if begin <= one.at <= end] + [one for one in trace if one.at > end][:1]


def joules_in(trace: Sequence[Sample], windows: Sequence[Window]) -> float | None:
    """Energy used in the windows, interpolated between samples; None where the counter is unknown or was reset."""
    known = [(one.at, one.joules) for one in trace if one.joules is not None]
    if len(known) < 2 or any(later[1] < earlier[1] for earlier, later in itertools.pairwise(known)):
        return None
    times, counter = zip(*known, strict=True)
    ends = np.interp(np.array(windows), times, counter)
    return float((ends[:, 1] - ends[:, 0]).sum())


def describe(root: Path, trace: Sequence[Sample], origin: float) -> dict[str, Any]:
    """The trace for the result, in columns; times in seconds since `origin`."""
    columns = {name: [getattr(one, name) for one in trace] for name in Sample.__annotations__ if name != "at"}
    return {
        "interval_seconds": INTERVAL,
        "energy": _joules(root)[1] or "counter",
        "seconds": [round(one.at - origin, 3) for one in trace],
        **{name: values for name, values in columns.items() if any(value is not None for value in values)},
    }
