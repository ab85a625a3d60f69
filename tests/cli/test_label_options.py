"""Labels that cannot be meant, as a user meets them: every command refuses them, and goes on with the options."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.doubtful_labels import by_the_viewer, faces, typed

TINY = Path(__file__).parents[1] / "fixtures/tiny.float32.tflite"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path_factory.mktemp("cache")))


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
