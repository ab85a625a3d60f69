"""Labeled faces as a model sees them, also a model of other points than the labels."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box, crop_matrix, invert, move_points, reframed
from edgefkp.layout import ModelSpec
from edgefkp.layouts.maps import Conversion, find_conversion

SomeFaces = TypeVar("SomeFaces", bound=Faces)


@dataclass(frozen=True, eq=False)
class FittedFaces:
    """Faces for one model, and the way from its points to those that the faces are labeled with."""

    # With the points that are scored, in images of the model's side.
    faces: Faces
    # The same faces and points, as much of each image as the model was trained on.
    seen: Faces
    # From the model's points to the scored ones.
    convert: Conversion
    # (2, 3), from pixels of `seen` to pixels of `faces`.
    matrix: np.ndarray

    def scored(self, predicted: np.ndarray) -> np.ndarray:
        """(N, K, 2) points that the model predicts for `seen.images` -> (N, L, 2) points as `faces` has them."""
        if self.seen is self.faces:
            return self.convert(predicted)
        return move_points(self.matrix, self.convert(predicted))

    def scored_deviations(self, deviations: np.ndarray) -> np.ndarray:
        """(N, K) deviations of the model's points -> (N, L) of the scored ones: of a mean, the mean of theirs."""
        found = self.convert(np.stack([deviations, deviations], -1))[..., 0]
        return found if self.seen is self.faces else found * np.float32(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


def fitted_faces(spec: ModelSpec, faces: Faces, file: str) -> FittedFaces:
    """`faces` for a model of this kind: with its points where they follow from those of the faces, else with their own.

    Raises EdgefkpError if neither follows from the other.
    """
    if find_conversion(faces.layout, spec.layout):
        faces = faces.in_layout(spec.layout)
    convert = find_conversion(spec.layout, faces.layout)
    if convert is None:
        raise EdgefkpError(
            f"{file} predicts the points of {spec.layout.name} ({spec.layout.count}), and the faces have those of "
            f"{faces.layout.name} ({faces.layout.count})",
            f"give faces labeled with the points of {spec.layout.name}, or a model for {faces.layout.name}",
        )
    side = spec.input.side
    own = faces.at(spec.input)
    seen = seen_by(spec, faces) if faces.layout != spec.layout else own
    whole = Box(spec.input.center, spec.input.center, side)
    matrix = invert(crop_matrix(reframed(whole, faces.layout, spec.layout), side))
    return FittedFaces(own, seen, convert, matrix)


def seen_by(spec: ModelSpec, faces: SomeFaces) -> SomeFaces:
    """The same faces and points, as much of each image as a model of this kind was trained on, in its input."""
    return faces.framed_for(spec.layout, spec.input)
