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
    # Locations are clipped to the image, and written with six digits.
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


@pytest.fixture
def photos(tmp_path) -> Path:
    """24 photos of 24 persons with a CSV: every third person wears glasses."""
    import cv2

    images, keypoints = made_faces(24)
    rows = []
    for number, (image, points) in enumerate(zip(images, keypoints, strict=True)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
        rows.append([f"{number}.png", f"p{number}", "no" if number % 3 else "yes", *points.ravel()])
    write_csv(tmp_path / "points.csv", ["file", "person", "glasses", *KAGGLE15.columns], rows)
    return tmp_path


def test_parts_gates_and_figures_in_one_command(photos, capsys, tmp_path):
    worst, plot = tmp_path / "worst.png", tmp_path / "curve.svg"
    gates = ["--gate", "rmse<1000", "--gate", "glasses=yes: nme<=9999 %"]
    figures = ["--worst", worst, "--plot", plot]
    result = run(capsys, "--data", photos, "--split", "all", "--by", "glasses,pose,size", *gates, *figures)
    assert [(one["name"], one["faces"]) for one in result["slices"][:2]] == [("no", 16), ("yes", 8)]
    assert {one["by"] for one in result["slices"]} == {"glasses", "turn", "tilt", "nod", "size"}
    assert [(one["met"], one["faces"]) for one in result["gates"]] == [(True, 24), (True, 8)]
    assert set(result["score"]["normalized"]) == {"interocular", "interpupil", "box"}
    assert worst.read_bytes().startswith(b"\x89PNG")
    assert plot.read_text().startswith("<svg")
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), "--data", str(photos), "--split", "all", "--by", "glasses,pose,size,blur"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for word in ("outer eye corners", "AUC", "glasses", "failed"):
        assert word in out


def test_a_gate_that_is_not_met_exits_with_3_after_the_result(photos, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), "--data", str(photos), "--split", "all", "--gate", "glasses=yes: rmse<0.001"])
    out, error = capsys.readouterr()
    assert stopped.value.code == 3
    assert "NOT MET" in out
    assert "'glasses=yes: rmse<0.001' (" in error
    assert " px off, 8 faces)" in error


def test_several_models_stand_in_one_table(photos, capsys, tmp_path):
    plot = tmp_path / "curve.png"
    other = TINY.with_name("tiny.int8.tflite")
    arguments = ["evaluate", str(TINY), str(other), "--data", str(photos), "--split", "all", "--plot", str(plot)]
    for words in ([], ["--json"]):
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, *words])
        out = capsys.readouterr().out
        assert stopped.value.code == 0
        assert TINY.name in out
        assert other.name in out
    assert [one["file"] for one in json.loads(out)] == [TINY.name, other.name]
    assert plot.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gate", "nme"], "--gate 'nme'"),
        (["--gate", "hat=yes: nme<6"], "no property 'hat'"),
        (["--by", "hat"], "no property 'hat'"),
        (["--worst", "worst.jpg"], "neither a .png nor a .svg"),
        (["--plot", "curve"], "neither a .png nor a .svg"),
        (["--by", "pose", "--robustness"], "--robustness"),
        ([str(TINY), "--worst", "worst.png"], "--worst is for one MODEL"),
    ],
)
def test_wrong_words_for_parts_and_figures_are_usage_errors(photos, capsys, arguments, words):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(TINY), "--data", str(photos), "--split", "all", *arguments])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
