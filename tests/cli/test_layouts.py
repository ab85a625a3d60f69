"""--layout as a user types it: a known name, a JSON file, and faces of other points than the model's."""

import json

import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.synthetic import drawn_faces
from edgefkp.files import write_json
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, ModelSpec
from edgefkp.runtime.shipped import find_model
from tests.layouts import THREE
from tests.made_faces import made_faces


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path_factory.mktemp("cache")))


def run(capsys, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return left.value.code, out, err


def npz(path, images, keypoints):
    np.savez(path, images=images, keypoints=keypoints, group=[f"p{row // 2}" for row in range(len(images))])
    return path


def test_the_points_of_an_npz_are_those_of_a_file_that_defines_them(capsys, tmp_path):
    data = npz(tmp_path / "faces.npz", *made_faces(20, spec=ModelSpec(THREE, InputSpec(64, "rgb"))))
    layout = write_json(tmp_path / "own.json", THREE)
    code, out, err = run(capsys, "data", "info", "--data", data, "--layout", layout, "--json")
    assert code == 0, err
    shown = json.loads(out)
    assert shown["layout"] == "three"
    assert set(shown["train"]["missing"]) == set(THREE.points)


def test_points_that_follow_from_those_of_the_data_can_be_asked_for(capsys, tmp_path):
    data = npz(tmp_path / "faces.npz", *made_faces(20))
    code, out, err = run(capsys, "data", "info", "--data", data, "--layout", "five", "--json")
    assert code == 0, err
    assert set(json.loads(out)["train"]["missing"]) == set(LAYOUTS["five"].points)


def test_a_long_list_of_points_that_are_never_missing_is_not_shown(capsys, tmp_path):
    images, keypoints = made_faces(12, spec=ModelSpec(LAYOUTS["ibug68"]))
    keypoints[3, 5] = np.nan
    data = npz(tmp_path / "faces.npz", images, keypoints)
    code, out, _ = run(capsys, "data", "info", "--data", data, "--layout", "ibug68", "--sheet", tmp_path / "s.png")
    assert code == 0
    assert "all 68 points of ibug68" in out
    assert "right_jaw_6" in out
    assert "right_jaw_5" not in out
    assert (tmp_path / "s.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        (["--layout", "ibug86"], 2, "Did you mean: ibug68?"),
        (["--layout", "nowhere.json"], 1, "nowhere.json"),
        (["--layout", "eyes"], 2, "five, kaggle15, ibug68, wflw98, "),
    ],
)
def test_a_layout_that_is_none_is_named(capsys, words, code, found):
    left, _, err = run(capsys, "data", "info", *words)
    assert left == code
    assert found in err


def test_a_model_is_scored_on_faces_of_more_points_by_those_that_follow(capsys, tmp_path):
    faces = drawn_faces(20, ModelSpec(LAYOUTS["ibug68"]), seed=3)
    data = npz(tmp_path / "faces.npz", faces.images, faces.keypoints)
    words = ("evaluate", find_model(None), "--data", data, "--split", "all")
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    assert set(json.loads(out)["score"]["rmse_per_point"]) == set(KAGGLE15.points)


def test_nothing_leads_from_a_model_to_points_of_ones_own(capsys, tmp_path):
    data = npz(tmp_path / "faces.npz", *made_faces(20, spec=ModelSpec(THREE)))
    layout = write_json(tmp_path / "own.json", THREE)
    code, _, err = run(capsys, "evaluate", find_model(None), "--data", data, "--layout", layout, "--split", "all")
    assert code == 1
    assert "predicts the points of kaggle15 (15), and the faces have those of three (3)" in err
