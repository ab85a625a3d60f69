"""Labeled faces: Kaggle's tables and zips, .npz, folders of images, and the arrays that travel."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import KINDS, Kind, Sample
from bench.faults.calls import drawn, require_points, samples_of
from bench.faults.mutate import alter_archive, alter_bytes, alter_table, alter_zip, one_of
from edgefkp.files import write_text
from edgefkp.layout import KAGGLE15, ModelSpec

COUNT = 6
HEAD = ",".join(KAGGLE15.columns)


def open_faces(path: Path) -> list[Any]:
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.split import split

    source = open_dataset(path)
    for part in (source.train, source.test):
        if part is not None:
            require_points(part.keypoints)
    return [source.train.hash, len(split(source).train)]


def _row(points: np.ndarray) -> str:
    return ",".join(f"{value:.4f}" for value in points.ravel())


def _pixels(image: np.ndarray) -> str:
    return " ".join(map(str, image.ravel()))


def training_csv() -> str:
    images, points = drawn(COUNT)
    rows = [f"{_row(face)},{_pixels(image)}" for image, face in zip(images, points, strict=True)]
    return "\n".join([f"{HEAD},Image", *rows]) + "\n"


def make_csv(folder: Path) -> list[Sample]:
    write_text(folder / "training.csv", training_csv())
    return samples_of(folder, "training.csv")


def make_zip(folder: Path) -> list[Sample]:
    with zipfile.ZipFile(folder / "training.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("training.csv", training_csv())
    return samples_of(folder, "training.zip")


def make_npz(folder: Path) -> list[Sample]:
    images, points = drawn(COUNT)
    groups = np.array(["a", "b", "c"] * 2)
    np.savez_compressed(folder / "faces.npz", images=images, keypoints=points, group=groups)
    np.savez(folder / "plain.npz", images=images, keypoints=points)
    return samples_of(folder, "faces.npz", "plain.npz")


def make_folder(folder: Path) -> list[Sample]:
    import cv2

    images, points = drawn(4)
    rows = []
    for number, (image, face) in enumerate(zip(images, points, strict=True)):
        cv2.imwrite(str(folder / f"{number}.png"), image)
        rows.append(f"{number}.png,{_row(face)},person {number % 2}")
    write_text(folder / "points.csv", "\n".join([f"file,{HEAD},person", *rows]) + "\n")
    return samples_of(folder, "points.csv", "points.csv", "0.png", opened=".")


def make_tables(folder: Path) -> list[Sample]:
    """Kaggle's whole folder, with each of its small tables altered in turn."""
    images, points = drawn(COUNT)
    make_csv(folder)
    write_text(folder / "test.csv", "ImageId,Image\n" + "".join(f"{n},{_pixels(i)}\n" for n, i in enumerate(images, 1)))
    names = KAGGLE15.columns
    wanted = [(row, name) for row in range(1, COUNT + 1) for name in names]
    rows = [f"{number},{image},{name}," for number, (image, name) in enumerate(wanted, 1)]
    write_text(folder / "IdLookupTable.csv", "\n".join(["RowId,ImageId,FeatureName,Location", *rows]) + "\n")
    values = [f"{number},{value:.3f}" for number, value in enumerate(points.ravel(), 1)]
    write_text(folder / "solution.csv", "\n".join(["RowId,Location", *values]) + "\n")
    return samples_of(folder, "test.csv", "IdLookupTable.csv", "solution.csv", opened=".")


def make_full(folder: Path) -> list[Sample]:
    make_csv(folder)
    _, points = drawn(COUNT)
    known = {
        "keypoints": points,
        "group": np.array(["a", "b"] * 3),
        "filename": np.array([f"{n}.png" for n in range(6)]),
    }
    known["label_src"] = np.ones((COUNT, KAGGLE15.count), np.uint8)
    np.savez(folder / "full_labels.npz", **{f"train_{name}": array for name, array in known.items()})  # type: ignore[arg-type]
    return samples_of(folder, "full_labels.npz", opened=".")


def make_arrays(folder: Path) -> list[Sample]:
    """What is no dataset: reference points, timed images, calibration samples, inputs of a benchmark."""
    from edgefkp.bench import timed_images
    from edgefkp.runtime.reference_vectors import ReferenceVectors

    images, points = drawn(8)
    ReferenceVectors(images, {"0" * 64: points}, {"0" * 64: 0.5}).save(folder / "vectors.npz")
    timed_images.save(timed_images.drawn_images(4), folder / "timed.npz")
    np.savez(folder / "calibration.npz", images=images)
    np.savez(folder / "fed.npz", images=images, number=np.arange(8, dtype=np.float32)[:, None])
    return samples_of(folder, "vectors.npz", "timed.npz", "calibration.npz", "fed.npz")


def read_arrays(path: Path) -> list[Any]:
    from edgefkp.bench import fed, timed_images
    from edgefkp.export import calibration
    from edgefkp.runtime import reference_vectors

    spec = ModelSpec()
    if path.stem == "vectors":
        return [reference_vectors.read_reference_vectors(path).images]
    if path.stem == "timed":
        return [timed_images.read(path).at(spec).hash]
    if path.stem == "fed":
        images = {"name": "images", "shape": spec.input.image_shape, "dtype": np.uint8}
        number = {"name": "number", "shape": (1, 1), "dtype": np.float32}
        return [array.shape for fed_together in fed.read_given(path, [images, number]) for array in fed_together]
    return [calibration.from_file(path, [("images", spec.input.shape)], spec.input).samples[0].shape]


def alter_folder(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    return (alter_table if content.startswith(b"file,") else alter_bytes)(content, random)


KINDS.add(Kind("csv", "Kaggle's training.csv: opened and split", make_csv, alter_table, open_faces, 190))
KINDS.add(
    Kind(
        "zip",
        "Kaggle's training.zip: opened and split",
        make_zip,
        one_of(alter_zip(alter_table), alter_bytes),
        open_faces,
        130,
    )
)
KINDS.add(Kind("npz", "faces in an .npz: opened and split", make_npz, alter_archive, open_faces, 200))
KINDS.add(
    Kind(
        "folder",
        "a folder of images with a CSV of points: opened and split",
        make_folder,
        alter_folder,
        open_faces,
        110,
    )
)
KINDS.add(
    Kind(
        "tables",
        "test.csv, IdLookupTable.csv, solution.csv: opened and split",
        make_tables,
        alter_table,
        open_faces,
        80,
    )
)
KINDS.add(Kind("full labels", "full_labels.npz: opened and split", make_full, alter_archive, open_faces, 50))
KINDS.add(
    Kind(
        "arrays",
        "reference points, timed images, calibration samples, inputs of a benchmark: read",
        make_arrays,
        alter_archive,
        read_arrays,
        90,
    )
)
