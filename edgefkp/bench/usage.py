"""What a process uses: time, switches, memory, and the cores that others keep busy meanwhile."""

import os
import resource
import time
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.5  # at what else is running


class Usage:
    """What this process and the machine used since it was made."""

    def __init__(self) -> None:
        self.wall, self.own, self.machine = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF), _cpu_ticks()
        self.waited = _core_wait()

    def until_now(self) -> dict[str, Any]:
        """others_cores: how many cores other processes kept busy meanwhile, None if the system does not report it."""
        wall = time.perf_counter() - self.wall
        own, machine = resource.getrusage(resource.RUSAGE_SELF), _cpu_ticks()
        cpu = own.ru_utime + own.ru_stime - self.own.ru_utime - self.own.ru_stime
        used: dict[str, Any] = {
            "wall_seconds": wall,
            "cpu_seconds": cpu,
            "voluntary_switches": own.ru_nvcsw - self.own.ru_nvcsw,
            "involuntary_switches": own.ru_nivcsw - self.own.ru_nivcsw,
            "others_cores": None,
            "stolen_cores": None,
            "core_wait": None,
        }
        if self.waited is not None and (waited := _core_wait()) is not None:
            used["core_wait"] = waited - self.waited
        if machine and self.machine:
            busy, stolen = (now - then for now, then in zip(machine, self.machine, strict=True))
            used["others_cores"] = max(0.0, (busy - cpu) / wall)
            used["stolen_cores"] = stolen / wall
        return used


def busy_cores() -> float | None:
    """How many cores other processes keep busy just now.

    Not the load average: a training that ended a second ago would be in it for a minute, and does no harm.
    """
    usage = Usage()
    time.sleep(LOOK_SECONDS)
    return usage.until_now()["others_cores"]


def _core_wait() -> float | None:
    """Seconds that this thread was ready to run and waited for a core; None if the system does not report it."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def _cpu_ticks() -> tuple[float, float] | None:
    """Seconds since boot that all CPUs together were busy, and that a hypervisor took from them."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, _idle, _wait, irq, soft, stolen = (int(field) for field in fields[:8])
    except (OSError, ValueError, IndexError):
        return None
    hertz = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + soft) / hertz, stolen / hertz


def high_water() -> int | None:
    """VmHWM, the most memory this process ever held, in KiB; None if the system does not report it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration, ValueError):
        return None
