"""The forms that labelled faces come in, one file each, and the door that opens any of them."""

from pathlib import Path

from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError


def open_dataset(spec: str | Path, labels: str = "csv") -> Dataset:
    """Open a data source.

    spec: "sample" (the built-in faces), a folder or file of Kaggle's form, an .npz, or a folder of images
        with a CSV of points in original pixels.
    labels: "csv" trains on the labels of training.csv; "full" on those of full_labels.npz beside it.
    Raises EdgefkpError where nothing of a known form is found there.
    """
    if str(spec) == "sample":
        from edgefkp.data.formats.sample import open_sample

        return open_sample()
    path = Path(spec)
    if not path.exists():
        raise EdgefkpError(
            f"no data at {path}",
            "give a folder with training.csv or training.zip, an .npz, a folder of images and a points CSV, or: sample",
        )
    if path.suffix == ".npz":
        from edgefkp.data.formats.npz import open_npz

        return open_npz(path)
    from edgefkp.data.formats import folder, kaggle

    if kaggle.is_kaggle(path):
        return kaggle.open_kaggle(path, labels)
    return folder.open_folder(path)
