"""Duplicates, the audit and the contact sheet for another layout, size and colors."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from edgefkp.data import duplicates
from edgefkp.data.audit import audit
from edgefkp.data.contact_sheet import write_sheet
from edgefkp.data.duplicates import near_duplicates
from edgefkp.data.faces import Dataset, Faces, faces_of
from edgefkp.data.info import describe
from edgefkp.data.synthetic import drawn_faces
from edgefkp.layout import SIDE_COLORS, InputSpec, ModelSpec
from tests.layouts import SMALL_RGB, THREE
from tests.made_faces import made_faces


@cache
def textured_faces(spec: ModelSpec) -> Faces:
    """Points of drawn faces on images of which no two are alike, as drawn ones are."""
    return replace(drawn_faces(40, spec, seed=1), images=made_faces(40, spec=spec)[0])


@pytest.fixture(scope="module")
def faces():
    return textured_faces(SMALL_RGB)


def test_near_duplicates_are_found_at_another_size_in_color(faces):
    images = np.concatenate([faces.images, faces.images[[3, 9]]])
    images[41] = np.clip(images[41] * 1.15, 0, 255).astype(np.uint8)
    pairs = near_duplicates(images)
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(3, 40), (9, 41)]
    assert pairs.likeness[0] == 1 > pairs.likeness[1] > 0.9


def test_pairs_of_many_images_are_computed_once(faces, monkeypatch):
    monkeypatch.setattr(duplicates, "_MANY", 40)
    images = faces.images.copy()
    images[5] = images[2]
    first = near_duplicates(images)
    monkeypatch.setattr(duplicates, "_near_duplicates", lambda images: pytest.fail("computed again"))
    again = near_duplicates(images)
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    assert (first.first.tolist(), first.second.tolist()) == ([2], [5])
    monkeypatch.undo()
    images[5] = faces.images[5]
    assert not len(near_duplicates(images).first)


@pytest.mark.parametrize("spec", [SMALL_RGB, ModelSpec(THREE), ModelSpec(input=InputSpec(160))], ids=str)
def test_the_audit_finds_faults_in_any_layout(spec):
    source = Dataset("drawn", textured_faces(spec), None, "none")
    assert not audit(source).findings
    keypoints = source.train.keypoints.copy()
    side = spec.input.side
    keypoints[4, [0, 1]] = keypoints[4, [1, 0]]
    keypoints[11, -1, 1] = side + 1.5
    keypoints[20] *= 0.5
    found = audit(replace(source, train=replace(source.train, keypoints=keypoints))).findings
    assert {("sides", 5), ("outside", 12), ("placement", 21)} <= {(finding.kind, finding.row) for finding in found}
    assert {finding.row for finding in found} == {5, 12, 21}
    detail = next(finding.detail for finding in found if finding.kind == "outside")
    assert detail == f"{spec.layout.points[-1]} is 2.0 px outside"


def test_the_description_names_the_layouts_points(faces):
    keypoints = faces.keypoints.copy()
    keypoints[:7, 2] = np.nan
    part = describe(Dataset("drawn", replace(faces, keypoints=keypoints), None, "none")).train
    assert part.missing == {"eye_left": 0, "eye_right": 0, "chin": 7}
    assert (part.complete, part.labeled) == (33, 40)


@pytest.mark.parametrize("colors", ["gray", "rgb"])
def test_the_sheet_shows_each_point_in_the_color_that_overlays_have(tmp_path, colors):
    spec = InputSpec(64, colors)
    black = faces_of(np.zeros((3, *spec.image_shape), np.uint8), np.stack([THREE.mean_points(64)] * 3), layout=THREE)
    sheet = cv2.imread(str(write_sheet(tmp_path / "sheet.png", black)))
    assert sheet.shape == (192, 3 * 192, 3)
    (left, right, chin) = ((THREE.mean_points(64) + 0.5) * 3 - 0.5).round().astype(int)
    for side, (x, y) in zip(("left", "right", "middle"), (left, right, chin), strict=True):
        assert sheet[y, 192 + x].tolist() == list(SIDE_COLORS[side][::-1])
