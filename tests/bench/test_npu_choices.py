"""A file for an NPU that is not here: chosen by the compiler's estimates in the cards."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from edgefkp.bench.npu_choices import recommend_npu
from edgefkp.bench.recommend_table import recommendation
from edgefkp.card import read_card, write_card
from edgefkp.errors import EdgefkpError, GateError, UsageError
from edgefkp.export.npu import NpuEstimate
from edgefkp.export.targets import Npu
from edgefkp.runtime.shipped import FOLDER

NPU = Npu("ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram")


def estimated(folder: Path, scheme: str, name: str, ms: float, on_cpu: tuple[str, ...] = ()) -> None:
    source = FOLDER / f"small-masked-online.{scheme}.tflite"
    path = folder / f"{name}.{scheme}.tflite"
    shutil.copy(source, path)
    card = read_card(source)
    assert card is not None
    one = NpuEstimate("ethos-u-vela 5.2.0", NPU, 500.0, 20, on_cpu, 100.0, 200.0, 1000, ms)
    write_card(path, replace(card, npu={"ethos-u55-128": asdict(one)}))


def test_the_whole_file_within_the_budget_is_chosen(tmp_path: Path) -> None:
    estimated(tmp_path, "int8", "partly", 0.5, ("softmax",))
    estimated(tmp_path, "dynamic", "quick", 1.0)
    estimated(tmp_path, "float32", "slow", 9.0)
    found = recommend_npu("ethos-u55-128", tmp_path, budget_ms=2.0)
    assert found.chosen is not None
    assert found.chosen.file == "quick.dynamic.tflite"
    assert [choice.verdict for choice in found.choices] == ["partly on the CPU", "estimate", "estimate"]
    text = recommendation(found).text(200)
    assert "estimated by ethos-u-vela 5.2.0" in text
    assert "Shared_Sram, 500 MHz" in text
    assert "busy machine" not in text
    with pytest.raises(GateError):
        recommend_npu("ethos-u55-128", tmp_path, budget_ms=0.7)


def test_without_an_estimate_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgefkpError) as caught:
        recommend_npu("ethos-u55-64", tmp_path)
    assert "edgefkp export --target ethos-u55-64" in caught.value.hint
    with pytest.raises(UsageError, match="unknown target"):
        recommend_npu("ethos-u99", tmp_path)
