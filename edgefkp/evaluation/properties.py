"""What faces are sorted by to see where a model is weak: pose, size, blur, darkness, labels, the user's columns.

A property is a value for each face, from its image, its true points or its attributes. A new one is a function with
`@face_property(...)`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgefkp.data.faces import SOURCE_SIDE, Faces
from edgefkp.data.pose import poses
from edgefkp.errors import UsageError
from edgefkp.records import Registry

Measure = Callable[[Faces], np.ndarray]


@dataclass(frozen=True)
class Property:
    name: str
    unit: str  # as it follows a number: "°", " px"
    description: str  # what the number is
    measure: Measure  # faces -> (N,) float, NaN where it is not known


PROPERTIES: Registry[Property] = Registry("property of a face")
# Words that stand for several, or that people look for.
ALIASES = {
    "pose": ("turn", "tilt", "nod"),
    "yaw": ("turn",),
    "roll": ("tilt",),
    "pitch": ("nod",),
    "darkness": ("brightness",),
    "blur": ("sharpness",),
    "visibility": ("points",),
}


LARGEST = 1e12  # a column with larger numbers, or infinite ones, is taken for text


def face_property(name: str, unit: str, description: str) -> Callable[[Measure], Measure]:
    """Register the decorated function as a property; see `Property`."""

    def register(measure: Measure) -> Measure:
        PROPERTIES.add(Property(name, unit, description, measure))
        return measure

    return register


@dataclass(frozen=True, eq=False)
class Measured:
    """One property, or one column of the user's, of each face."""

    name: str
    unit: str
    values: np.ndarray  # (N,) float with NaN = unknown, or text with "" = unknown

    @property
    def is_text(self) -> bool:
        return self.values.dtype.kind == "U"


def measured(name: str, faces: Faces) -> list[Measured]:
    """The property, column or group of properties of that name; a column goes before a property of the same name.

    A column of numbers alone is numbers. Raises UsageError for an unknown name, and for what is not known of any face.
    """
    if name in faces.attributes:
        return [Measured(name, "", _numbers(faces.attributes[name]))]
    found = []
    for one in ALIASES.get(name, (name,)):
        if one not in PROPERTIES:
            columns = [column for column in faces.attributes if column != SOURCE_SIDE]
            raise UsageError(
                f"the faces have no column and no property '{name}'",
                f"choose of: {', '.join([*columns, *PROPERTIES, 'pose'])}",
            )
        own = PROPERTIES[one]
        values = own.measure(faces)
        if np.isnan(values).all():
            raise UsageError(
                f"{one} ({own.description}) is not known of these faces", f"choose of: {', '.join(PROPERTIES)}"
            )
        found.append(Measured(one, own.unit, values))
    return found


def _numbers(column: np.ndarray) -> np.ndarray:
    """A column as floats if all of its cells are numbers or empty, else as text."""
    text = np.char.strip(column.astype(str))
    try:
        numbers = np.array([float(cell) if cell else np.nan for cell in text.tolist()])
    except ValueError:
        return text
    return text if (np.abs(numbers) > LARGEST).any() else numbers


@face_property("turn", "°", "turn of the head, positive to the subject's left; from the true points")
def turn(faces: Faces) -> np.ndarray:
    return poses(faces.keypoints, faces.layout)[:, 0]


@face_property("tilt", "°", "tilt of the head, positive counter-clockwise; from the true points")
def tilt(faces: Faces) -> np.ndarray:
    return poses(faces.keypoints, faces.layout)[:, 1]


@face_property("nod", "°", "nod of the head, positive up; from the true points")
def nod(faces: Faces) -> np.ndarray:
    return poses(faces.keypoints, faces.layout)[:, 2]


@face_property("size", " px", "side of the face's box in its photo")
def size(faces: Faces) -> np.ndarray:
    known = faces.attributes.get(SOURCE_SIDE)
    return np.full(len(faces), np.nan) if known is None else known.astype(float)


@face_property("sharpness", "", "variance of the image's Laplacian; low: blurred")
def sharpness(faces: Faces) -> np.ndarray:
    def of(image: np.ndarray) -> float:
        inner = image[1:-1, 1:-1]
        around = image[:-2, 1:-1] + image[2:, 1:-1] + image[1:-1, :-2] + image[1:-1, 2:]
        return float((around - 4 * inner).var())

    return np.array([of(_gray(image)) for image in faces.images])


@face_property("brightness", "", "mean gray level of the image, 0 to 255; low: dark")
def brightness(faces: Faces) -> np.ndarray:
    return np.array([float(_gray(image).mean()) for image in faces.images])


@face_property("points", " points", "number of labeled points")
def points(faces: Faces) -> np.ndarray:
    return (~np.isnan(faces.keypoints).any(-1)).sum(1).astype(float)


def _gray(image: np.ndarray) -> np.ndarray:
    """(H, W) float levels of a gray or rgb image (weights of Rec. 601)."""
    levels: np.ndarray = image.astype(float) if image.ndim == 2 else image @ (0.299, 0.587, 0.114)
    return levels
