"""What a runtime lacks is named, and is not called damage."""

import contextlib

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters, isolate, safety
from edgefkp.runtime.refused import missing_operator, not_the_file
from edgefkp.runtime.tflite_model import TfliteModel
from tests.altered_files import FIXTURES

FLEX = (
    "Select TensorFlow op(s), included in the given model, is(are) not supported by this interpreter. Make sure you "
    "apply/link the Flex delegate before inference.Node number 3 (FlexMatrixInverse) failed to prepare."
)
CORAL = "Encountered unresolved custom op: edgetpu-custom-op.\nNode number 0 (edgetpu-custom-op) failed to prepare."


@pytest.mark.parametrize(
    ("message", "found", "cure"),
    [
        (FLEX, "needs operators of TensorFlow itself (MatrixInverse), which litert 2.3.0 does not", "SELECT_TF_OPS"),
        (FLEX[:100], "needs operators of TensorFlow itself, which", "SELECT_TF_OPS"),
        (CORAL, "compiled for a Coral Edge TPU (edgetpu-custom-op)", "--delegate libedgetpu.so.1"),
        ("unresolved custom op: my-own_op.", "needs the custom operator my-own_op, which", "built-in operators only"),
    ],
)
def test_a_missing_operator_is_named_with_its_cure(message: str, found: str, cure: str) -> None:
    error = missing_operator("x.tflite", "litert 2.3.0", message)
    assert error is not None
    assert found in error.message
    assert cure in error.hint


def test_other_messages_are_not_taken_for_one() -> None:
    assert missing_operator("x.tflite", "litert", "Input tensor 3 lacks data") is None


@pytest.mark.parametrize(("signal", "words"), [("SIGILL", "another processor"), ("SIGKILL", "memory")])
def test_what_the_file_is_not_to_blame_for(signal: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not_the_file("litert", "SIGSEGV") is None

    def die(*arguments: object, **more: object) -> None:
        died = isolate.ChildDied("its process was ended")
        died.signal = signal
        raise died

    monkeypatch.setattr(isolate, "call", die)
    with pytest.raises(EdgefkpError, match=words) as caught:
        safety.try_in_child(safety.probe, FIXTURES / "tiny.float32.tflite", "litert", 1.0)
    assert "damaged" not in caught.value.message


@pytest.mark.parametrize(("least", "refused"), [(0.0, False), (256.0, True)])
def test_a_plain_image_may_have_no_answer_and_noise_must_have_one(
    least: float, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a network that divides by the range of its image. least: the range above which it has an answer."""

    class Divides(TfliteModel):
        def set(self, tensor: np.ndarray, which: int = 0) -> None:
            self.answers = np.ptp(tensor) > least
            super().set(tensor, which)

        def get(self, which: int = 0) -> np.ndarray:
            return super().get(which) * (1.0 if self.answers else np.nan)

    monkeypatch.setattr(interpreters, "TfliteModel", Divides)
    path = str(FIXTURES / "tiny.float32.tflite")
    with pytest.raises(EdgefkpError, match="NaN") if refused else contextlib.nullcontext():
        safety.probe(path, "litert")
