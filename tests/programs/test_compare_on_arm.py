"""Every shipped file under real aarch64 Python: pytest -m arm, with $EDGEFKP_ARM64 the folder of the userland."""

import os
from pathlib import Path

import pytest

from bench.compare_on_arm import RUNTIMES, compare
from edgefkp.data.synthetic import draw_all
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.shipped import models

ROOT = Path(__file__).parents[2]
MAKER = ROOT.parent / "shared" / "tools" / "arm64-userland.sh"
SHIPPED = models()
FIXTURES = [ROOT / "tests" / "fixtures" / f"tiny.{scheme}.tflite" for scheme in ("float32", "dynamic9", "int8io")]
IMAGES = draw_all(8)[0]


@pytest.fixture(scope="module")
def python() -> str:
    folder = os.environ.get("EDGEFKP_ARM64")
    if not folder:
        how = f"bash {MAKER} DIR makes one (minutes); then " if MAKER.exists() else ""
        pytest.skip(f"no Arm userland: {how}set EDGEFKP_ARM64=DIR")
    return str(Path(folder) / "python")


@pytest.mark.arm
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("path", [*FIXTURES, *SHIPPED], ids=lambda path: path.stem)
def test_arm_says_the_same(python: str, path: Path, runtime: str) -> None:
    """Integers bit by bit, floats within 0.01 px, dynamic and mixed files within 0.25 px or one output step."""
    if runtime not in {info.name for info in runtimes.installed()}:
        pytest.skip(f"{runtime} is not installed here to compare with")
    row = compare(python, path, IMAGES, runtime)
    assert row.outputs == 8 * 30
    assert row.pixels <= row.limit, row
