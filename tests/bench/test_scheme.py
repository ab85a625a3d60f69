from pathlib import Path
from shutil import copyfile

import pytest

from edgefkp.bench import harness
from edgefkp.bench.plan import TimingSettings, cases_of
from edgefkp.bench.scheme import found_scheme, require_true_name
from edgefkp.errors import EdgefkpError
from tests.bench_parts import FIXTURES, labelled


@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic", "int8", "int8io"])
def test_the_scheme_is_read_from_the_file(tmp_path: Path, scheme: str) -> None:
    copied = copyfile(FIXTURES / f"tiny.{scheme}.tflite", tmp_path / "unnamed.tflite")
    assert found_scheme(copied) == scheme
    assert require_true_name(copied) == scheme


def test_swapped_names_are_caught_before_anything_is_measured(tmp_path: Path) -> None:
    copyfile(FIXTURES / "tiny.float32.tflite", tmp_path / "tiny.int8.tflite")
    copyfile(FIXTURES / "tiny.int8.tflite", tmp_path / "tiny.float32.tflite")
    cases = cases_of(sorted(tmp_path.glob("*.tflite")))
    with pytest.raises(EdgefkpError, match=r"tiny\.float32\.tflite is int8, and its name says float32") as caught:
        harness.measure(cases, labelled(), TimingSettings(processes=1, seconds=0.01), "test")
    assert "rename it to tiny.int8.tflite" in caught.value.hint


def test_a_dynamic_file_that_is_called_int8_is_caught(tmp_path: Path) -> None:
    copied = copyfile(FIXTURES / "tiny.dynamic.tflite", tmp_path / "tiny.int8.tflite")
    with pytest.raises(EdgefkpError, match="is dynamic, and its name says int8"):
        require_true_name(copied)
