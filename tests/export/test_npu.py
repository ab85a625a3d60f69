"""NPU targets: named by their size, estimated by the compiler."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export import npu
from edgefkp.export.npu import NpuEstimate, export_npu
from edgefkp.export.targets import TARGETS
from edgefkp.records import read_record
from tests.altered_files import FIXTURES

U55 = TARGETS["ethos-u55-128"]
needs_vela = pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela is not installed")


def test_every_npu_names_its_system_and_memory() -> None:
    npus = [one for one in TARGETS.values() if one.npu]
    assert npus[0].name == "ethos-u55-32"
    assert all(one.npu and one.npu.accelerator == one.name and one.npu.system and one.npu.memory for one in npus)
    assert all(one.schemes == ("int8io",) for one in npus)


def test_a_missing_compiler_is_a_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npu, "find_spec", lambda name: None)
    assert U55.npu is not None
    with pytest.raises(EnvironmentProblem) as caught:
        npu.estimate(FIXTURES / "tiny.int8io.tflite", U55.npu)
    assert caught.value.hint == "pip install 'edgefkp[npu]'"


@needs_vela
def test_an_integer_file_is_wholly_on_the_npu_and_its_card_has_the_estimate(tmp_path: Path) -> None:
    path = tmp_path / "tiny.int8io.tflite"
    shutil.copy(FIXTURES / path.name, path)
    assert U55.npu is not None
    found = export_npu(path, U55.name, U55.npu)
    assert found.whole
    assert found.ms > 0
    assert found.cycles == pytest.approx(found.ms * found.clock_mhz * 1000, rel=0.01)
    card = read_card(path)
    assert card is not None
    assert card.npu is not None
    assert read_record(NpuEstimate, card.npu[U55.name], "the estimate") == found


@needs_vela
def test_float_ends_are_left_to_the_processor(tmp_path: Path) -> None:
    assert U55.npu is not None
    found = npu.estimate(FIXTURES / "tiny.int8.tflite", U55.npu)
    assert len(found.on_cpu) == 2
    (tmp_path / "x.tflite").write_bytes(b"\0\0\0\0TFL3" + bytes(100))
    with pytest.raises(EdgefkpError, match="cannot be compiled"):
        npu.estimate(tmp_path / "x.tflite", U55.npu)
