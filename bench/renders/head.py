"""The head model: ICT Face Model Light (USC Institute for Creative Technologies, 2020, MIT license) as one file.

    python -m bench.renders.head FaceXModel head.npz

FaceXModel is that folder of a clone of https://github.com/ICT-VGL/ICT-FaceKit. The file is made once and read often; it
is the model's data under the model's license, and stays out of this project.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from pathlib import Path

import click
import numpy as np

from edgefkp.cli.options import log
from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, reading

CLONE = "clone https://github.com/ICT-VGL/ICT-FaceKit again"
NEUTRAL = "generic_neutral_mesh"
IDENTITY, PUPILS = "identity", "PupilDilate"
SOURCE = "ICT Face Model Light, Copyright (c) 2020 USC Institute for Creative Technologies, MIT license"
# Surfaces that are drawn, by their materials in the file; the fluid and the shadow of eyes are not.
SURFACES = ("M_Face", "M_BackHead", "M_GumsTongue", "M_Teeth", "M_ScleraLeft", "M_IrisLeft", "M_ScleraRight",
            "M_IrisRight", "M_EyeLashes")  # fmt: skip
FACE, BACK, GUMS, TEETH, SCLERA_LEFT, IRIS_LEFT, SCLERA_RIGHT, IRIS_RIGHT, LASHES = range(len(SURFACES))
# Vertices at the 68 points of Multi-PIE, in the order of the layout ibug68 (the model's README).
LANDMARKS = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841,
    5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip

# Vertices of the left and the right eyeball: from the sclera, from the iris, to the end.
EYES_FROM = ((21451, 22221, 23021), (23021, 23791, 24591))


@dataclass(frozen=True, eq=False)
class Head:
    """A head: its shape is the neutral one plus weighted sums of differences. Centimeters; x to the subject's left, y
    up, z to the front."""

    neutral: np.ndarray  # (V, 3) float32
    identities: np.ndarray  # (I, V, 3) differences; weights are standard normal
    expressions: np.ndarray  # (E, V, 3) differences; weights are 0 to 1
    names: np.ndarray  # (E,) of the expressions
    triangles: np.ndarray  # (T, 3) int32, counterclockwise from outside
    surfaces: np.ndarray  # (T,) int8 of SURFACES

    def shape(self, identity: np.ndarray, expression: dict[str, float]) -> np.ndarray:
        """(V, 3) for (I,) weights and the named expressions."""
        weights = np.zeros(len(self.names), np.float32)
        for name, weight in expression.items():
            (weights[self.names == name],) = (weight,)
        found: np.ndarray = self.neutral + np.tensordot(identity.astype(np.float32), self.identities, 1)
        return found + np.tensordot(weights, self.expressions, 1)


def read_head(path: Path) -> Head:
    """Raises EdgefkpError for a file that is missing or damaged."""
    arrays = read_arrays(path, "python -m bench.renders.head FaceXModel head.npz")
    if missing := {one.name for one in fields(Head)} - arrays.keys():
        raise EdgefkpError(f"{path} is no head: it lacks {', '.join(sorted(missing))}")
    differences = {name: arrays[name].astype(np.float32) for name in ("identities", "expressions")}
    return Head(**{one.name: arrays[one.name] for one in fields(Head)} | differences)


def vertices_of(path: Path) -> np.ndarray:
    """(V, 3) float32 of an .obj file."""
    with reading(path, "a mesh in the OBJ format", CLONE):
        lines = [line[2:] for line in path.read_text(encoding="ascii").splitlines() if line.startswith("v ")]
    return np.array(" ".join(lines).split(), np.float32).reshape(-1, 3)


def surfaces_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """((T, 3) triangles, (T,) of SURFACES) of an .obj file's polygons; those of other materials are left out."""
    triangles: list[tuple[int, int, int]] = []
    surfaces: list[int] = []
    surface = -1
    with reading(path, "a mesh in the OBJ format", CLONE):
        for line in path.read_text(encoding="ascii").splitlines():
            if line.startswith("usemtl "):
                name = line.split()[1]
                surface = SURFACES.index(name) if name in SURFACES else -1
            elif line.startswith("f ") and surface >= 0:
                corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
                for second, third in itertools.pairwise(corners[1:]):
                    triangles.append((corners[0], second, third))
                    surfaces.append(surface)
    return np.array(triangles, np.int32), np.array(surfaces, np.int8)


def read_model(folder: Path) -> Head:
    """Raises EdgefkpError for a folder without the model."""
    files = {file.stem: file for file in sorted(folder.glob("*.obj"))}
    if NEUTRAL not in files:
        raise EdgefkpError(f"no {NEUTRAL}.obj in {folder}", "give the folder FaceXModel of ICT-FaceKit")
    neutral = vertices_of(files.pop(NEUTRAL))
    triangles, surfaces = surfaces_of(folder / f"{NEUTRAL}.obj")
    differences: dict[str, np.ndarray] = {}
    with progress_bar("shapes", len(files)) as bar:
        for name, file in files.items():
            differences[name] = vertices_of(file) - neutral
            bar.update(1)
    identities = [name for name in differences if name.startswith(IDENTITY)]
    expressions = [name for name in differences if not name.startswith((IDENTITY, PUPILS))]
    shapes, moods = (np.stack([differences[name] for name in names]) for names in (identities, expressions))
    return Head(neutral, shapes, moods, np.array(expressions), triangles, surfaces)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def main(folder: Path, out: Path) -> None:
    """Write the head model of FOLDER (FaceXModel) to OUT, an .npz."""
    head = read_model(folder)
    arrays = {one.name: getattr(head, one.name) for one in fields(Head)}
    differences = {name: arrays[name].astype(np.float16) for name in ("identities", "expressions")}
    write_arrays(out, {**arrays, **differences, "source": np.array(SOURCE)})
    log(f"{len(head.identities)} identities, {len(head.names)} expressions, {len(head.triangles)} triangles: {out}")


if __name__ == "__main__":
    main()
