"""Every fault of labels that goes through silently elsewhere is named, with the option that cures it."""

import numpy as np
import pytest

from edgefkp.data.labels.findings import LABEL_KINDS
from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions, turned
from edgefkp.data.labels.seen import RawLabels
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15
from tests.data.labels.raw import COUNT, SIZES, good_points, judged, raw_labels

GOOD = good_points()
ODD = np.arange(COUNT) % 2 == 1
BACK = {6: 8, 8: 6}  # the turn that undoes a turn


def kinds(points: np.ndarray, **more: np.ndarray) -> list[str]:
    return [finding.kind for finding in judged(raw_labels(points, **more)).findings]


def with_missing(number: float, rows: np.ndarray = ODD, points: slice = slice(2, 10)) -> np.ndarray:
    altered = GOOD.copy()
    part = altered[rows]
    part[:, points] = number
    altered[rows] = part
    return altered


def stored(turn: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of every other photo as they lie in the stored photo, and the turns."""
    turns = np.where(ODD, turn, 1)
    return turned(GOOD.astype(float), SIZES.astype(float), np.where(ODD, BACK.get(turn, turn), 1)), turns


CURED = {
    "-1 for missing points": (with_missing(-1), "add --missing -1"),
    "0 for missing points": (with_missing(0), "add --missing 0"),
    "999 for one point of two faces": (with_missing(999, np.arange(COUNT) < 2, slice(3, 4)), "add --missing 999"),
    "a number inside of the image for missing points": (with_missing(96), "add --missing 96"),
    "-1 and 0 for missing points": (
        np.where((np.arange(COUNT) % 4 == 0)[:, None, None], with_missing(0, ~ODD), with_missing(-1)),
        "add --missing -1 --missing 0",
    ),
    "shares": (GOOD / SIZES[:, None], "add --unit share"),
    "-1..1": (GOOD / SIZES[:, None] * 2 - 1, "add --unit centered"),
    "percent": (100 * GOOD / SIZES[:, None], "add --unit percent"),
    "pixels of a copy four times as large": (GOOD * 4, "add --scale 0.25"),
    "pixels of a copy twice as large": (GOOD * 2, "add --scale 0.5"),
    "permille": (1000 * GOOD / SIZES[:, None], "add --unit 1000x1000"),
    "sides of the viewer": (GOOD[:, KAGGLE15.mirror_order], "add --mirror-names"),
    "x and y swapped": (GOOD[..., ::-1], "add --swap-xy"),
    "y from the lower edge": (np.stack([GOOD[..., 0], SIZES[:, None, 1] - 1 - GOOD[..., 1]], -1), "add --flip-y"),
    "shares with sides of the viewer and -1 for missing points": (
        np.where(ODD[:, None, None] & (np.arange(15) < 4)[:, None], -1, GOOD / SIZES[:, None])[
            :, KAGGLE15.mirror_order
        ],
        "add --missing -1 --unit share --mirror-names",
    ),
}


@pytest.mark.parametrize("name", CURED)
def test_a_fault_is_refused_with_the_options_that_cure_it(name):
    points, options = CURED[name]
    judgment = judged(raw_labels(points))
    assert judgment.cured.typed(AS_THEY_ARE) == options
    with pytest.raises(EdgefkpError, match=rf": \d+ of {COUNT} faces .*, first in row \d+ \(\d+\.jpg\)") as found:
        judgment.require()
    assert found.value.hint.startswith(options)
    again = raw_labels(points)
    assert not judged(again, judgment.cured).findings, "the cure is one"
    read = judgment.cured.points(again.points, again.sizes, again.turns, again.layout)
    kept = ~np.isnan(read)
    assert kept.mean() > 0.5
    assert np.abs(read - GOOD)[kept].max() < 0.01


@pytest.mark.parametrize("turn", [2, 3, 4, 5, 6, 7, 8])
def test_points_of_photos_as_they_are_stored_are_told_from_those_of_photos_as_shown(turn):
    points, turns = stored(turn)
    judgment = judged(raw_labels(points, turns))
    assert [(finding.kind, finding.faces) for finding in judgment.findings] == [("exif", COUNT // 2)]
    assert judgment.cured == LabelOptions(exif="stored")
    shown = judgment.cured.points(points.astype(np.float32), SIZES, turns, KAGGLE15)
    assert np.abs(shown - GOOD).max() < 0.01
    assert not judged(raw_labels(GOOD, turns)).findings, "points as shown are fine"
    wrong = judged(raw_labels(GOOD, turns), LabelOptions(exif="stored"))
    assert wrong.cured == AS_THEY_ARE
    with pytest.raises(EdgefkpError, match="leave out --exif stored"):
        wrong.require()


def test_a_few_photos_with_points_as_stored_are_a_doubt():
    points, turns = stored(6)
    points[8:] = GOOD[8:]
    (finding,) = judged(raw_labels(points, turns)).findings
    assert (finding.kind, finding.refused, finding.faces) == ("exif", False, 4)
    assert "16 fit the image as it is shown" in finding.cure


REFUSED = {
    "no known unit": ((GOOD - 100) / 50, "unit", "--unit share"),
    "faces on their side": (
        turned(GOOD.astype(float), SIZES.astype(float), np.full(COUNT, 8)),
        "lying",
        "turn the images and their points; or, if x and y are swapped and left and right are the viewer's, add "
        "--swap-xy --mirror-names",
    ),
    "faces upside down": (turned(GOOD, SIZES, np.full(COUNT, 3)), "upside down", "turn the images"),
    "another order of points": (GOOD[:, np.random.default_rng(3).permutation(15)], "no face", "left_eye_center"),
    "one face for all": (np.repeat(GOOD[:1], COUNT, 0), "copies", "look at them"),
    "all points in one place": (np.repeat(GOOD[:, :1], 15, 1), "one place", "an empty cell"),
    "pixels of the box of each face": (GOOD - GOOD.min(1, keepdims=True), "unit", "for the whole image"),
    "pixels from the middle of the image": (GOOD - SIZES[:, None] / 2, "outside", "add half of its width and height"),
    "eyes swapped and no other point": (GOOD[:, [1, 0, *range(2, 15)]], "displaced", "correct these columns"),
    "the nose in a corner of the mouth": (
        GOOD[:, [*range(10), 11, *range(11, 15)]],
        "displaced",
        "correct these columns",
    ),
    "another photo": (GOOD + np.array([300, 0]), "outside", "the images that the points were placed on"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_without_an_option_is_refused_with_what_to_do(name):
    points, kind, cure = REFUSED[name]
    judgment = judged(raw_labels(points))
    assert kind in [finding.kind for finding in judgment.findings if finding.refused]
    with pytest.raises(EdgefkpError) as found:
        judgment.require()
    assert cure in found.value.hint


def test_copies_of_one_size_of_photos_of_several_are_named():
    sizes = np.where(ODD[:, None], (120, 160), (640, 480))
    labels = raw_labels(GOOD)
    labels = RawLabels(GOOD, sizes // 4, labels.turns, KAGGLE15, labels.rows, labels.ids)
    (finding,) = [one for one in judged(labels).findings if one.kind == "scale"]
    assert "--unit WIDTHxHEIGHT" in finding.cure


def in_some(change) -> np.ndarray:
    altered = GOOD.copy()
    altered[5:9] = change(GOOD[5:9])
    return altered


DOUBTS = {
    "sides in a few faces": (in_some(lambda some: some[:, KAGGLE15.mirror_order]), "sides", 4),
    "x and y swapped in a few faces": (in_some(lambda some: some[..., ::-1]), "axes", 4),
    "points outside of a few images": (in_some(lambda some: some + np.array([140, 0])), "outside", 4),
    "points of two faces": (
        in_some(lambda some: np.where((np.arange(15) % 2 == 0)[:, None], some, some[::-1] * 0.4)), "no face", 4
    ),
    "a few faces of no size": (in_some(lambda some: some * 0.01), "small", 4),
    "points in one place": (in_some(lambda some: np.repeat(some[:, :1], 15, 1)), "one place", 4),
    "the mean for missing points": (with_missing(0) + np.where(with_missing(0) == 0, GOOD.mean(0), 0), "filled in", 20),
    "points of a copy half as large": (GOOD / 2.5, "scale", COUNT),
    "the nose a little off": (
        GOOD + np.where(np.arange(15) == 10, 16, 0)[:, None] * (0.0, 1.0), "displaced", COUNT
    ),
    "copied rows": (np.concatenate([GOOD[:20], GOOD[:4], GOOD[24:]]), "copies", 8),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_what_only_some_faces_have_is_a_doubt(name):
    points, kind, faces = DOUBTS[name]
    judgment = judged(raw_labels(points))
    judgment.require()
    assert (kind, faces) in [(finding.kind, finding.faces) for finding in judgment.findings]


def test_points_of_the_row_above_in_place_of_missing_ones_are_a_doubt():
    points = GOOD.copy()
    for row in range(1, COUNT, 2):
        points[row, 3:6] = points[row - 1, 3:6]
    assert kinds(points) == ["filled in"]


def test_persons_that_are_none_are_a_doubt():
    assert kinds(GOOD, persons=np.full(COUNT, "me")) == ["persons"]
    assert kinds(GOOD, persons=np.arange(COUNT).astype(str)) == ["persons"]
    assert kinds(GOOD, persons=(np.arange(COUNT) // 2).astype(str)) == []


def test_good_labels_are_found_good():
    assert kinds(GOOD) == []
    some_missing = np.where(np.random.default_rng(0).random((COUNT, 15, 1)) < 0.4, np.nan, GOOD)
    assert kinds(some_missing) == []
    assert kinds(GOOD[:1]) == []
    assert kinds(np.full_like(GOOD, np.nan)) == []
    assert kinds(GOOD[:0]) == []


def test_sizes_that_are_not_known_are_not_judged():
    labels = raw_labels(GOOD)
    unknown = RawLabels(GOOD, np.zeros_like(SIZES), labels.turns, KAGGLE15, labels.rows, labels.ids)
    assert not judged(unknown).findings


def test_trusted_labels_are_not_refused_and_stay_a_doubt():
    judgment = judged(raw_labels(with_missing(-1)), LabelOptions(trusted=True))
    judgment.require()
    assert "points at (-1, -1)" in judgment.doubts[0]
    assert judgment.blamed


def test_an_option_that_makes_good_labels_wrong_is_named():
    judgment = judged(raw_labels(GOOD), LabelOptions(mirror_names=True))
    with pytest.raises(EdgefkpError, match="leave out --mirror-names"):
        judgment.require()
    (finding,) = judged(raw_labels(GOOD), LabelOptions(unit="share")).findings
    assert finding.kind == "outside"


def test_every_kind_of_a_finding_is_explained():
    every = [judged(raw_labels(points)) for points, *_ in (*CURED.values(), *REFUSED.values(), *DOUBTS.values())]
    found = {finding.kind for one in every for finding in one.findings}
    assert found | {"exif", "images", "beside", "persons"} == set(LABEL_KINDS)
