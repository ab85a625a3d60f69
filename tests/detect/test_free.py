"""The free set: what the files themselves state decides, and a part that is missing or not clean is named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.finder.sources import SOURCES
from edgefkp.card import CardStart, read_card, write_card
from edgefkp.cli.demo import command as demo
from edgefkp.cli.predict import command as predict
from edgefkp.data.images import read_image
from edgefkp.detect import free, presence
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.free import credits_in, free_set, model_credits
from edgefkp.detect.predict import Predicted
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import shipped

TERMS = "CC BY 4.0: Face Research Lab, 2017; MIT: Some Head Model"
FINDER_TERMS = "MIT: portraits; public domain: the moon"
CREDITS = ("Face Research Lab, 2017 (CC BY 4.0)", "Some Head Model (MIT)")
DEFAULT = shipped.find_model()
PORTRAIT = Path(__file__).parents[2] / "docs" / "portrait.jpg"


@pytest.fixture
def card():
    found = read_card(DEFAULT)
    assert found is not None
    assert found.data is not None
    return replace(found, data=replace(found.data, license=TERMS))


@pytest.fixture
def parts(tmp_path, monkeypatch, card) -> Path:
    """A whole free set: the shipped files, as if they had been taught by data with clean terms."""
    models, found = tmp_path / "models", tmp_path / "finders"
    models.mkdir()
    found.mkdir()
    write_card(Path(shutil.copy(DEFAULT, models)), card)
    finder = {"schema": free.FINDER_CARD, "terms": FINDER_TERMS, "teacher": "none: by hand"}
    (found / "edge.json").write_text(json.dumps(finder))
    file = tmp_path / "presence-free.npz"
    replace(presence.fitted(), terms="CC0: nobody").save(file)
    monkeypatch.setattr(shipped, "FOLDER", models)
    monkeypatch.setattr(free, "_FOLDER", found)
    monkeypatch.setattr(free, "FREE_WEIGHTS", file)
    return tmp_path


@pytest.mark.parametrize(
    "terms",
    [
        "",
        "not stated: ask whoever gave you the faces",
        "Labeled Faces in the Wild and YouTube Faces: published for research, without a license",
        f"{TERMS}; Labeled Faces in the Wild: published for research",
        "CC BY-NC 4.0: somebody",
        "CC BY 4.0:",
        "my own photos",
        "MIT: mine; inherited from small.keras: Labeled Faces in the Wild",
    ],
)
def test_terms_that_are_not_all_clean_have_no_credits(terms):
    assert credits_in(terms) is None


def test_terms_name_whom_to_credit_once():
    assert credits_in(TERMS) == CREDITS
    assert credits_in(f"{TERMS}; {TERMS}") == CREDITS


def test_what_else_a_model_learned_from_counts(card):
    assert model_credits(card) == CREDITS
    assert model_credits(None) is None
    start = CardStart("small.keras", "0", "lfw", "MIT: mine")
    for change in (
        {"data": None},
        {"start": start},
        {"weights": "imagenet"},
        {"training": {"teachers": {"best.keras": "0"}}},
        {"calibration": {"name": "faces of others, 256 training faces", "samples": 256}},
        {"imported": {"from": "a.onnx", "source": "", "license": "MIT"}},
    ):
        assert model_credits(replace(card, **change)) is None, change


def test_the_shipped_files_under_other_terms_are_not_free():
    assert set(free.free_models()) == {path for path in shipped.models() if "free" in path.name}
    assert "haar" not in free.free_finders()
    with pytest.raises(EdgefkpError, match="is not free to use: Labeled Faces in the Wild") as caught:
        free_set("small-masked-online.float32")
    assert "--free" in caught.value.hint


def test_the_set_that_comes_with_edgefkp_is_whole_and_finds_the_points_of_a_portrait():
    detector, usual = KeypointDetector(free=True), KeypointDetector()
    image = read_image(PORTRAIT)
    (face,), (known,) = detector(image), usual(image)
    assert detector.model.name == "small.free-masked-online.float32.tflite"
    assert detector.finder.name == "edge-free"
    distance = np.linalg.norm(known.keypoints[0] - known.keypoints[1])
    assert np.sqrt(np.mean((face.keypoints - known.keypoints) ** 2)) < 0.08 * distance
    credited = " ".join(detector.credits)
    for name in ("DeBruine", "Colorado State University", "USC Institute", "MediaPipe", "Aitzol Berasategi"):
        assert name in credited, name
    assert len(set(detector.credits)) == len(detector.credits)


def test_the_presence_check_and_the_finder_credit_what_taught_them():
    judged, found = credits_in(presence.read_presence(free.FREE_WEIGHTS).terms), free.free_finders()["edge-free"]
    assert judged is not None
    assert set(found) < set(judged)  # the same photos
    assert any("USC Institute" in credit for credit in set(judged) - set(found))  # and drawn faces
    assert credits_in(SOURCES["edge-free"].terms) == found


@pytest.mark.parametrize("name", ["small.free-masked-online.dynamic", "nano.free-masked-online.dynamic"])
def test_each_free_file_for_small_boards_can_be_chosen(name):
    assert len(KeypointDetector(name, free=True)(read_image(PORTRAIT))) == 1


def test_a_whole_set_predicts_and_names_its_credits(parts):
    detector = KeypointDetector(free=True)
    assert detector.credits == (*CREDITS, "portraits (MIT)", "the moon (public domain)", "nobody (CC0)")
    assert detector.model.parent == parts / "models"
    assert detector._presence.terms == "CC0: nobody"
    assert detector(np.full((120, 120), 128, np.uint8)) == []
    assert KeypointDetector().credits == ()


@pytest.mark.parametrize(
    ("gone", "named"), [("models/*.tflite", "a model"), ("finders/*", "a finder"), ("*.npz", "a presence check")]
)
def test_a_part_that_is_missing_is_named(parts, gone, named):
    for file in parts.glob(gone):
        file.unlink()
    with pytest.raises(EdgefkpError, match=f"is not whole: it lacks {named}\n") as caught:
        KeypointDetector(free=True)
    assert "MODEL_LICENSES.md" in caught.value.hint


def test_a_part_that_is_not_free_is_named(parts, card):
    with pytest.raises(EdgefkpError, match="the finder haar is not free to use; free ones: edge"):
        KeypointDetector(finder="haar", free=True)
    assert KeypointDetector(finder="whole-image", free=True).credits == (*CREDITS, "nobody (CC0)")
    replace(presence.fitted(), terms="").save(parts / "presence-free.npz")
    with pytest.raises(EdgefkpError, match=r"presence-free\.npz is not free to use: it states no terms"):
        KeypointDetector(free=True)
    finder = json.loads((parts / "finders" / "edge.json").read_text())
    (parts / "finders" / "edge.json").write_text(json.dumps({**finder, "teacher": "YuNet"}))
    with pytest.raises(EdgefkpError, match="it lacks a finder"):
        KeypointDetector(free=True)


def test_a_damaged_presence_file_is_named(parts):
    (parts / "presence-free.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(EdgefkpError, match=r"presence-free\.npz is missing from this edgefkp, or damaged"):
        KeypointDetector(free=True)


def test_predict_prints_the_credits(parts, tmp_path, monkeypatch):
    import cv2

    cv2.imwrite(str(tmp_path / "gray.png"), np.full((120, 120), 128, np.uint8))
    done = Predicted("1", tmp_path, 1, 0, 0, 0, 1, {})  # its workers are processes, which do not know of `parts`
    monkeypatch.setattr("edgefkp.detect.predict.predict", lambda *given: done)
    arguments = [str(tmp_path / "gray.png"), "--out", str(tmp_path / "out"), "--free"]
    result = CliRunner().invoke(predict, [*arguments, "--json"], catch_exceptions=False)
    assert json.loads(result.stdout)["credits"][:2] == list(CREDITS)
    assert "credit: Some Head Model (MIT)\n" in result.stderr


def test_the_browser_page_is_not_of_the_free_set():
    result = CliRunner().invoke(demo, ["--display", "browser", "--free"])
    assert "not of the free set" in str(result.exception)
