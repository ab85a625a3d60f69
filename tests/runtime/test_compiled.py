"""LiteRT's CompiledModel: the same points as the interpreter, and plain words where an accelerator is missing."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgefkp.errors import UsageError
from edgefkp.runtime import interpreters
from edgefkp.runtime.engine import CPU, GPU, NPU, Engine
from tests.software_gpu import environment, fixed, without_drivers

if not importlib.util.find_spec("ai_edge_litert"):
    pytest.skip("LiteRT is not installed", allow_module_level=True)

FIXTURES = Path(__file__).parents[1] / "fixtures"
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 96, 96)).astype(np.uint8)
CODE = """
import sys
import numpy as np
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters
from edgefkp.runtime.engine import Engine
images = np.random.default_rng(0).integers(0, 256, (4, 96, 96)).astype(np.uint8)
try:
    model = interpreters.load(sys.argv[1], Engine(accelerator=sys.argv[2]))
except EdgefkpError as error:
    print(error)
    sys.exit(error.exit_code)
points = model.predict(images)
on_cpu = interpreters.load(sys.argv[1]).predict(images)
print(model.accelerated.fully, model.accelerated.adapter, np.abs(points - on_cpu).max() < 0.001)
"""


def loaded(file: Path, accelerator: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", CODE, str(file), accelerator]
    return subprocess.run(words, env=variables, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("scheme", ["float32", "dynamic", "int8", "int8io"])
def test_a_file_compiled_for_the_cpu_gives_the_interpreters_points(scheme: str) -> None:
    file = FIXTURES / f"tiny.{scheme}.tflite"
    model = interpreters.load(file, Engine(accelerator=CPU))
    assert model.accelerated is not None
    assert (model.accelerated.fully, model.accelerator, model.runtime) == (True, CPU, "litert")
    np.testing.assert_array_equal(model.predict(IMAGES), interpreters.load(file, "litert").predict(IMAGES))


def test_an_output_that_was_read_does_not_change_with_the_next_inference() -> None:
    model = interpreters.load(FIXTURES / "tiny.float32.tflite", Engine(accelerator=CPU))
    first, second = model.tensors(IMAGES[:2])
    model.set(first)
    model.invoke()
    kept = model.get()
    before = kept.copy()
    model.set(second)
    model.invoke()
    np.testing.assert_array_equal(kept, before)
    assert not np.array_equal(model.get(), before)


def test_a_missing_adapter_is_an_environment_problem_in_two_lines(tmp_path: Path) -> None:
    done = loaded(FIXTURES / "tiny.int8.tflite", GPU, without_drivers(tmp_path))
    message, hint = done.stdout.splitlines()
    assert done.returncode == 4
    assert message.startswith("no GPU adapter for --accelerator gpu: Vulkan lists none")
    assert hint.startswith("sudo apt install libvulkan1 mesa-vulkan-drivers")
    assert done.stderr == ""  # LiteRT's own lines


@pytest.mark.skipif(sys.platform == "darwin", reason="an Intel NPU may be there")
def test_without_an_npu_nothing_is_run_on_the_cpu_instead() -> None:
    done = loaded(FIXTURES / "tiny.int8.tflite", NPU, {})
    if done.returncode == 0:
        pytest.skip("an NPU is installed")
    assert done.returncode == 4
    assert done.stdout.startswith("LiteRT has no NPU here: ")
    assert len(done.stdout.splitlines()) == 2


def test_a_software_gpu_computes_the_cpus_points(tmp_path: Path) -> None:
    done = loaded(fixed("tiny.float32.tflite", tmp_path), GPU, environment(tmp_path))
    assert done.stdout.split(" ", 1) == ["True", "SwiftShader Device (Subzero) True\n"], done.stderr
    assert done.stderr == ""


def test_a_file_of_open_sizes_is_no_file_for_a_gpu(tmp_path: Path) -> None:
    done = loaded(FIXTURES / "tiny.float32.tflite", GPU, environment(tmp_path))
    assert "leaves sizes of its input open" in done.stdout
    assert done.returncode == 1


def test_what_cannot_be_together_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown accelerator 'tpu'"):
        Engine(accelerator="tpu")
    with pytest.raises(UsageError, match="cannot be used together"):
        Engine(accelerator=GPU, delegate="lib.so")
    with pytest.raises(UsageError, match="tflite-runtime has no accelerators"):
        Engine("tflite-runtime", GPU)
