"""edgefkp evaluate: every way to score a file, on a folder of Kaggle's form, without TensorFlow."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.formats import open_dataset
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import KAGGLE15
from edgefkp.runtime.predictor import open_predictor
from tests.made_faces import made_faces, write_csv, write_test, write_training

TINY = Path(__file__).parents[1] / "fixtures/tiny.float32.tflite"
SCORED = [(1, "nose_tip_x"), (1, "nose_tip_y"), (2, "left_eye_center_x"), (4, "mouth_left_corner_y")]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Kaggle's files with full labels: 12 training and 4 test faces."""
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    images, keypoints = made_faces(12)
    test_images, test_keypoints = made_faces(4, seed=1)
    data = tmp_path / "data"
    write_training(data / "training.csv", images, keypoints)
    write_test(data / "test.csv", test_images)
    rows = [[number, image, name, ""] for number, (image, name) in enumerate(SCORED, 1)]
    write_csv(data / "IdLookupTable.csv", ["RowId", "ImageId", "FeatureName", "Location"], rows)
    labels = {
        f"{part}_{name}": value
        for part, points, first in (("train", keypoints, 0), ("test", test_keypoints, 100))
        for name, value in (
            ("keypoints", points),
            ("group", np.arange(first, first + len(points)).astype(str)),
            ("filename", np.array([f"{part}{i}.jpg" for i in range(len(points))])),
            ("label_src", np.tile([1, 2, 3], (len(points), 5)).astype(np.uint8)),
        )
    }
    np.savez(data / "full_labels.npz", **labels)
    return data


def run(capsys, *arguments: object) -> dict:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    assert stopped.value.code == 0, err
    return json.loads(out)


def test_the_score_is_that_of_the_predictions(folder, capsys):
    result = run(capsys, "--data", folder)
    test = open_dataset(folder).test
    predicted = open_predictor(TINY).predict(test.images)
    assert result["score"]["rmse"] == pytest.approx(rmse(predicted, test.keypoints), rel=1e-6)
    assert (result["score"]["faces"], result["score"]["coordinates"]) == (4, 120)
    # Kaggle's score counts the looked-up coordinates alone.
    error = [
        predicted[image - 1].reshape(-1)[KAGGLE15.columns.index(name)]
        - test.keypoints[image - 1].reshape(-1)[KAGGLE15.columns.index(name)]
        for image, name in SCORED
    ]
    assert result["kaggle_rmse"] == pytest.approx(float(np.sqrt(np.mean(np.square(error)))), rel=1e-5)
    assert result["kaggle_coordinates"] == 4


def test_label_sources_are_counted_apart(folder, capsys):
    both = run(capsys, "--data", folder, "--label-src", "1,2")
    assert both["score"]["coordinates"] == 80
    assert both["kaggle_rmse"] is None
    assert run(capsys, "--data", folder, "--label-src", "3")["score"]["coordinates"] == 40


def test_a_submission_scored_as_a_solution_has_no_error(folder, capsys, tmp_path):
    run(capsys, "--data", folder, "--submission", tmp_path / "submission.csv")
    lines = (tmp_path / "submission.csv").read_text().splitlines()
    assert lines[0] == "RowId,Location"
    assert len(lines) == 1 + len(SCORED)
    result = run(capsys, "--data", folder, "--solution", tmp_path / "submission.csv")
    assert result["score"]["coordinates"] == 4
    # Locations are clipped to the picture, and written with six digits.
    predicted = open_predictor(TINY).predict(open_dataset(folder).test.images)
    outside = np.clip(predicted, 0, 96) != predicted
    assert result["score"]["rmse"] < 1e-3 or outside.any()


def test_without_labels_a_submission_is_still_written(folder, capsys, tmp_path):
    (folder / "full_labels.npz").unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), "--data", str(folder), "--submission", str(tmp_path / "s.csv")])
    assert stopped.value.code == 0
    assert (tmp_path / "s.csv").exists()
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), "--data", str(folder)])
    assert stopped.value.code == 1
    assert "no labeled coordinate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "tets"], "'tets' is not one of"),
        (["--label-src", "hand"], "not a list of numbers"),
        (["--split", "validation", "--submission", "s.csv"], "--split test"),
        (["--solution", "nowhere.csv"], "nowhere.csv"),
        (["--runtime", "onnx"], "unknown runtime"),
    ],
)
def test_wrong_options_are_two_lines(folder, capsys, arguments, words):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), "--data", str(folder), *arguments])
    error = capsys.readouterr().err
    assert stopped.value.code in (1, 2)
    assert words in error
    assert "Traceback" not in error


def test_the_table_names_what_was_counted(folder, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", str(TINY), "--data", str(folder)])
    out = capsys.readouterr().out
    assert "4 faces, 120 coordinates" in out
    assert "nose_tip" in out
    assert max(map(len, out.splitlines())) <= 100


def test_robustness_has_a_row_for_every_condition(folder, capsys):
    from edgefkp.evaluation.robustness import CONDITIONS

    plain = run(capsys, "--data", folder, "--label-src", "1,2")
    result = run(capsys, "--data", folder, "--label-src", "1,2", "--robustness")
    assert [row["condition"] for row in result["rows"]] == [one.name for one in CONDITIONS]
    assert result["rows"][0]["rmse"] == pytest.approx(plain["score"]["rmse"], rel=1e-6)
    assert result["rows"][0]["coordinates"] == plain["score"]["coordinates"]
    with pytest.raises(SystemExit):
        main(["evaluate", str(TINY), "--data", str(folder), "--robustness"])
    out = capsys.readouterr().out
    assert "rotation" in out
    assert max(map(len, out.splitlines())) <= 100
