"""Targets: what the table says is what the runtime does."""

from pathlib import Path

import pytest

from bench import measure_op_versions
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.inspect import inspect
from edgefkp.export.targets import TABLE, TARGETS, refusals, require_target, tried
from edgefkp.files import read_json
from edgefkp.runtime import interpreters as runtimes

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


def test_the_dense_switch_is_set_where_the_old_runtime_needs_it() -> None:
    assert [one.name for one in TARGETS.values() if not one.per_tensor_dense] == ["litert-2"]


def test_only_runtimes_of_the_targets_version_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    present = [runtimes.RuntimeInfo("litert", "1.4.0"), runtimes.RuntimeInfo("tflite-runtime", "2.14.0")]
    monkeypatch.setattr(runtimes, "installed", lambda: present)
    assert tried(TARGETS["litert-2"]) == []


def test_unknown_target_names_the_known() -> None:
    with pytest.raises(UsageError, match="unknown target 'board'") as caught:
        TARGETS["board"]
    assert "tflite-runtime-2.14, litert-2, micro" in caught.value.hint
