"""Labels of photos as tools write them: COCO, CVAT, Label Studio, .pts, WFLW's text, tables, zips."""

import functools
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import KINDS, Kind, Mutator, Sample
from bench.faults.calls import command, drawn, samples_of
from bench.faults.kinds.faces import open_faces
from bench.faults.mutate import alter_archive, alter_bytes, alter_json, alter_table, alter_words, alter_zip, one_of
from edgefkp.data.converting import convert
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.written import WRITERS, write
from edgefkp.files import write_text
from edgefkp.layout import KAGGLE15, LAYOUTS

COUNT = 5


@functools.cache
def _faces() -> Dataset:
    images, points = drawn(COUNT)
    groups = np.array([f"person {number % 4}" for number in range(COUNT)])
    return Dataset("drawn", faces_of(images, points, groups=groups), None, "free")


def _written(form: str, folder: Path) -> None:
    write(WRITERS[form], _faces(), folder, replace_files=True)


def make_coco(folder: Path) -> list[Sample]:
    _written("coco", folder)
    return samples_of(folder, "coco.json", opened=".")


def make_pts(folder: Path) -> list[Sample]:
    _written("csv", folder)
    for number in range(1, COUNT + 1):
        places = [f"{x * 96 + number:.3f} {y * 96:.3f}" for x, y in _shape(68)]
        text = "\n".join(["version: 1", f"n_points: {len(places)}", "{", *places, "}"])
        write_text(folder / f"points/train-{number:05}.pts", f"{text}\n")
    return samples_of(folder, "points/train-00002.pts", opened="points")


def _shape(count: int) -> Sequence[tuple[float, float]]:
    """The mean shape of the known layout of that many points."""
    return next(layout for layout in LAYOUTS.values() if layout.count == count).mean_shape


def make_table(folder: Path) -> list[Sample]:
    _written("csv", folder)
    return samples_of(folder, "points.csv", "points.csv", "images/train-00001.png", opened=".")


def make_other_table(folder: Path) -> list[Sample]:
    """Semicolons, UTF-16, columns that are named otherwise, a part for each file."""
    _written("csv", folder)
    text = (folder / "points.csv").read_text()
    rows = text.splitlines()[1:]
    columns = ";".join(f"{axis} {name}" for name in KAGGLE15.points for axis in "xy")
    for part, kept in (("train", rows), ("test", rows[:1])):
        lines = [f"image;subject;{columns}", *(row.replace(",", ";") for row in kept)]
        (folder / f"{part}.csv").write_bytes("\r\n".join(lines).encode("utf-16"))
    (folder / "points.csv").unlink()
    return samples_of(folder, "train.csv", "test.csv", opened=".")


def make_cvat(folder: Path) -> list[Sample]:
    _written("csv", folder)
    (folder / "points.csv").unlink()
    shapes = []
    for number, face in enumerate(_faces().train.keypoints, 1):
        points = "".join(
            f'<points label="{name}" outside="0" occluded="0" points="{x:.2f},{y:.2f}"></points>'
            for name, (x, y) in zip(KAGGLE15.points, face, strict=True)
        )
        person = f'<attribute name="person">p{number % 4}</attribute>'
        skeleton = f'<skeleton label="face" z_order="0">{person}{points}</skeleton>'
        shapes.append(f'<image id="{number}" name="train-{number:05}.png" width="96" height="96">{skeleton}</image>')
    write_text(folder / "annotations.xml", f"<annotations><version>1.1</version>{''.join(shapes)}</annotations>")
    return samples_of(folder, "annotations.xml", opened=".")


def make_label_studio(folder: Path) -> list[Sample]:
    _written("csv", folder)
    (folder / "points.csv").unlink()
    size = {"original_width": 96, "original_height": 96}
    tasks = [
        {
            "id": number,
            "data": {"image": f"/data/upload/1/0a1b2c3d-train-{number:05}.png", "person": f"p{number % 4}"},
            "annotations": [
                {
                    "result": [
                        {"value": {"x": x / 0.96, "y": y / 0.96, "keypointlabels": [name]}, **size}
                        for name, (x, y) in zip(KAGGLE15.points, face.astype(float).tolist(), strict=True)
                    ]
                }
            ],
        }
        for number, face in enumerate(_faces().train.keypoints, 1)
    ]
    write_text(folder / "project.json", json.dumps(tasks))
    return samples_of(folder, "project.json", opened=".")


def make_wflw(folder: Path) -> list[Sample]:
    _written("csv", folder)
    (folder / "points.csv").unlink()
    points = " ".join(f"{number * 96:.3f}" for place in _shape(98) for number in place)
    lines = [f"{points} 0 0 95 95 0 0 1 0 0 0 train-{number:05}.png" for number in range(1, COUNT + 1)]
    write_text(folder / "list_98pt_rect_attr_train.txt", "\n".join(lines) + "\n")
    return samples_of(folder, "list_98pt_rect_attr_train.txt", opened=".")


def make_face_images(folder: Path) -> list[Sample]:
    images, points = drawn(COUNT)
    np.savez_compressed(folder / "face_images.npz", face_images=np.moveaxis(images, 0, 2))
    rows = [",".join(f"{value:.3f}" for value in face.ravel()) for face in points]
    write_text(folder / "facial_keypoints.csv", "\n".join([",".join(KAGGLE15.columns), *rows]) + "\n")
    return samples_of(folder, "face_images.npz", "facial_keypoints.csv", opened=".")


def make_zipped(folder: Path) -> list[Sample]:
    _written("coco", folder / "inner")
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "inner").rglob("*.*")):
            archive.write(path, path.relative_to(folder / "inner"))
    return samples_of(folder, "export.zip")


def convert_faces(path: Path) -> list[Any]:
    out = path.parent / "converted"
    convert(str(path), "csv", out, replace=True)
    return [command("data", "info", "--data", out, "--json")[:40]]


def _by_content(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    mutate: Mutator = alter_archive if content.startswith(b"PK") else alter_table
    if content.startswith((b"\x89PNG", b"\xff\xd8")):
        mutate = alter_bytes
    return mutate(content, random)


alter_text = one_of(alter_words, alter_words, alter_bytes)
for _name, _what, _make, _mutate, _share in (
    ("coco", "COCO keypoints: opened and split", make_coco, one_of(alter_json, alter_json, alter_bytes), 110),
    ("pts", "a folder of .pts: opened and split", make_pts, alter_text, 50),
    ("photo table", "a CSV of photos: opened and split", make_table, _by_content, 50),
    ("other table", "CSVs of parts, in UTF-16 with semicolons: opened and split", make_other_table, alter_text, 50),
    ("cvat", "CVAT's XML: opened and split", make_cvat, alter_text, 70),
    ("label studio", "Label Studio's JSON: opened and split", make_label_studio, one_of(alter_json, alter_bytes), 70),
    ("wflw", "WFLW's text: opened and split", make_wflw, alter_text, 50),
    ("face images", "face_images.npz and its CSV: opened and split", make_face_images, _by_content, 50),
    (
        "export zip",
        "a zip of photos and COCO: opened and split",
        make_zipped,
        one_of(alter_zip(alter_json, "coco.json"), alter_bytes),
        40,
    ),
):
    KINDS.add(Kind(_name, _what, _make, _mutate, open_faces, _share))
KINDS.add(
    Kind(
        "convert", "COCO keypoints: edgefkp data convert", make_coco, one_of(alter_json, alter_bytes), convert_faces, 30
    )
)
