import sys
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import timed_images
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError
from edgefkp.layout import LAYOUTS, InputSpec, ModelSpec
from tests.layouts import SMALL_RGB


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 drawn faces of 40 persons."""
    images, points = draw_all(120, seed=3)
    path = tmp_path_factory.mktemp("faces") / "faces.npz"
    np.savez(path, images=images, keypoints=points, group=np.repeat(np.arange(40), 3).astype(str))
    return path


def test_faces_come_from_the_test_part_with_their_labels(data: Path) -> None:
    shown = timed_images.images_of(data, 9)
    with np.load(data) as stored:
        images, points = stored["images"], stored["keypoints"]
    assert shown.labeled
    assert len(shown.images) == len({image.tobytes() for image in shown.images}) == 9
    for image, point in zip(shown.images, shown.keypoints, strict=True):
        row = next(n for n, one in enumerate(images) if np.array_equal(one, image))
        np.testing.assert_array_equal(point, points[row])


def test_more_faces_than_there_are_is_said(data: Path) -> None:
    with pytest.raises(EdgefkpError, match="test faces, and 100 were asked for"):
        timed_images.images_of(data, 100)


def test_a_process_of_its_own_reads_the_same_and_hands_errors_over(data: Path) -> None:
    assert timed_images.images_for(data, 9).hash == timed_images.images_of(data, 9).hash
    assert timed_images.images_for(None).hash == timed_images.drawn_images().hash
    with pytest.raises(EdgefkpError, match="test faces, and 100 were asked for"):
        timed_images.images_for(data, 100)


def test_pictures_survive_their_file(tmp_path: Path, data: Path) -> None:
    shown = timed_images.images_of(data, 9)
    timed_images.save(shown, tmp_path / "p.npz")
    again = timed_images.read(tmp_path / "p.npz")
    assert (again.hash, again.name, again.license) == (shown.hash, shown.name, shown.license)


def test_faces_are_brought_to_the_input_of_a_network_with_their_points(data: Path) -> None:
    shown = timed_images.images_of(data, 9)
    small = shown.at(ModelSpec(input=InputSpec(64, "rgb", "-1..1")))
    assert small.images.shape == (9, 64, 64, 3)
    # The middles of pixels keep their place in the face.
    np.testing.assert_allclose((small.keypoints + 0.5) / 64, (shown.keypoints + 0.5) / 96, atol=1e-5)
    assert shown.at(ModelSpec()) is shown


def test_points_of_another_layout_have_no_labels(data: Path) -> None:
    other = timed_images.images_of(data, 9).at(SMALL_RGB)
    assert other.keypoints.shape == (9, 3, 2)
    assert not other.labeled
    assert other.layout == SMALL_RGB.layout
    images = timed_images.images_of(data, 9)
    assert images.unscored({"own": ModelSpec(), "none": None}) == []
    (note,) = images.unscored({"own": ModelSpec(), "other": SMALL_RGB})
    assert note.startswith("no RMSE for other: the labels are the 15 points of kaggle15")
    assert other.unscored({"own": ModelSpec()}) == [], "nothing is scored"


def test_a_model_of_more_points_is_timed_on_more_of_each_image_without_labels(data: Path) -> None:
    more = ModelSpec(LAYOUTS["ibug68"])
    shown, usual = timed_images.images_for(data, 9, [more]), timed_images.images_of(data, 9)
    assert (shown.layout, shown.labeled) == (more.layout, False)
    assert shown.images.shape == usual.images.shape
    assert (shown.images != usual.images).any()


def test_what_is_prepared_survives_its_file_and_needs_no_opencv(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [InputSpec(), InputSpec(64, "rgb"), InputSpec(32, "gray", "0..255")]
    shown = timed_images.images_for(data, 9, [ModelSpec(input=one) for one in inputs])
    assert shown.hash == timed_images.images_of(data, 9).hash
    timed_images.save(shown, tmp_path / "p.npz")
    again = timed_images.read(tmp_path / "p.npz")
    monkeypatch.setitem(sys.modules, "cv2", None)
    for spec in inputs:
        assert again.at(ModelSpec(input=spec)).hash == shown.at(ModelSpec(input=spec)).hash
    with pytest.raises(ImportError):
        again.at(ModelSpec(input=InputSpec(128)))
