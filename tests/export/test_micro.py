import shutil
import subprocess
from pathlib import Path

import pytest

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export import micro

FIXTURES = Path(__file__).parents[1] / "fixtures"
IMAGES = draw_all(6)[0]


@pytest.fixture
def interpreter() -> None:
    pytest.importorskip("tflite_micro")


@pytest.mark.usefixtures("interpreter")
def test_integers_are_those_of_litert_or_one_step_away(tmp_path: Path, source: Dataset) -> None:
    path = tmp_path / "tiny.int8io.tflite"
    shutil.copy(FIXTURES / path.name, path)
    measured, (array, header) = micro.export_micro(path, source)
    assert measured.faces == 12
    assert measured.outputs == 360
    assert measured.steps <= 1
    assert measured.equal_outputs > 180
    assert 1000 < measured.arena_bytes < 100_000
    card = read_card(path)
    assert card is not None
    assert card.micro["arena_bytes"] == measured.arena_bytes
    assert f"ArenaBytes = {measured.arena_bytes};" in header.read_text()
    assert f"MicroMutableOpResolver<{len(measured.operators)}>" in header.read_text()
    assert compiled(array) == path.read_bytes()


def compiled(array: Path) -> bytes:
    """What the C compiler makes of the array; where there is none, what the text says."""
    if shutil.which("g++") is None:
        text = array.read_text()
        return bytes(int(word, 16) for word in text[text.index("{") + 1 : text.index("}")].replace(",", " ").split())
    symbol = "tiny_int8io"
    (array.parent / "main.cc").write_text(
        f'#include <cstdio>\n#include "{array.stem}.h"\n'
        f"int main() {{ fwrite({symbol}, 1, kTinyInt8ioBytes, stdout); }}\n"
    )
    subprocess.run(
        ["g++", "-std=c++17", "-Wall", "-Werror", array.name, "main.cc", "-o", "program"], cwd=array.parent, check=True
    )
    return subprocess.run([array.parent / "program"], capture_output=True, check=True).stdout


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize(
    ("scheme", "reason"), [("dynamic", "FLOAT32 with filter type: INT8 not supported"), ("float16", "Node DEQUANTIZE")]
)
def test_what_cannot_run_there_is_refused_with_the_reason(scheme: str, reason: str) -> None:
    with pytest.raises(EdgefkpError, match="does not run on microcontrollers") as caught:
        micro.measure(FIXTURES / f"tiny.{scheme}.tflite", IMAGES)
    assert reason in caught.value.message


def test_without_the_package_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match="needs tflite-micro") as caught:
        micro.measure(FIXTURES / "tiny.int8io.tflite", IMAGES)
    assert caught.value.hint == "pip install 'edgefkp[micro]'"


def test_resolver_calls_have_the_headers_names() -> None:
    calls = micro.resolver_calls(FIXTURES / "tiny.int8io.tflite")
    assert {"AddAveragePool2D()", "AddConv2D()", "AddFullyConnected()", "AddStridedSlice()"} <= set(calls)
    assert micro._camel("L2_POOL_2D") == "L2Pool2D"
    assert micro._camel("BATCH_TO_SPACE_ND") == "BatchToSpaceNd"
