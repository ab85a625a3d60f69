"""What a dataset holds: faces, persons, and how often each point is missing (the paper's figure 1)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgefkp.card import TERMS
from edgefkp.data.faces import Dataset, Faces
from edgefkp.layout import KAGGLE15


@dataclass(frozen=True)
class PartInfo:
    faces: int
    persons: int
    complete: int  # faces with all points
    labeled: int = field(metadata={"json": "labelled"})  # faces with any point
    missing: dict[str, int]  # by point: the faces without it
    label_src: dict[str, int]  # by how they came to be (Faces.label_src): the labeled points
    hash: str


@dataclass(frozen=True)
class Info:
    name: str
    license: str = field(metadata=TERMS)
    persons_known: bool
    train: PartInfo
    test: PartInfo | None
    layout: str = KAGGLE15.name  # of the points
    schema: str = "edgefkp.data.info"
    version: int = 1


def describe(source: Dataset) -> Info:
    return Info(
        source.name,
        source.license,
        source.persons_known,
        _describe(source.train),
        _describe(source.test) if source.test else None,
        source.layout.name,
    )


def _describe(faces: Faces) -> PartInfo:
    present = ~np.isnan(faces.keypoints).any(-1)
    kinds, counts = np.unique(faces.label_src[present], return_counts=True)
    return PartInfo(
        faces=len(faces),
        persons=len(np.unique(faces.groups)),
        complete=int(faces.complete.sum()),
        labeled=int(faces.labeled.sum()),
        missing=dict(zip(faces.layout.points, (~present).sum(0).tolist(), strict=True)),
        label_src=dict(zip(kinds.astype(str).tolist(), counts.tolist(), strict=True)),
        hash=faces.hash,
    )
