"""A model of one layout on faces that are labeled with another: what it is fed, and how its points are scored."""

import numpy as np
import pytest

from edgefkp.data.faces import Dataset
from edgefkp.data.synthetic import drawn_faces
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation import evaluate as evaluation
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.geometry import Box, crop_matrix, move_points, reframed
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, ModelSpec
from edgefkp.layouts.maps import conversion
from tests.layouts import SMALL_RGB, THREE

FIVE, IBUG68 = LAYOUTS["five"], LAYOUTS["ibug68"]


def drawn(layout=KAGGLE15, count=6):
    return drawn_faces(count, ModelSpec(layout), seed=5)


class Knowing:
    """Predicts 68 points whose 15 are the labels: it knows by how much larger its crop is."""

    runtime, version, accelerator = "knowing", "1", ""
    spec = ModelSpec(IBUG68)

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels

    def predict(self, images: np.ndarray) -> np.ndarray:
        assert images.shape == (len(self.labels), 96, 96)
        points = np.zeros((len(images), 68, 2), np.float32)
        box = reframed(Box(47.5, 47.5, 96), KAGGLE15, IBUG68)
        (step,) = conversion(IBUG68, KAGGLE15).steps
        for k, rows in enumerate(step):
            points[:, list(rows)] = move_points(crop_matrix(box, 96), self.labels[:, k])[:, None]
        for k, rows in enumerate(step):  # single points after the means that they are a part of
            if len(rows) == 1:
                points[:, rows[0]] = move_points(crop_matrix(box, 96), self.labels[:, k])
        return points


def test_points_of_the_models_crop_are_scored_where_the_labels_are(tmp_path, monkeypatch):
    faces = drawn()
    file = tmp_path / "m.tflite"
    file.write_bytes(b"model")
    monkeypatch.setattr(evaluation, "open_predictor", lambda path, runtime=None, **stated: Knowing(faces.keypoints))
    result, predicted = evaluate(file, Dataset("drawn", faces, faces, "none"))
    assert predicted.shape == faces.keypoints.shape
    assert result.data["layout"] == KAGGLE15.name
    assert set(result.score.rmse_per_point) == set(KAGGLE15.points)
    assert result.score.rmse_per_point["nose_tip"] < 1e-3
    assert result.score.rmse_per_point["mouth_left_corner"] < 1e-3


def test_a_model_of_more_points_sees_more_of_each_image():
    fitted = fitted_faces(ModelSpec(IBUG68), drawn(), "m.tflite")
    assert (fitted.faces.layout, fitted.seen.layout) == (KAGGLE15, KAGGLE15)
    eyes = KAGGLE15.rows("left_eye_center", "right_eye_center")
    apart = [
        np.linalg.norm(np.diff(faces.keypoints[:, eyes], axis=1), axis=-1) for faces in (fitted.seen, fitted.faces)
    ]
    np.testing.assert_allclose(apart[0] / apart[1], 1 / 1.1985, atol=1e-3)
    found = fitted.scored(np.repeat(IBUG68.mean_points()[None], 6, 0))
    np.testing.assert_allclose(found[0], conversion(IBUG68, KAGGLE15)(IBUG68.mean_points()) * 1.1985 + (
        fitted.matrix[:, 2]
    ), atol=0.01)  # fmt: skip


def test_a_model_of_fewer_points_is_scored_on_its_own():
    fitted = fitted_faces(ModelSpec(FIVE, InputSpec(64)), drawn(), "m.tflite")
    assert fitted.faces.layout == fitted.seen.layout == FIVE
    predicted = np.ones((6, 5, 2), np.float32)
    assert fitted.scored(predicted) is predicted


def test_equal_points_change_nothing():
    faces = drawn()
    fitted = fitted_faces(ModelSpec(), faces, "m.tflite")
    assert fitted.seen is fitted.faces is faces


def test_points_that_no_map_connects_are_refused():
    with pytest.raises(EdgefkpError, match=r"m predicts the points of three \(3\), and .* kaggle15 \(15\)"):
        fitted_faces(ModelSpec(THREE), drawn(), "m")
    with pytest.raises(EdgefkpError, match="kaggle15"):
        fitted_faces(ModelSpec(), drawn_faces(2, SMALL_RGB), "m")
