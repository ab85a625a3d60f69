"""One faces.npz of crops, as a network gets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.data.arrays import write_arrays
from edgefkp.data.faces import Dataset, joined
from edgefkp.data.photos import PARTS
from edgefkp.data.written import WRITERS, Writer
from edgefkp.files import json_text

FILE = "faces.npz"


def _write(source: Dataset, out: Path) -> list[Path]:
    parts = {part: faces for part in PARTS if (faces := getattr(source, part)) is not None}
    every = joined(list(parts.values()))
    arrays = {
        "images": every.images,
        "keypoints": every.keypoints,
        "filename": every.ids,
        "label_src": every.label_src,
        "part": np.repeat(list(parts), [len(faces) for faces in parts.values()]),
        "layout": np.array(json_text(source.layout, None)),
        "license": np.array(source.license),
    }
    if source.persons_known:
        arrays["group"] = every.groups
    arrays |= {name: array for name, array in every.attributes.items() if name not in arrays}
    return [write_arrays(out / FILE, arrays, compressed=True)]


WRITERS.add(Writer("npz", "one .npz of crops", (FILE,), faces=_write, loses="photos and visibility"))
