import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.runtime import interpreters

FIXTURES = Path(__file__).parents[1] / "fixtures"
HERE = [info.name for info in interpreters.installed() if info.name != "tensorflow"]
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 96, 96)).astype(np.uint8)

each_runtime = pytest.mark.parametrize("name", HERE)
needs_tflite_runtime = pytest.mark.skipif("tflite-runtime" not in HERE, reason="tflite-runtime is not installed")


@each_runtime
@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic9", "int8", "int8io"])
def test_every_scheme_predicts_close_to_float(name: str, scheme: str) -> None:
    float32 = interpreters.load(FIXTURES / "tiny.float32.tflite", name).predict(IMAGES)
    points = interpreters.load(FIXTURES / f"tiny.{scheme}.tflite", name).predict(IMAGES)
    assert points.shape == (4, 15, 2)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, float32, atol=0.5)
    assert not np.array_equal(points[0], points[1])


@each_runtime
def test_predict_is_the_decoded_output_of_pixels_over_255(name: str) -> None:
    model = interpreters.load(FIXTURES / "tiny.float32.tflite", name)
    model.set((IMAGES[:1, :, :, None] / 255).astype(np.float32))
    model.invoke()
    expected = model.get().reshape(15, 2) * 48 + 47.5
    np.testing.assert_allclose(model.predict(IMAGES[:1])[0], expected, atol=1e-3)


def test_pixel_table_of_int8_input_follows_the_files_quantization() -> None:
    model = interpreters.load(FIXTURES / "tiny.int8io.tflite")
    table = model.pixel_table()
    assert table.dtype == np.int8
    np.testing.assert_array_equal(table, np.arange(-128, 128))


def test_pixel_table_of_uint8_input_is_the_pixels() -> None:
    model = interpreters.load(FIXTURES / "tiny.int8.tflite")
    model.inputs[0]["dtype"] = np.uint8
    np.testing.assert_array_equal(model.pixel_table(), np.arange(256))


def test_other_networks_run_but_do_not_predict() -> None:
    model = interpreters.load(FIXTURES / "classifier.tflite")
    model.set(np.zeros((1, 32, 32, 3), np.float32))
    model.invoke()
    assert model.get().shape == (1, 10)
    with pytest.raises(EdgefkpError, match="takes 1x32x32x3 and gives 1x10"):
        model.predict(IMAGES)


def test_default_order_and_names() -> None:
    order = [interpreters.RUNTIMES.names().index(info.name) for info in interpreters.installed()]
    assert order == sorted(order)
    assert interpreters.choose().name == HERE[0]
    with pytest.raises(UsageError, match="unknown runtime 'tfmicro'"):
        interpreters.choose("tfmicro")


@needs_tflite_runtime
def test_an_operator_that_is_too_new_names_cause_and_fix() -> None:
    with pytest.raises(EdgefkpError, match=r"needs FULLY_CONNECTED version 12, which tflite-runtime 2\.14") as caught:
        interpreters.load(FIXTURES / "tiny.dynamic.tflite", "tflite-runtime")
    assert "--runtime litert" in caught.value.hint


def only(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: object() if module in modules else None)


def test_tflite_runtime_with_numpy_2_is_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.1.3")
    with pytest.raises(EnvironmentProblem, match=r"needs numpy 1, and numpy 2\.1\.3 is installed") as caught:
        interpreters.choose()
    assert "numpy<2" in caught.value.hint


def test_numpy_2_falls_through_to_a_runtime_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "tflite_runtime", "tensorflow")
    monkeypatch.setattr(np, "__version__", "2.1.3")
    assert interpreters.choose().name == "tensorflow"


@pytest.mark.parametrize(
    ("machine", "python", "line"),
    [
        ("x86_64", (3, 13), "pip install ai-edge-litert"),
        ("aarch64", (3, 11), "pip install ai-edge-litert"),
        ("armv7l", (3, 11), "pip install tflite-runtime==2.14.0 'numpy<2'"),
        ("armv7l", (3, 13), "no wheel for Python 3.13"),
    ],
)
def test_no_runtime_gives_the_line_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, machine: str, python: tuple[int, int], line: str
) -> None:
    only(monkeypatch)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sys, "version_info", (*python, 0, "final", 0))
    with pytest.raises(EnvironmentProblem, match="no runtime") as caught:
        interpreters.choose()
    assert line in caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"not a model at all", "not a .tflite file"), (None, "cannot read")]
)
def test_what_is_no_model_is_said(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EdgefkpError, match=message):
        interpreters.load(path)


def test_a_missing_delegate_and_bad_options_are_said() -> None:
    with pytest.raises(EdgefkpError, match=r"delegate nowhere\.so cannot be loaded"):
        interpreters.load(FIXTURES / "tiny.int8.tflite", delegate="nowhere.so")
    with pytest.raises(UsageError, match="options 'fast'"):
        interpreters.load(FIXTURES / "tiny.int8.tflite", delegate="nowhere.so:fast")


@each_runtime
def test_interpreters_print_nothing(name: str) -> None:
    code = (
        "from edgefkp.runtime.interpreters import load; import numpy as np, sys;"
        "print(load(*sys.argv[1:]).predict(np.zeros((1, 96, 96), np.uint8)).shape)"
    )
    command = [sys.executable, "-c", code, str(FIXTURES / "tiny.float32.tflite"), name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 15, 2)\n"
    assert done.stderr == ""


def test_without_xnnpack_the_numbers_stay() -> None:
    path = FIXTURES / "tiny.float32.tflite"
    np.testing.assert_allclose(
        interpreters.load(path, xnnpack=False).predict(IMAGES), interpreters.load(path).predict(IMAGES), atol=1e-3
    )


DELEGATE = r"""
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* tensorflow/lite/core/c/common.h: a delegate that takes no node. */
typedef struct Delegate {
  void *data;
  int (*prepare)(void *context, struct Delegate *delegate);
  void *copy_from, *copy_to, *release;
  int64_t flags;
  void *builder;
} Delegate;
static int prepare(void *context, Delegate *delegate) { return 0; }
Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  if (count == 1 && !strcmp(keys[0], "fail")) { report(values[0]); return NULL; }
  Delegate *made = calloc(1, sizeof(Delegate));
  made->prepare = prepare;
  made->flags = count ? 0 : 1;  /* 1: dynamic tensors are welcome */
  return made;
}
void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")
@each_runtime
def test_a_delegate_is_loaded_with_its_options(tmp_path: Path, name: str) -> None:
    (tmp_path / "delegate.c").write_text(DELEGATE)
    library = tmp_path / "libdelegate.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "delegate.c")], check=True)
    plain = interpreters.load(FIXTURES / "tiny.float32.tflite", name).predict(IMAGES)
    with_delegate = interpreters.load(FIXTURES / "tiny.float32.tflite", name, delegate=str(library)).predict(IMAGES)
    np.testing.assert_allclose(with_delegate, plain, atol=1e-3)
    with pytest.raises(EdgefkpError, match="cannot load"):  # this file has a free batch size
        interpreters.load(FIXTURES / "tiny.float32.tflite", name, delegate=f"{library}:strict=1")
    with pytest.raises(EdgefkpError, match="no such device"):
        interpreters.load(FIXTURES / "tiny.float32.tflite", name, delegate=f"{library}:fail=no such device")
