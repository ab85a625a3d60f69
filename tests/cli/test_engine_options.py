"""--accelerator in evaluate, parity and predict: the same points, and the result names what computed them."""

import importlib.util
import json
from pathlib import Path

import pytest

from edgefkp.cli import main
from edgefkp.evaluation.evaluate import Evaluation

if not importlib.util.find_spec("ai_edge_litert"):
    pytest.skip("LiteRT is not installed", allow_module_level=True)

FIXTURES = Path(__file__).parents[1] / "fixtures"
INT8, FLOAT = str(FIXTURES / "tiny.int8.tflite"), str(FIXTURES / "tiny.float32.tflite")


def run(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main([*words])
    captured = capfd.readouterr()
    assert end.value.code in (0, None), captured.err
    return captured.out


def test_evaluate_names_what_computed(capfd: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(run(capfd, "evaluate", INT8, "--data", "sample", "--json"))
    compiled = json.loads(run(capfd, "evaluate", INT8, "--data", "sample", "--accelerator", "cpu", "--json"))
    assert (plain.pop("accelerator"), compiled.pop("accelerator")) == ("", "cpu")
    assert plain == compiled
    text = run(capfd, "evaluate", INT8, "--data", "sample", "--accelerator", "cpu")
    assert f"tiny.int8.tflite (litert {plain['version']} on cpu)" in text
    assert Evaluation.__dataclass_fields__["accelerator"].default == ""


def test_parity_names_what_computed(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["parity", INT8, "--reference", FLOAT, "--data", "sample"]
    (plain,) = json.loads(run(capfd, *words, "--json"))
    (compiled,) = json.loads(run(capfd, *words, "--accelerator", "cpu", "--json"))
    assert (plain.pop("accelerator"), compiled.pop("accelerator")) == ("", "cpu")
    assert plain == compiled
    assert f"litert {plain['version']} on cpu" in run(capfd, *words, "--accelerator", "cpu")


def test_an_accelerator_beside_a_delegate_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    for command in (["evaluate", INT8], ["parity", INT8], ["predict", INT8, "--model", INT8]):
        with pytest.raises(SystemExit) as end:
            main([*command, "--accelerator", "gpu", "--delegate", "libedgetpu.so.1"])
        assert end.value.code == 2
        assert "cannot be used together" in capfd.readouterr().err
