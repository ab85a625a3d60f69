"""Labels that cannot be meant, as a user meets them: every command refuses them, and goes on with the options."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.synthetic import draw_all
from edgefkp.layout import KAGGLE15

TINY = Path(__file__).parents[1] / "fixtures/tiny.float32.tflite"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path_factory.mktemp("cache")))


def faces(tmp_path, change) -> str:
    images, points = draw_all(30, 7)
    persons = np.array([f"p{row // 2}" for row in range(30)])
    np.savez(tmp_path / "faces.npz", images=images, keypoints=change(points).astype(np.float32), group=persons)
    return str(tmp_path / "faces.npz")


def typed(capsys, *arguments: str):
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return left.value.code, out, err


def by_the_viewer(points):
    return points[:, KAGGLE15.mirror_order]


@pytest.mark.parametrize(
    "command",
    [
        ["data", "info"],
        ["data", "audit"],
        ["train", "nano", "--images", "16"],
        ["run", "--models", "nano", "--quick"],
        ["tune"],
        ["evaluate", str(TINY)],
        ["parity", str(TINY), "--reference", str(TINY)],
        ["bench", str(TINY), "--images", "3", "--quick"],
        ["bundle", str(TINY), "--images", "3"],
    ],
    ids=lambda command: " ".join(command[:2])[:12],
)
def test_every_command_with_data_refuses_what_cannot_be_meant(tmp_path, capsys, monkeypatch, command):
    if command[0] in ("train", "run", "tune"):
        pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(capsys, *command, "--data", faces(tmp_path, by_the_viewer))
    assert (code, out) == (1, "")
    assert "30 of 30 faces have left and right as the viewer sees them" in err
    assert "hint:  add --mirror-names" in err
    assert "epochs" not in err


def test_the_options_of_the_hint_make_it_go_on(tmp_path, capsys):
    data = faces(tmp_path, lambda points: np.where(np.arange(15)[:, None] < 2, -1, by_the_viewer(points) / 96))
    code, _, err = typed(capsys, "data", "info", "--data", data)
    assert code == 1
    options = err.split("hint:  add ")[1].split(" (or")[0].split()
    assert options == ["--missing", "-1", "--unit", "share", "--mirror-names"]
    code, out, err = typed(capsys, "data", "info", "--data", data, "--json", *options)
    assert code == 0, err
    assert json.loads(out)["train"]["missing"]["right_eye_center"] == 30


def test_an_unknown_unit_is_a_usage_error(tmp_path, capsys):
    code, _, err = typed(capsys, "data", "info", "--data", faces(tmp_path, by_the_viewer), "--unit", "inches")
    assert code == 2
    assert "pixels, share, centered, percent" in err


def test_an_audit_shows_first_what_the_labels_as_a_whole_have(tmp_path, capsys):
    def some(points):
        points[4] = by_the_viewer(points[4:5])
        return points

    data = faces(tmp_path, some)
    code, out, _ = typed(capsys, "data", "audit", "--data", data)
    assert code == 0
    assert out.startswith("1 of 30 faces have left and right as the viewer sees them")
    code, out, _ = typed(capsys, "data", "audit", "--data", data, "--json")
    assert [finding["kind"] for finding in json.loads(out)["labels"]] == ["sides"]


def test_an_evaluation_names_doubtful_labels(tmp_path, capsys):
    def some(points):
        points[4] = by_the_viewer(points[4:5])
        return points

    code, _, err = typed(capsys, "evaluate", str(TINY), "--data", faces(tmp_path, some), "--split", "all")
    assert code == 0
    assert "warning: " in err
    assert "1 of 30 faces have left and right as the viewer sees them" in err


def test_a_training_prints_its_audit_and_blames_doubtful_labels(tmp_path, capsys):
    pytest.importorskip("tensorflow")

    def shuffled(points):
        return points[np.random.default_rng(0).permutation(30)]

    data = faces(tmp_path, shuffled)
    arguments = ["train", "nano", "--data", data, "--images", "16", "--augment", "none", "--out", str(tmp_path / "m")]
    code, _, err = typed(capsys, *arguments)
    assert code == 0, err
    assert "audit of 30 faces: doubtful labels: images" in err
    assert "does not beat the mean shape; look at them before you train longer" in err
    assert "epochs" not in err.split("audit of")[1].replace("epoch 1", "")


def test_a_model_knows_how_its_labels_were_read(tmp_path, capsys):
    pytest.importorskip("tensorflow")
    for change, options, read in (
        (lambda points: points, [], None),
        (lambda points: points / 96, ["--unit", "share"], {"unit": "share"}),
    ):
        data = faces(tmp_path, change)
        out = ["--images", "16", "--augment", "none", "--out", str(tmp_path / "m"), "--replace", "--json"]
        code, card, err = typed(capsys, "train", "nano", "--data", data, *options, *out)
        assert code == 0, err
        assert json.loads(card)["data"].get("labels") == read
