"""Labels as they are judged: drawn faces in portraits of one size, a face of another place and size in each."""

import numpy as np

from edgefkp.data.labels.check import judge
from edgefkp.data.labels.findings import Judgment
from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions
from edgefkp.data.labels.seen import RawLabels
from edgefkp.data.synthetic import draw_all
from edgefkp.layout import KAGGLE15

COUNT = 40
WIDTH, HEIGHT = 240, 320
SIZES = np.tile([WIDTH, HEIGHT], (COUNT, 1))


def good_points() -> np.ndarray:
    """(COUNT, 15, 2) float32 pixels."""
    _, points = draw_all(COUNT, 5)
    random = np.random.default_rng(0)
    scales = random.uniform(0.8, 1.6, (COUNT, 1, 1))
    places = np.array([WIDTH, HEIGHT]) / 2 + random.uniform(-25, 25, (COUNT, 1, 2))
    return ((points - 47.5) * scales + places).astype(np.float32)


def raw_labels(points: np.ndarray, turns: np.ndarray | None = None, persons: np.ndarray | None = None) -> RawLabels:
    count = len(points)
    return RawLabels(
        points.astype(np.float32),
        SIZES[:count],
        np.ones(count, np.uint8) if turns is None else turns,
        KAGGLE15,
        np.array([f"row {row + 1}" for row in range(count)]),
        np.array([f"{row}.jpg" for row in range(count)]),
        persons,
    )


def judged(labels: RawLabels, options: LabelOptions = AS_THEY_ARE) -> Judgment:
    return judge(labels, options, "points.csv")
