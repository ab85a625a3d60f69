"""The mean shape of a layout from labeled faces, as the lines that stand in its file of edgefkp/layouts.

    python -m bench.fit_mean_shape COCO.json

Takes the annotations of a COCO file. Give training persons alone.
"""

import sys
from pathlib import Path

import numpy as np

from edgefkp.files import read_json
from edgefkp.layout import LAYOUTS
from edgefkp.layouts.own import mean_shape

NAME = "ibug68"


def points_of(path: Path, count: int) -> np.ndarray:
    """(N, count, 2) float64 pixels of the annotations of a COCO file; NaN where visibility is 0."""
    rows = [one["keypoints"] for one in read_json(path)["annotations"]]
    numbers = np.array(rows, np.float64).reshape(len(rows), count, 3)
    return np.where(numbers[..., 2:] > 0, numbers[..., :2], np.nan)


def lines(shape: np.ndarray) -> str:
    """Python, four points a line."""
    places = [f"({x:.4f}, {y:.4f})" for x, y in shape]
    return "\n".join(f"    {', '.join(places[row : row + 4])}," for row in range(0, len(places), 4))


if __name__ == "__main__":
    layout = LAYOUTS[NAME]
    print(lines(mean_shape(points_of(Path(sys.argv[1]), layout.count), layout.mirror_order)))
