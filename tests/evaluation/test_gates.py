"""Limits of a user: what is met, what is not and by how much, and what is no limit at all."""

import numpy as np
import pytest

from edgefkp.data.faces import faces_of
from edgefkp.errors import GateError, UsageError
from edgefkp.evaluation.gates import METRICS, check_gate, parse_gate, require_gates
from edgefkp.evaluation.metrics import score
from edgefkp.layout import KAGGLE15


@pytest.fixture(scope="module")
def faces():
    """Ten faces: the last two, with a hat, are labeled 10 px away from where they are predicted."""
    keypoints = np.stack([KAGGLE15.mean_points()] * 10)
    hats = np.array(["no"] * 8 + ["yes"] * 2)
    sizes = np.arange(10.0) * 10
    images = np.zeros((10, 96, 96), np.uint8)
    return faces_of(images, keypoints, attributes={"hat": hats, "size": sizes, "two words": hats})


@pytest.fixture(scope="module")
def predicted(faces):
    return faces.keypoints + np.where(faces.attributes["hat"] == "yes", 10.0, 1.0)[:, None, None]


@pytest.mark.parametrize(
    ("text", "count", "met"),
    [
        ("rmse<=5", 10, True),
        ("rmse<4", 10, False),
        ("RMSE <= 5 px", 10, True),
        ("hat=yes: rmse<5", 2, False),
        ("hat=no:rmse<1.5", 8, True),
        ("size>70: rmse<5", 2, False),
        ("size<=70 and hat=no: nme<6%", 8, True),
        ("|turn|<30: failure8<=25", 10, True),
        ("|yaw|<30, hat=yes: failure10<=25", 2, False),
        ("auc8>=0.2", 10, True),
        ("auc10>0.99", 10, False),
        ("two words = yes: p95>10", 2, True),
        ("nme_interocular<=100", 10, True),
        ("nme_box<=1", 10, False),
    ],
)
def test_a_gate_is_about_its_faces_and_its_metric(faces, predicted, text, count, met):
    result = check_gate(parse_gate(text), predicted, faces)
    assert (result.faces, result.met) == (count, met)
    if met:
        require_gates([result])
    else:
        with pytest.raises(GateError, match="1 of 1 gates not met") as caught:
            require_gates([result], "model.tflite")
        assert text in caught.value.message
        assert f"{count} faces" in caught.value.message
        assert "model.tflite" in caught.value.message


def test_the_value_and_the_distance_are_those_of_the_score(faces, predicted):
    rows = faces.attributes["hat"] == "yes"
    own = score(predicted[rows], faces.keypoints[rows], faces.groups[rows], KAGGLE15)
    result = check_gate(parse_gate("hat=yes: nme<=3"), predicted, faces)
    assert result.value == pytest.approx(own.nme)
    assert result.off == pytest.approx(own.nme - 3)
    for name, (_, value) in METRICS.items():
        known = value(own)
        assert (known is None) == (name == "nme_pair")


def test_a_gate_that_nothing_shows_is_not_met(faces, predicted):
    nobody = check_gate(parse_gate("turn>80: rmse<100"), predicted, faces)
    unknown = check_gate(parse_gate("nme_pair<100"), predicted, faces)
    with pytest.raises(GateError, match=r"2 of 2 .*no face is of this kind.*not known of these 10 faces"):
        require_gates([nobody, unknown])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nme",
        "nme<=",
        "nme=6",
        "nme<=six",
        "nme<=1.2.3",
        "nmee<=6",
        "turn>30",
        "turn>30 nme<=6",
        ": nme<=6",
        "turn>30 and : nme<=6",
        "turn: nme<=6",
        "hat=: nme<=6",
        "turn>30: nme<=6: rmse<2",
    ],
)
def test_what_is_no_gate_is_a_usage_error_with_an_example(text):
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    assert "nme<=6" in caught.value.hint
    assert "--gate" in caught.value.message


@pytest.mark.parametrize(
    "text", ["shoe=red: nme<6", "hat>3: nme<6", "|hat|>3: nme<6", "pose>3: nme<6", "|size>3: nme<6", "size=big: nme<6"]
)
def test_a_condition_that_the_faces_cannot_answer_is_a_usage_error(faces, predicted, text):
    with pytest.raises(UsageError):
        check_gate(parse_gate(text), predicted, faces)
