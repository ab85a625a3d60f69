"""Faces whose labels are altered, in a file of their own, and a command typed on them."""

import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.synthetic import draw_all
from edgefkp.layout import KAGGLE15


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
