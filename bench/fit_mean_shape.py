"""The mean shape of a layout from labeled faces, as the lines that stand in its file of edgefkp/layouts.

    python -m bench.fit_mean_shape COCO.json

Takes the annotations of a COCO file. Give training persons alone.
"""

from pathlib import Path

import numpy as np

from bench import words_of
from edgefkp.data.own_layout import EXTENT
from edgefkp.files import read_json
from edgefkp.layout import LAYOUTS

NAME = "ibug68"
ROUNDS = 10  # the mean that faces are brought to is that of the round before


def points_of(path: Path, count: int) -> np.ndarray:
    """(N, count, 2) float64 pixels of the annotations of a COCO file; NaN where visibility is 0."""
    rows = [one["keypoints"] for one in read_json(path)["annotations"]]
    numbers = np.array(rows, np.float64).reshape(len(rows), count, 3)
    return np.where(numbers[..., 2:] > 0, numbers[..., :2], np.nan)


def mean_shape(faces: np.ndarray, mirror: np.ndarray | None = None) -> np.ndarray:
    """(K, 2) in units of the box, from (N, K, 2) faces in any images; NaN = missing.

    The faces are brought over each other by shift and scale, and their mean is put into the middle of its box, EXTENT
    of it wide or high. mirror: where it is given, faces count together with their mirror images.
    Raises ValueError if no face has all points.
    """
    faces = faces[~np.isnan(faces).any((1, 2))].astype(np.float64)
    if not len(faces):
        raise ValueError("no face has all points")
    centered = faces - faces.mean(1, keepdims=True)
    shape = centered[0]
    for _ in range(ROUNDS):
        shape = shape / np.linalg.norm(shape)
        scale = (centered * shape).sum((1, 2)) / (centered**2).sum((1, 2))
        shape = (centered * scale[:, None, None]).mean(0)
        if mirror is not None:
            shape = (shape + shape[mirror] * (-1, 1)) / 2
    low, high = shape.min(0), shape.max(0)
    return 0.5 + (shape - (low + high) / 2) * EXTENT / (high - low).max()


def lines(shape: np.ndarray) -> str:
    """Python, four points a line."""
    places = [f"({x:.4f}, {y:.4f})" for x, y in shape]
    return "\n".join(f"    {', '.join(places[row : row + 4])}," for row in range(0, len(places), 4))


if __name__ == "__main__":
    layout = LAYOUTS[NAME]
    print(lines(mean_shape(points_of(Path(words_of(__doc__, "faces").faces), layout.count), layout.mirror_order)))
