"""What a data source holds: faces, persons, and how often each point is missing (the paper's figure 1)."""

from dataclasses import dataclass

import numpy as np

from edgefkp.data.faces import Dataset, Faces
from edgefkp.layout import NAMES


@dataclass(frozen=True)
class PartInfo:
    """missing: faces without each point. label_src: labelled points by how they came to be (see Faces)."""

    faces: int
    persons: int
    complete: int
    labelled: int
    missing: dict[str, int]
    label_src: dict[str, int]
    hash: str


@dataclass(frozen=True)
class Info:
    name: str
    licence: str
    persons_known: bool
    train: PartInfo
    test: PartInfo | None
    schema: str = "edgefkp.data.info"
    version: int = 1


def describe(source: Dataset) -> Info:
    return Info(
        source.name,
        source.licence,
        source.persons_known,
        _describe(source.train),
        _describe(source.test) if source.test else None,
    )


def _describe(faces: Faces) -> PartInfo:
    there = ~np.isnan(faces.keypoints).any(-1)
    kinds, counts = np.unique(faces.label_src[there], return_counts=True)
    return PartInfo(
        faces=len(faces),
        persons=len(np.unique(faces.groups)),
        complete=int(faces.complete.sum()),
        labelled=int(faces.labelled.sum()),
        missing=dict(zip(NAMES, (~there).sum(0).tolist(), strict=True)),
        label_src=dict(zip(kinds.astype(str).tolist(), counts.tolist(), strict=True)),
        hash=faces.hash,
    )
