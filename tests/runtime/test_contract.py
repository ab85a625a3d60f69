"""What a network takes and returns, as options state it and its graph shows it."""

from pathlib import Path

import numpy as np
import pytest

from edgefkp.errors import UsageError
from edgefkp.layout import LAYOUTS, InputSpec, ModelSpec, OutputSpec
from edgefkp.runtime import interpreters
from edgefkp.runtime.contract import Contract, Stated, contract_of_file, contract_of_shapes, read_scaling

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.mark.parametrize(
    ("text", "mean", "deviation"),
    [("0..255", 0, 1), ("-1..1", 127.5, 127.5), ("127.5/128", 127.5, 128), ("1,2,3/4,5,6", (1, 2, 3), (4, 5, 6))],
)
def test_a_range_is_a_name_or_mean_and_deviation(text: str, mean: object, deviation: object) -> None:
    stated = read_scaling(text)
    spec = stated.over(ModelSpec(input=InputSpec(64, "rgb")))
    found = spec.input.mean_and_deviation
    np.testing.assert_array_equal(found, np.broadcast_to(np.array([mean, deviation]).reshape(2, -1), (2, 3)))


@pytest.mark.parametrize("text", ["255", "a/b", "1,2/3", "1/0", ""])
def test_another_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_scaling(text)


def test_what_is_stated_counts_and_the_rest_stays() -> None:
    spec = ModelSpec(input=InputSpec(64, "rgb", "-1..1"), output=OutputSpec("points"))
    stated = Stated(order="bgr", form="pixels", offset=0.5).over(spec)
    assert stated.input == InputSpec(64, "rgb", "-1..1", order="bgr")
    assert stated.output == OutputSpec("points", "pixels", 0.5)
    assert Contract(spec).stating(Stated("0..255")).shown == {"input": "--input-range"}


@pytest.mark.parametrize(
    ("takes", "gives", "expected"),
    [
        ((96, 96), 30, ModelSpec()),
        ((112, 112, 3), 136, ModelSpec(LAYOUTS["ibug68"], InputSpec(112, "rgb"))),
        ((3, 112, 112), 196, ModelSpec(LAYOUTS["wflw98"], InputSpec(112, "rgb", axes="CHW"))),
        ((32, 32, 3), 10, None),  # a classifier as like as not
        ((96, 64, 1), 30, None),
        ((97, 97, 1), 30, None),
        ((), 30, None),
    ],
)
def test_shapes_show_points_size_colors_and_axes(takes: tuple[int, ...], gives: int, expected: ModelSpec) -> None:
    found = contract_of_shapes(takes, gives)
    assert (found.spec if found else None) == expected
    assert contract_of_shapes((32, 32, 3), 10, LAYOUTS["five"]) is not None


def test_quantization_shows_range_and_units() -> None:
    found = contract_of_file(Path(__file__).parents[2] / "export" / "manual-masked-online.int8.tflite")
    assert found is not None
    assert found.spec == ModelSpec()
    assert found.shown.keys() == {"input", "output"}
    # Outputs of random weights show nothing.
    assert contract_of_file(FIXTURES / "tiny.int8io.tflite").shown.keys() == {"input"}  # type: ignore[union-attr]
    assert contract_of_file(FIXTURES / "tiny.float32.tflite") == Contract(ModelSpec())
    assert contract_of_file(FIXTURES / "classifier.tflite") is None
    assert interpreters.load(FIXTURES / "tiny.int8io.tflite").spec == ModelSpec()
