"""Time by operator, from LiteRT's own profiler."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import harness, operator_times, result
from edgefkp.bench.operator_table import SHOWN, operator_tables
from edgefkp.bench.operator_times import OperatorTime, OperatorTimes
from edgefkp.bench.plan import cases_of
from edgefkp.errors import EnvironmentProblem
from edgefkp.runtime import interpreters, profiler
from edgefkp.runtime.engine import Engine
from tests.bench_parts import FLOAT, INT8, ONE, labeled

if not importlib.util.find_spec("ai_edge_litert"):
    pytest.skip("LiteRT is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def profiled() -> result.Result:
    """Both modes of one file; the profile is that of the network alone."""
    return harness.measure(cases_of([FLOAT], ["litert"]), labeled(4), replace(ONE, profile=True), "profiled")


def test_every_operator_has_a_time(profiled: result.Result, tmp_path: Path) -> None:
    found = {row.mode: row.operators for row in profiled.rows}
    assert found["e2e"] is None
    times = found["invoke"]
    assert times is not None
    names = [one.name for one in times.operators]
    assert names[0].startswith("Convolution")
    assert {"SHAPE", "STRIDED_SLICE", "PACK"} < set(names)
    assert names[-1].startswith("Fully Connected")
    assert sum(one.share for one in times.operators) == pytest.approx(1)
    assert 0 < sum(one.ms for one in times.operators) <= times.invoke_ms
    assert times.inferences == operator_times.INFERENCES
    stored = result.read(result.save(profiled, tmp_path / "profiled.json"))
    (read,) = (row.operators for row in stored.rows if row.operators)
    assert [one.name for one in read.operators] == names
    assert [one.ms for one in read.operators] == pytest.approx([one.ms for one in times.operators])


def test_the_table_has_the_slowest_first(profiled: result.Result) -> None:
    (table,) = operator_tables([profiled])
    times = [float(row[2]) for row in table.rows]
    assert times == sorted(times, reverse=True)
    assert "tiny.float32.tflite, litert 2." in table.text()
    row = next(row for row in profiled.rows if row.operators)
    many = OperatorTimes(50, 1.0, [OperatorTime(f"n{number}", number / 1e3, 0.01) for number in range(SHOWN + 5)])
    (longer,) = operator_tables([replace(profiled, rows=[replace(row, operators=many)])])
    assert longer.rows[0][:2] == [str(SHOWN + 5), f"n{SHOWN + 4}"]
    assert len(longer.rows) == SHOWN
    assert "5 faster ones" in longer.text()


def test_every_inference_has_the_same_operators() -> None:
    model = interpreters.load(INT8, "litert", threads=2)
    own = profiler.Profiler(INT8, model.engine, 2)
    sets = [{model.inputs[0]["index"]: tensor} for tensor in model.tensors(labeled(4).images)]
    events = own.events(sets, 4)
    names = [[name for name, _, _ in profiler.operators_of(one)] for one in events]
    assert names[0]
    assert names == names[:1] * 4
    assert all(profiler.invoke_of(one) > 0 for one in events)


def test_a_slow_inference_moves_no_mean() -> None:
    values = np.ones((50, 2))
    values[7] = 1000
    np.testing.assert_array_equal(operator_times._trimmed(values), [1, 1])


def test_a_runtime_that_reports_no_times_is_named() -> None:
    model = interpreters.load(FLOAT, "litert")
    assert operator_times.why_not(model) == ""
    other = replace(model, runtime="tflite-runtime")
    assert operator_times.why_not(other) == "tflite-runtime reports no times of operators"
    delegated = replace(model, engine=Engine("litert", delegate="/lib/libedgetpu.so.1"))
    assert operator_times.why_not(delegated) == "libedgetpu.so.1 reports no times of operators"


def test_a_litert_without_a_profiler_is_an_environment_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiler, "_LIBRARY", "libNoSuch.so")
    with pytest.raises(EnvironmentProblem, match="this LiteRT has no profiler"):
        profiler.Profiler(FLOAT, Engine("litert"), 1)


@pytest.mark.skipif(not importlib.util.find_spec("tensorflow"), reason="TensorFlow is not installed")
def test_where_there_is_no_profile_a_note_stands_in_the_result() -> None:
    cases = cases_of([FLOAT], ["tensorflow"], modes=("invoke",))
    measured = harness.measure(cases, labeled(4), replace(ONE, profile=True), "none")
    assert measured.rows[0].operators is None
    assert measured.notes[0] == (
        "no time by operator: tiny.float32.tflite, tensorflow: tensorflow reports no times of operators"
    )
