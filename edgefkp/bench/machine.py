"""Describe the machine: small collectors, each of which returns nothing if its file is absent.

`root` is "/" or a folder that holds another machine's files, so that every board can be tested on any machine.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import counted

ROOT = Path("/")
# What changes the speed of a neural network's kernels, of all that /proc/cpuinfo lists.
FEATURES = (
    "neon asimd asimdhp asimddp asimdrdm i8mm bf16 sve sve2 sme fphp vfpv4 ssse3 sse4_1 avx avx2 fma f16c avx_vnni "
    "avx512f avx512bw avx512vl avx512_vnni avx512_bf16 avx512_fp16 amx_int8 amx_bf16 amx_tile"
)


def describe(root: Path = ROOT) -> dict[str, Any]:
    """Model, processor, cores, features, clocks, system, Python and numpy; a key is absent if nothing is known."""
    collectors: dict[str, Callable[[Path], Any]] = {
        "model": _model,
        "soc": _soc,
        "processor": _processor,
        "features": _features,
        "cores": _cores,
        "governor": _governor,
        "clock_mhz": _clock_range,
        "memory_mib": _memory,
        "system": _system,
    }
    found = {name: collect(root) for name, collect in collectors.items()}
    found.update(
        architecture=platform.machine(),
        bits=64 if np.iinfo(np.intp).bits == 64 else 32,
        kernel=platform.release(),
        libc=" ".join(platform.libc_ver()).strip(),
        python=platform.python_version(),
        numpy=np.__version__,
    )
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def title(machine: dict[str, Any]) -> str:
    """One line: what it is called, cores, architecture."""
    name = machine.get("model") or machine.get("processor") or "unknown machine"
    cores = machine.get("cores")
    return f"{name}, {counted(cores, 'core') if cores else '? cores'}, {machine.get('architecture', '')}"


def load_average() -> float | None:
    """Over one minute."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def boot_id() -> str:
    return read_text(ROOT / "proc/sys/kernel/random/boot_id") or ""


def read_text(path: Path) -> str | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip("\0\n ")
    return None


def read_number(path: Path) -> float | None:
    text = read_text(path)
    with contextlib.suppress(TypeError, ValueError):
        return float(text)  # type: ignore[arg-type]
    return None


def _model(root: Path) -> str | None:
    return read_text(root / "proc/device-tree/model") or read_text(root / "sys/class/dmi/id/product_name")


def _soc(root: Path) -> str | None:
    compatible = read_text(root / "proc/device-tree/compatible")
    return compatible.split("\0")[-1] if compatible else None


def _cpuinfo(root: Path, *names: str) -> str | None:
    for line in (read_text(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in names and value.strip():
            return value.strip()
    return None


def _processor(root: Path) -> str | None:
    name = _cpuinfo(root, "model name", "Hardware")
    part, maker = _cpuinfo(root, "CPU part"), _cpuinfo(root, "CPU implementer")
    return name or (f"CPU implementer {maker} part {part}" if part else None)


def _features(root: Path) -> list[str]:
    return sorted(set(FEATURES.split()).intersection((_cpuinfo(root, "flags", "Features") or "").split()))


def _cores(root: Path) -> int | None:
    return sum(line.startswith("processor") for line in (read_text(root / "proc/cpuinfo") or "").splitlines()) or (
        os.cpu_count() if root == ROOT else None
    )


def _governor(root: Path) -> str | None:
    return read_text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def _clock_range(root: Path) -> list[float]:
    folder = root / "sys/devices/system/cpu/cpu0/cpufreq"
    limits = [read_number(folder / f"cpuinfo_{end}_freq") for end in ("min", "max")]
    return [limit / 1000 for limit in limits if limit is not None]


def _memory(root: Path) -> int | None:
    for line in (read_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal"):
            return int(line.split()[1]) // 1024
    return None


def _system(root: Path) -> str | None:
    for line in (read_text(root / "etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None
