"""The own face finder for the browser: its file, its numbers, and what Python finds with it to compare with."""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.demo.answers import Answer, Get, as_json
from edgefkp.detect.finders import edge, finder_kind
from edgefkp.detect.finders.edge import EdgeFinder
from edgefkp.detect.finders.edge_free import EdgeFreeFinder
from edgefkp.layout import REFERENCE_SIDE
from edgefkp.layouts.five import FIVE
from edgefkp.networks.finder import CELLS, REACH

LOOKS = 4  # of drawn faces, on which browser and Python are compared


class PageFinder(NamedTuple):
    kind: type[EdgeFinder]
    file: Path


def page_finder(spec: str) -> PageFinder:
    """The finder of the page: that of the spec, where it is one of edgefkp's own networks; else the usual one.

    Raises UsageError for an unknown name, EdgefkpError for a file that this finder does not take.
    """
    given, argument = finder_kind(spec).name, spec.partition(":")[2]
    for kind in (EdgeFinder, EdgeFreeFinder):
        if kind.name == given:
            file = Path(argument) if argument else kind.model
            kind(file)
            return PageFinder(kind, file)
    return PageFinder(EdgeFinder, EdgeFinder.model)


def finder_pages(finder: PageFinder) -> dict[str, Get]:
    """The file, and what the script has to know of it."""
    return {
        "/finder.tflite": lambda rest: Answer(finder.file.read_bytes()),
        "/finder.json": lambda rest: as_json(_finder(finder)),
    }


@functools.lru_cache(maxsize=4)
def _finder(page: PageFinder) -> dict[str, Any]:
    finder = page.kind(page.file)
    (height, width) = finder.input_size
    looks = _looks(height, width)
    found = [finder.see(look) for look in looks]
    return {
        "height": height,
        "width": width,
        "cells": CELLS,
        "reach": REACH,
        "threshold": finder.threshold,
        "overlap": edge.OVERLAP,
        "within": edge.WITHIN,
        "part": edge.PART,
        "correction": finder.correction._asdict(),
        "meanShape": FIVE.mean_points(REFERENCE_SIDE),
        "looks": base64.b64encode(looks.tobytes()).decode(),
        # x, y, side and score of each face
        "found": [np.column_stack([one.boxes, one.scores]).tolist() for one in found],
    }


def _looks(height: int, width: int) -> np.ndarray:
    """(LOOKS, height, width) uint8: drawn faces in rows, larger ones in each further look."""
    from edgefkp.data.synthetic import SHIPPED
    from edgefkp.geometry import Box, crop_face
    from edgefkp.layout import InputSpec

    with np.load(SHIPPED) as arrays:
        faces = arrays["images"]
    looks = np.full((LOOKS, height, width), 110, np.uint8)
    number = 0
    for look, side in zip(looks, (48, 64, 96, 128), strict=True):
        step = side + side // 3
        for top in range(4, height - side, step):
            for left in range(4, width - side, step):
                face = faces[number % len(faces)]
                whole = Box((len(face) - 1) / 2, (len(face) - 1) / 2, len(face))
                look[top : top + side, left : left + side] = crop_face(face, whole, InputSpec(side))
                number += 1
    return looks
