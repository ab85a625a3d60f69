"""A data source: where labelled faces come from, opened by one function whatever its form."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgefkp.data.faces import Faces, joined
from edgefkp.errors import EdgefkpError


@dataclass(frozen=True, eq=False)
class Source:
    """Faces to train on and, where the source has its own, faces to test on.

    licence: the terms in one line, copied into the card of every model trained on it.
    more: faces of other sources, for training only (`with_more`).
    lookup: (M, 2) int, for Kaggle's test files: the test row and the coordinate (0..29) of every number
        that the competition scores, in the order of RowId; else None.
    persons_known: False where `groups` were made from near-duplicates instead of persons.
    """

    name: str
    train: Faces
    test: Faces | None
    licence: str
    lookup: np.ndarray | None = None
    persons_known: bool = True
    more: Faces | None = None


def open_source(spec: str | Path, labels: str = "csv") -> Source:
    """Open a data source.

    spec: "sample" (the built-in faces), a folder or file of Kaggle's form, an .npz, or a folder of images
        with a CSV of points in original pixels.
    labels: "csv" trains on the labels of training.csv; "full" on those of full_labels.npz beside it.
    Raises EdgefkpError where nothing of a known form is found there.
    """
    if str(spec) == "sample":
        from edgefkp.data.sample import open_sample

        return open_sample()
    path = Path(spec)
    if not path.exists():
        raise EdgefkpError(
            f"no data at {path}",
            "give a folder with training.csv or training.zip, an .npz, a folder of images and a points CSV, or: sample",
        )
    if path.suffix == ".npz":
        from edgefkp.data.npz import open_npz

        return open_npz(path)
    from edgefkp.data import folder, kaggle

    if kaggle.is_kaggle(path):
        return kaggle.open_kaggle(path, labels)
    return folder.open_folder(path)


def with_more(source: Source, others: list[Source]) -> Source:
    """`source` with the training faces of `others` added to what is trained on, and with their licences.

    Validation and test stay those of `source`; the split leaves out every added face of their persons.
    """
    if not others:
        return source
    licence = "; ".join(dict.fromkeys([source.licence, *(other.licence for other in others)]))
    name = "+".join([source.name, *(other.name for other in others)])
    return replace(source, name=name, licence=licence, more=joined([other.train for other in others]))
