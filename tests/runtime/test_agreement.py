"""Do the runtimes that are installed compute the same?"""

from pathlib import Path

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.export.inspect import inspect
from edgefkp.runtime import agreement, interpreters, isolate
from tests.altered_files import FIXTURES

HERE = [info.name for info in interpreters.installed()]


@pytest.mark.skipif("tensorflow" not in HERE, reason="tensorflow is not installed")
@pytest.mark.parametrize("name", ["tiny.int8", "classifier"])
def test_two_runtimes_agree_on_a_sound_file(name: str) -> None:
    (one,) = agreement.disagreements(FIXTURES / f"{name}.tflite", ["litert", "tensorflow"])
    assert one.distance < 0.01
    assert one.pixels == (name != "classifier")
    assert not one.wrong


def test_one_runtime_has_nothing_to_compare_with() -> None:
    assert agreement.disagreements(Path("nowhere.tflite"), ["litert"]) == []


@pytest.mark.parametrize(("pixels", "words"), [(True, r"2\.00 px apart"), (False, r"200 % of the outputs apart")])
def test_other_numbers_are_refused(monkeypatch: pytest.MonkeyPatch, pixels: bool, words: str) -> None:
    def call(function: object, path: str, name: str) -> dict[str, object]:
        outputs = np.full((8, 30), 3.0 if name == "old" else 1.0)
        return {"outputs": outputs, "pixels": pixels, "step": 0.0}

    monkeypatch.setattr(isolate, "call", call)
    with pytest.raises(EdgefkpError, match=words) as caught:
        agreement.require_agreement(Path("x.tflite"), ["new", "old"])
    assert "--target" in caught.value.hint


@pytest.mark.parametrize(("step", "wrong"), [(0.0, True), (0.31, False), (0.28, True)])
def test_a_step_of_the_outputs_is_rounding(monkeypatch: pytest.MonkeyPatch, step: float, wrong: bool) -> None:
    def call(function: object, path: str, name: str) -> dict[str, object]:
        return {"outputs": np.full((8, 30), 0.3 if name == "old" else 0.0), "pixels": True, "step": step}

    monkeypatch.setattr(isolate, "call", call)
    (one,) = agreement.disagreements(Path("x.tflite"), ["new", "old"])
    assert one.wrong == wrong


def test_the_step_of_a_file_is_that_of_its_integers() -> None:
    file = FIXTURES / "tiny.int8.tflite"
    step = agreement.run_here(str(file), "litert")["step"]
    assert step == pytest.approx(inspect(file).points_port.step)
    assert step > 0


def test_nan_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"outputs": np.array([[float("nan")]]), "pixels": True, "step": 0.0}
    monkeypatch.setattr(isolate, "call", lambda function, path, name: found)
    with pytest.raises(EdgefkpError):
        agreement.require_agreement(Path("x.tflite"), ["new", "old"])
