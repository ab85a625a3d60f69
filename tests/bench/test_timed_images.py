from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import timed_images
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """120 drawn faces of 40 persons."""
    images, points = draw_all(120, seed=3)
    path = tmp_path / "faces.npz"
    np.savez(path, images=images, keypoints=points, group=np.repeat(np.arange(40), 3).astype(str))
    return path


def test_faces_come_from_the_test_part_with_their_labels(data: Path) -> None:
    shown = timed_images.pictures_of(data, 9)
    images, points = draw_all(120, seed=3)
    assert shown.labelled
    assert len(shown.images) == len({image.tobytes() for image in shown.images}) == 9
    for image, point in zip(shown.images, shown.keypoints, strict=True):
        row = next(n for n, one in enumerate(images) if np.array_equal(one, image))
        np.testing.assert_array_equal(point, points[row])


def test_more_faces_than_there_are_is_said(data: Path) -> None:
    with pytest.raises(EdgefkpError, match="test faces, and 100 were asked for"):
        timed_images.pictures_of(data, 100)


def test_a_process_of_its_own_reads_the_same_and_hands_errors_over(data: Path) -> None:
    assert timed_images.pictures_for(data, 9).hash == timed_images.pictures_of(data, 9).hash
    assert timed_images.pictures_for(None).hash == timed_images.drawn_pictures().hash
    with pytest.raises(EdgefkpError, match="test faces, and 100 were asked for"):
        timed_images.pictures_for(data, 100)


def test_pictures_survive_their_file(tmp_path: Path, data: Path) -> None:
    shown = timed_images.pictures_of(data, 9)
    timed_images.save(shown, tmp_path / "p.npz")
    again = timed_images.read(tmp_path / "p.npz")
    assert (again.hash, again.name, again.licence) == (shown.hash, shown.name, shown.licence)
