"""What a time on an accelerator is worth."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.bench import examination, harness, result, table, timed_images
from edgefkp.bench.acceleration import Acceleration
from edgefkp.bench.plan import cases_of
from edgefkp.runtime import interpreters
from edgefkp.runtime.engine import CPU, GPU, Engine
from tests.bench_parts import FLOAT, INT8, ONE, labeled
from tests.software_gpu import environment, fixed, without_drivers

SOFTWARE = Acceleration(GPU, True, "llvmpipe", ["llvmpipe (software)"], ["llvmpipe"])
REAL = Acceleration(GPU, True, "V3D 7.1", ["V3D 7.1 (integrated GPU)"])
needs_litert = pytest.mark.skipif(not importlib.util.find_spec("ai_edge_litert"), reason="LiteRT is not installed")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (REAL, []),
        (SOFTWARE, ["INVALID llvmpipe is a GPU in software"]),
        (replace(REAL, adapters=[]), ["SUSPECT Vulkan lists no adapter"]),
        (
            replace(REAL, adapters=[*REAL.adapters, "llvmpipe (software)"], software=["llvmpipe"]),
            ["SUSPECT Vulkan lists V3D 7.1 (integrated GPU) and llvmpipe (software)"],
        ),
        (
            replace(SOFTWARE, adapters=["llvmpipe (software)", "V3D 7.1 (integrated GPU)"]),
            ["INVALID llvmpipe is a GPU", "SUSPECT Vulkan lists"],
        ),
        (replace(REAL, later=5.0), ["INVALID its outputs on gpu are 0 px from the CPU's at its first inference, 5 px"]),
        (replace(REAL, first=0.2, later=0.2), []),
        (replace(REAL, first=0.2, later=0.2, pixels=False), ["INVALID its outputs on gpu are 20 % of the outputs"]),
        (Acceleration("libedgetpu.so.1", later=examination.NOTHING), ["INVALID its outputs on libedgetpu.so.1"]),
    ],
)
def test_reasons_against_a_time(found: Acceleration, words: list[str]) -> None:
    reasons = [" ".join(reason) for reason in examination.checks(found)]
    assert len(reasons) == len(words)
    assert all(reason.startswith(word) for reason, word in zip(reasons, words, strict=True))


@pytest.mark.parametrize(
    ("scheme", "later", "another"),
    [("float32", 0.0, False), ("int8", 0.0, False), ("dynamic", 0.0, True), ("float32", 0.1, True), ("", 0.0, False)],
)
def test_a_file_that_rounds_activations_is_another_network_on_a_gpu(scheme: str, later: float, another: bool) -> None:
    assert examination.of_scheme(replace(REAL, later=later), scheme).another_network is another
    assert not examination.of_scheme(Acceleration(CPU, later=later), scheme).another_network


@needs_litert
def test_a_driver_that_is_right_at_first_only_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model = interpreters.load(FLOAT, Engine(accelerator=CPU))
    invoke, done = model.interpreter.invoke, []

    def forgets() -> None:
        invoke()
        done.append(1)
        if len(done) > 20:
            model.interpreter._read = {index: array * 0 for index, array in model.interpreter._read.items()}

    monkeypatch.setattr(model.interpreter, "invoke", forgets)
    found = examination.examined(model, timed_images.drawn_images(8).images)
    assert found.first == 0
    assert found.later > 1
    assert len(done) == examination.LATER + 7


@needs_litert
def test_outputs_that_are_no_numbers_are_far_from_right(monkeypatch: pytest.MonkeyPatch) -> None:
    model = interpreters.load(FLOAT, Engine(accelerator=CPU))
    monkeypatch.setattr(model.interpreter, "get_tensor", lambda index: np.full((1, 30), np.nan, np.float32))
    found = examination.examined(model, timed_images.drawn_images(2).images)
    assert found.first == found.later == examination.NOTHING


@needs_litert
def test_cpu_rows_of_both_kinds_stand_side_by_side(tmp_path: Path) -> None:
    cases = cases_of([INT8], modes=("invoke",), accelerators=[CPU])
    measured = harness.measure(cases, labeled(4), ONE, "both")
    assert [(row.runtime, row.accelerator) for row in measured.rows] == [("litert", ""), ("litert", CPU)]
    plain, compiled = measured.rows
    assert plain.rmse == compiled.rmse
    assert plain.acceleration is None
    assert compiled.acceleration == Acceleration(CPU, True)
    stored = result.read(result.save(measured, tmp_path / "both.json"))
    assert [(row.accelerator, row.acceleration) for row in stored.rows] == [("", None), (CPU, Acceleration(CPU, True))]
    assert "litert 2.3 cpu" in table.table_of([measured]).text()
    assert "accel." not in table.table_of([measured]).text()


DELEGATE = """
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
typedef struct { int size; int data[]; } Integers;
typedef struct Context Context;
typedef struct Delegate Delegate;
typedef struct Node {
  void *(*init)(Context *, const char *, size_t); void (*free)(Context *, void *); int (*prepare)(Context *, void *);
  int (*invoke)(Context *, void *); const char *(*profiled)(const Context *, const void *); int32_t code;
  const char *name; int version; void *external; void *async; uint64_t inplace;
} Node;
struct Context {
  size_t count; int (*plan)(Context *, Integers **); void *tensors; void *impl; void *resize; void *report; void *add;
  void *node; int (*replace)(Context *, Node, const Integers *, Delegate *);
};
struct Delegate { void *data; int (*prepare)(Context *, Delegate *); void *from; void *to; void *free; int64_t flags;
  void *builder; };
static int wait_for_it(Context *context, void *node) { usleep(3000); return 0; }
static int ready(Context *context, void *node) { return 0; }
static int prepare(Context *context, Delegate *delegate) {
  Integers *plan; context->plan(context, &plan);
  Integers *all = malloc(sizeof(int) * (plan->size + 1)); all->size = plan->size;
  for (int i = 0; i < plan->size; i++) all->data[i] = plan->data[i];
  Node node = {0}; node.prepare = ready; node.invoke = wait_for_it; node.name = "waits"; node.version = 1;
  return context->replace(context, node, all, delegate);
}
Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  Delegate *made = calloc(1, sizeof *made); made->prepare = prepare; made->flags = 1; return made;
}
void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
"""


@needs_litert
def test_a_delegate_that_waits_is_not_said_to_lack_a_core(tmp_path: Path) -> None:
    """It lets the CPU wait 3 ms for each inference, as a Coral does, and computes nothing."""
    (tmp_path / "waits.c").write_text(DELEGATE)
    library = tmp_path / "libwaits.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "waits.c")], check=True)
    cases = cases_of([FLOAT], ["litert"], modes=("invoke",), delegates=[str(library)])
    (row,) = harness.measure(cases, labeled(4), replace(ONE, seconds=0.3), "waits").rows
    assert row.processes[0].cpu_seconds < 0.5 * row.processes[0].wall_seconds
    assert row.processes[0].voluntary_switches >= row.ms.count
    assert not [reason for reason in row.reasons if "of a core" in reason]
    assert row.reasons[0].startswith("its outputs on libwaits.so are ")


def bench(words: list[str], variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgefkp", "bench", *words, "--mode", "invoke", "--quick", "--out", str(folder)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=500)


@needs_litert
def test_a_table_of_cpu_and_software_gpu_warns(tmp_path: Path) -> None:
    words = [str(fixed("tiny.float32.tflite", tmp_path)), "--accelerator", CPU, "--accelerator", GPU, "--json"]
    done = bench(words, environment(tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr
    rows: dict[str, Any] = {row["accelerator"]: row for row in json.loads(done.stdout)["rows"]}
    found = rows[GPU]["acceleration"]
    assert (found["fully"], found["adapter"]) == (True, "SwiftShader Device (Subzero)")
    assert found["software"] == ["SwiftShader Device (Subzero)"]
    assert max(found["first"], found["later"]) < 0.01
    assert rows[GPU]["verdict"] == "INVALID"
    assert "SwiftShader Device (Subzero) is a GPU in software: this is a time of the CPU" in rows[GPU]["reasons"]
    assert not [reason for reason in rows[CPU]["reasons"] if "software" in reason]


@needs_litert
def test_without_an_adapter_bench_ends_with_exit_4(tmp_path: Path) -> None:
    done = bench([str(FLOAT), "--accelerator", GPU], without_drivers(tmp_path), tmp_path)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-2].startswith("error: no GPU adapter for --accelerator gpu")
