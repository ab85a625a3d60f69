"""Targets: what the table says is what the runtime does."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bench import measure_op_versions
from edgefkp.card import TFLITE, Card, read_card
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.inspect import inspect
from edgefkp.export.parity import Parity, Shift, loss_of, parity_of
from edgefkp.export.target_cost import Alternative, costs_of, narrower
from edgefkp.export.targets import TABLE, TARGETS, Target, refusals, require_target, tried
from edgefkp.files import json_text, read_json
from edgefkp.records import read_record
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.shipped import FOLDER as SHIPPED
from tests.altered_files import hybrid_of_version_1

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = sorted(FIXTURES.glob("*.tflite"))
HERE = {info.name: info.version for info in runtimes.installed()}


def test_a_dynamic_file_that_is_too_new_fails_here_and_not_on_the_board() -> None:
    path = FIXTURES / "tiny.dynamic.tflite"
    with pytest.raises(
        EdgefkpError, match=r"cannot run on tflite-runtime-2\.14: FULLY_CONNECTED 12 is newer"
    ) as caught:
        require_target(inspect(path), TARGETS["any"], path)
    assert "--target litert-2" in caught.value.hint
    require_target(inspect(path), TARGETS["litert-2"], path)


@pytest.mark.skipif("tflite-runtime" not in HERE, reason="tflite-runtime is not installed")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_table_agrees_with_the_runtime(path: Path) -> None:
    refused = bool(refusals(inspect(path))["tflite-runtime-2.14"])
    try:
        runtimes.load(path, "tflite-runtime")
        loads = True
    except EdgefkpError:
        loads = False
    assert loads != refused


@pytest.mark.skipif("tflite-runtime" not in HERE, reason="tflite-runtime is not installed")
@pytest.mark.parametrize(("operator", "version"), [("FULLY_CONNECTED", 10), ("CONV_2D", 7), ("QUANTIZE", 3)])
def test_the_table_can_be_measured_again(tmp_path: Path, operator: str, version: int) -> None:
    from ai_edge_litert import schema_py_generated as schema

    number = getattr(schema.BuiltinOperator, operator)
    path = tmp_path / "one.tflite"
    loads = [measure_op_versions._loads(path, schema, number, v, "tflite-runtime") for v in (version, version + 1)]
    assert loads == [True, False]
    assert read_json(TABLE)["tflite-runtime-2.14"]["operators"][operator] == version


def test_a_file_that_one_runtime_computes_wrongly_is_not_for_any(tmp_path: Path) -> None:
    path = tmp_path / "tiny.dynamic.tflite"
    path.write_bytes(hybrid_of_version_1())
    inspection = inspect(path)
    assert {name: bool(reasons) for name, reasons in refusals(inspection).items()} == {
        "litert-2": False,
        "tflite-runtime-2.14": True,
    }
    with pytest.raises(EdgefkpError, match=r"computes FULLY_CONNECTED on floats wrongly") as caught:
        require_target(inspection, TARGETS["any"], path)
    assert "--target litert-2" in caught.value.hint
    require_target(inspection, TARGETS["litert-2"], path)


@pytest.mark.parametrize(
    ("rmse", "p95", "said"), [(1.0, 0.2, False), (1.02, 0.2, True), (1.0, 0.23, True), (1.009, 0.21, False)]
)
def test_what_the_target_costs_is_named_above_the_limits(rmse: float, p95: float, said: bool) -> None:
    parity = parity_record(rmse_after=rmse, shift=Shift(p95, 1.0))
    card = Card(TFLITE, "x", file="x.dynamic.tflite", alternative=asdict(Alternative("litert-2", 1.0, 0.2)))
    assert ("--target litert-2: 1.0000 px, p95 0.200" in costs_of(card, parity)) == said
    assert costs_of(replace(card, alternative=None), parity) == costs_of(card, None) == ""


@pytest.mark.parametrize(("rmse", "said"), [(1.0, False), (1.04, False), (1.06, True)])
def test_a_file_that_loses_much_is_named_with_what_may_help(rmse: float, said: bool) -> None:
    note = loss_of(parity_record(rmse_before=1.0, rmse_after=rmse, delta=rmse - 1.0))
    assert ("--explain" in note and "--quant all" in note) == said


def parity_record(**changed: Any) -> Parity:
    stored = read_card(SHIPPED / "small-masked-online.dynamic.tflite")
    assert stored is not None
    parity = parity_of(stored)
    assert parity is not None
    return replace(parity, **changed)


def test_the_narrower_target_follows_from_the_registry() -> None:
    found = {one.name: narrower(one) for one in TARGETS.values() if not one.npu}
    assert {name: other and other.name for name, other in found.items()} == {
        "any": "litert-2",
        "tflite-runtime-2.14": None,
        "litert-2": None,
        "micro": "litert-2",
    }


def test_the_dense_switch_is_set_where_the_old_runtime_needs_it() -> None:
    assert [one.name for one in TARGETS.values() if not one.per_tensor_dense and not one.npu] == ["litert-2"]


def test_only_runtimes_of_the_targets_version_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    present = [runtimes.RuntimeInfo("litert", "1.4.0"), runtimes.RuntimeInfo("tflite-runtime", "2.14.0")]
    monkeypatch.setattr(runtimes, "installed", lambda: present)
    assert tried(TARGETS["litert-2"]) == []


def test_unknown_target_names_the_known() -> None:
    with pytest.raises(UsageError, match="unknown target 'board'") as caught:
        TARGETS["board"]
    assert "tflite-runtime-2.14, litert-2, micro" in caught.value.hint


def test_every_target_reaches_a_child_process_as_it_is() -> None:
    for target in TARGETS.values():
        assert read_record(Target, json.loads(json_text(target)), "the target") == target
