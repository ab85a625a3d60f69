"""The adapters that Vulkan lists, each asked in a process of its own."""

import subprocess
import sys
from pathlib import Path

from tests.software_gpu import environment, without_drivers

CODE = "from edgefkp.runtime import vulkan; print(*vulkan.adapters(), sep='; ')"


def asked(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE], env=variables, capture_output=True, text=True, timeout=60)


def test_an_adapter_in_software_is_named_as_such(tmp_path: Path) -> None:
    assert asked(environment(tmp_path)).stdout == "SwiftShader Device (Subzero) (software)\n"


def test_without_a_library_or_a_driver_there_is_none(tmp_path: Path) -> None:
    done = asked(without_drivers(tmp_path))
    assert "NoVulkan" in done.stderr
    assert "installed" in done.stderr
