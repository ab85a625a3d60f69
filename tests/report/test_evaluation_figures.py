"""The error curve and the sheet of the worst faces show what was scored."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from edgefkp.data.faces import faces_of
from edgefkp.errors import UsageError
from edgefkp.evaluation.normalized import normalized
from edgefkp.report.evaluation_figures import curves, require_suffix, worst_of, worst_sheet
from edgefkp.report.figures import png
from tests.made_faces import made_faces


@pytest.fixture
def faces():
    images, keypoints = made_faces(20)
    keypoints[3] = np.nan  # without any label
    keypoints[4, 2:] = np.nan
    return faces_of(images, keypoints, ids=np.array([f"folder/a$b_{number}.png" for number in range(20)]))


def test_the_curve_is_the_share_of_the_faces(faces):
    errors = np.array([1.0, 2.0, 7.5, 30.0])
    own = normalized(errors, np.array(list("abcd")))
    (panel,) = curves([("one", own), ("none", None), ("two", own)], "interpupil").axes
    lines = [line for line in panel.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 2
    for x, y in zip(lines[0].get_xdata(), lines[0].get_ydata(), strict=True):
        assert y == pytest.approx(100 * (errors <= x + 1e-9).mean())
    assert "pupils" in panel.get_xlabel()
    assert curves([("none", None)], "pair") is None


def test_the_worst_faces_come_first_with_their_errors(faces):
    off = np.arange(20.0)
    predicted = np.nan_to_num(faces.keypoints) + off[:, None, None] * (0.6, 0.8)
    worst = worst_of(faces, predicted, 5)
    assert worst.ids == [f"folder/a$b_{number}.png" for number in (19, 18, 17, 16, 15)]
    assert worst.errors == pytest.approx([19, 18, 17, 16, 15], rel=1e-5)
    everyone = worst_of(faces, predicted, 100)
    assert len(everyone.errors) == 19
    figure = worst_sheet(worst)
    titles = [panel.get_title() for panel in figure.axes if panel.images]
    assert titles[0].startswith("19.0 px")
    assert png(figure).startswith(b"\x89PNG")
    assert png(worst_sheet(worst_of(faces, predicted, 1))).startswith(b"\x89PNG")


def test_a_figure_needs_a_suffix_that_is_known(tmp_path):
    require_suffix(tmp_path / "a.PNG")
    with pytest.raises(UsageError, match="neither"):
        require_suffix(tmp_path / "a.jpg")
