"""Check what runs here, and print the exact line that fixes what does not: python3 -m edgefkp.bench.doctor

Imports the standard library only, so that it works with nothing installed, and runs from Python 3.8 on, to name a
Python that is too old; each package is tried in a process of its own, since some of them die on import.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import platform
import sys
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

from edgefkp.errors import NEWER_OPENCV, EdgefkpError
from edgefkp.runtime import isolate, vulkan

PYTHONS = ((3, 10), (3, 13))  # that edgefkp declares
GLIBC = (2, 27)  # of LiteRT's wheels (manylinux_2_27)
GLIBC_32 = (2, 34)  # of tflite-runtime's 32-bit wheels
LIMIT = 120  # seconds for one import
OPENCV = "opencv (for mode e2e, predict and demo)"
# Each of them is OpenCV, in the same folder: one is enough, and two overwrite each other's files.
OPENCV_PACKAGES = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
GPU_CHECK, NPU_CHECK = "gpu (for --accelerator gpu)", "npu (for --accelerator npu)"
OPENCV_VERSIONS = ">=4.8,<6"
BOARD_LINE = "docs/BOARD.md"
VENV = "python3 -m venv ~/edgefkp && . ~/edgefkp/bin/activate"


@dataclass(frozen=True)
class EnvironmentCheck:
    """One thing that was looked at."""

    name: str
    ok: bool | None  # None: for information, nothing depends on it
    found: str
    fix: str = ""  # what to type if ok is False
    required: bool = True  # bench cannot run without it


@dataclass(frozen=True)
class Report:
    machine: str  # architecture
    python: tuple[int, int]
    checks: list[EnvironmentCheck]


def report() -> Report:
    return Report(platform.machine(), sys.version_info[:2], examine())


def examine() -> list[EnvironmentCheck]:
    """Python, libc, numpy, the runtimes, OpenCV; in the order in which they have to be put right."""
    machine = platform.machine()
    checks = [
        EnvironmentCheck(
            "machine", None, f"{machine}, {'64' if sys.maxsize > 2**32 else '32'}-bit Python, {_system()}"
        ),
        _python(machine),
        _libc(machine),
    ]
    numpy = _tried("numpy", "numpy", _pip("'numpy<2'" if _is_32(machine) else "numpy"))
    checks.append(numpy)
    if numpy.ok and sys.version_info[:2] >= PYTHONS[0]:  # an older Python cannot read the package's other files
        checks += _runtimes()
    return [*checks, replace(_opencv(), required=False), _gpu(), *_npus()]


def _opencv() -> EnvironmentCheck:
    """Any one of OpenCV's packages will do."""
    installed = _installed(OPENCV_PACKAGES)
    if len(installed) > 1:
        kept = next((name for name in installed if name.endswith("-headless")), installed[0])
        fix = f"pip uninstall -y {' '.join(installed)} && pip install '{kept}{OPENCV_VERSIONS}'"
        found = f"{' and '.join(installed)} are installed over each other"
        return EnvironmentCheck(OPENCV, False, found, _in_venv(fix))
    check = _tried(OPENCV, "cv2", _pip(f"'{(*installed, OPENCV_PACKAGES[0])[0]}{OPENCV_VERSIONS}'"))
    if "numpy.core.multiarray" in check.found:
        return replace(check, fix=_in_venv(NEWER_OPENCV))
    if "libGL" in check.found:
        headless = f"pip uninstall -y {' '.join(installed)} && pip install '{OPENCV_PACKAGES[1]}{OPENCV_VERSIONS}'"
        return replace(check, ok=False, fix=f"sudo apt install libgl1 libglib2.0-0; or {headless}")
    return check


def _installed(packages: tuple[str, ...]) -> list[str]:
    found = []
    for name in packages:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def _python(machine: str) -> EnvironmentCheck:
    version = sys.version_info[:2]
    ok = PYTHONS[0] <= version and (version <= PYTHONS[1] or not _is_32(machine))
    wanted = "3.10 or 3.11" if _is_32(machine) else "3.10 to 3.13"
    return EnvironmentCheck(
        "python", ok, platform.python_version(), f"use Python {wanted}; the fix for your system: {BOARD_LINE}"
    )


def _libc(machine: str) -> EnvironmentCheck:
    name, version = platform.libc_ver()
    needed = GLIBC_32 if _is_32(machine) else GLIBC
    if name != "glibc":
        return EnvironmentCheck(
            "libc", False, name or "not glibc", "the runtimes' wheels need glibc: use Debian or Ubuntu"
        )
    ok = tuple(int(part) for part in version.split(".")[:2]) >= needed
    return EnvironmentCheck(
        "libc", ok, f"glibc {version}", f"glibc {needed[0]}.{needed[1]} or newer is needed: {BOARD_LINE}"
    )


def _runtimes() -> list[EnvironmentCheck]:
    """Each runtime that is installed makes an interpreter's module; one of them has to work."""
    from edgefkp.runtime import interpreters  # needs numpy

    checks = []
    for info in interpreters.installed():
        try:
            interpreters.choose(info.name)
            checks.append(
                _tried(
                    info.name,
                    interpreters.RUNTIMES[info.name].interpreter,
                    _in_venv(interpreters.install_line(info.name)),
                    info.version,
                )
            )
        except EdgefkpError as error:
            checks.append(EnvironmentCheck(info.name, False, error.message, error.hint))
    for info in interpreters.installed(".onnx"):
        module, line = interpreters.RUNTIMES[info.name].interpreter, interpreters.install_line(info.name)
        checks.append(replace(_tried(f"{info.name} (for .onnx files)", module, _in_venv(line), info.version), ok=None))
    works = [check for check in checks if check.ok]
    if works:
        return [check if check.ok else EnvironmentCheck(check.name, None, check.found, check.fix) for check in checks]
    return [*checks, EnvironmentCheck("runtime", False, "none works", _in_venv(interpreters.install_line()))]


def _gpu() -> EnvironmentCheck:
    """The adapters that Vulkan lists; drivers are loaded in a child, which a broken one may end."""
    try:
        adapters = isolate.call("edgefkp.bench.doctor.listed_adapters", seconds=LIMIT)
    except EdgefkpError as error:
        return EnvironmentCheck(GPU_CHECK, None, error.message, vulkan.INSTALL)
    real = [name for name, software in adapters if not software]
    fix = "" if real else f"the times of these are the CPU's: {vulkan.INSTALL}"
    if len(adapters) > 1:
        fix = fix or "for a sure time leave one: VK_DRIVER_FILES=FILE.json, of those in /usr/share/vulkan/icd.d"
    return EnvironmentCheck(GPU_CHECK, None, ", ".join(name for name, _ in adapters), fix)


def listed_adapters() -> list[tuple[str, bool]]:
    """In a child: each adapter in words, and whether it is software. Raises EdgefkpError if there is none."""
    try:
        found = vulkan.adapters()
    except vulkan.NoVulkan as error:
        raise EdgefkpError(str(error)) from error
    if not found:
        raise EdgefkpError("Vulkan lists no adapter")
    return [(str(adapter), adapter.software) for adapter in found]


def _npus() -> list[EnvironmentCheck]:
    """The dispatch libraries for NPUs that LiteRT's package brings, and what each of them lacks."""
    spec = importlib.util.find_spec("ai_edge_litert")
    places = [Path(place) / "vendors" for place in (spec.submodule_search_locations or [] if spec else [])]
    libraries = sorted(library for place in places for library in place.glob("*/dispatch/libLiteRtDispatch_*.so"))
    checks = []
    for library in libraries:
        name = f"{NPU_CHECK}, {library.parts[-3]}"
        try:
            isolate.call("edgefkp.bench.doctor.opened", str(library), seconds=LIMIT)
            checks.append(EnvironmentCheck(name, None, "its libraries are there"))
        except EdgefkpError as error:
            checks.append(EnvironmentCheck(name, None, error.message, "install the runtime of the NPU's maker"))
    return checks or [EnvironmentCheck(NPU_CHECK, None, "LiteRT's package brings no dispatch library")]


def opened(library: str) -> None:
    """In a child: load a shared library. Raises EdgefkpError that names what it needs."""
    try:
        ctypes.CDLL(library)
    except OSError as error:
        raise EdgefkpError(str(error)) from error


def _tried(name: str, module: str, fix: str, version: str = "") -> EnvironmentCheck:
    try:
        found = isolate.call("edgefkp.bench.doctor.imported", module, seconds=LIMIT)
    except EdgefkpError as error:
        cause = (error.last_line if isinstance(error, isolate.ChildDied) else "") or error.message
        return EnvironmentCheck(name, False, cause, fix)
    return EnvironmentCheck(name, True, version or found)


def imported(module: str) -> str:
    """In a child: import a module; its version."""
    return str(getattr(importlib.import_module(module), "__version__", ""))


def _is_32(machine: str) -> bool:
    return machine.startswith("armv") or sys.maxsize < 2**32


def _pip(words: str) -> str:
    return _in_venv(f"pip install {words}")


def _in_venv(line: str) -> str:
    """Debian's own Python takes no pip install outside of a venv (PEP 668)."""
    inside = sys.prefix != sys.base_prefix or not line.startswith("pip install")
    return line if inside else f"{VENV} && {line}"


def _system() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8") as stream:
            names = [line.partition("=")[2].strip().strip("\"'") for line in stream if line.startswith("PRETTY_NAME=")]
    except (OSError, UnicodeDecodeError):
        names = []
    return names[0] if names else platform.system()


def main() -> None:
    print(json.dumps(asdict(report())))


if __name__ == "__main__":
    main()
