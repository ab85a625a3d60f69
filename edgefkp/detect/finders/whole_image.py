"""No search: each image is one face already, as training crops are."""

from __future__ import annotations

import numpy as np

from edgefkp.detect.finders.base import FINDERS, FaceBox, Finder
from edgefkp.geometry import Box


class WholeImage:
    name = "whole-image"

    def find(self, image: np.ndarray) -> list[FaceBox]:
        height, width = image.shape[:2]
        # The largest square: a crop has no border to spare.
        return [FaceBox(Box((width - 1) / 2, (height - 1) / 2, float(min(height, width))), 1.0)]


FINDERS.add(
    Finder(
        WholeImage.name,
        "no search: images that are one face already",
        lambda argument: WholeImage(),
        min_score=0.0,
        taught=False,
    )
)
