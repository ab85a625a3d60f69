"""The samples by which int8 ranges are found: a named, seeded choice of training faces spread over poses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.card import Card
from edgefkp.data.arrays import read_arrays
from edgefkp.data.faces import Dataset
from edgefkp.data.split import Split, TrainingFaces, split
from edgefkp.errors import EdgefkpError, counted
from edgefkp.export.range_outliers import without
from edgefkp.files import sha256_arrays
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout
from edgefkp.layouts.maps import find_conversion

COUNT = 256
SEED = 0
LEAST_CONTRAST = 2.0  # gray levels, standard deviation of an image below which it is constant
LEAST_RANGE = 8  # gray levels; images that never exceed it were divided by 255 on the way
MOST = 32  # of float samples in 0..1 or -1..1; larger ones were not scaled
BINS = 3  # of each pose angle
_FLOATS = ("float32", "float16", "bfloat16", "float64")
# The points that show a pose: the eyes, the nose, and the mouth below it.
_POSE = KAGGLE15.part("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_bottom_lip")


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    # How the samples were chosen.
    name: str
    # One (N, *input shape) array for each input of the network, in its type.
    samples: tuple[np.ndarray, ...]
    # Rows of those that do not count for ranges (edgefkp.export.range_outliers).
    left_out: tuple[int, ...] = ()
    # So many at the start always count for ranges: the first of faces holds the whole range of the input.
    always: int = 0

    @property
    def hash(self) -> str:
        return sha256_arrays(*self.samples)

    def __len__(self) -> int:
        return len(self.samples[0])

    @property
    def entry(self) -> dict[str, Any]:
        """What the card holds of it."""
        entry = {"name": self.name, "samples": len(self), "hash": self.hash}
        return entry | ({"left_out": [*self.left_out]} if self.left_out else {})

    @property
    def ranging(self) -> tuple[np.ndarray, ...]:
        """The samples that count for ranges."""
        return tuple(without(self.samples, self.left_out))


def require_same(now: CalibrationSet | None, card: Card, target: Path, parent: str) -> None:
    """Raise EdgefkpError where the file that stands at `target`, with this card, was calibrated on other data.

    A network that was trained again may come with other samples of data of that name: its input may be another.
    parent: hash of the network.
    """
    was = card.calibration
    if not was or not now or was.get("hash") == now.hash:
        return
    if card.parent_sha256 == parent or was.get("name") != now.name:
        raise EdgefkpError(
            f"{target} was calibrated on {was.get('name')}; this would be {now.name}",
            "--replace makes it again; another --out keeps both",
        )


def of_faces(
    source: Dataset,
    spec: InputSpec,
    count: int = COUNT,
    seed: int = SEED,
    layout: PointLayout | None = None,
    dtype: str = "float32",
) -> CalibrationSet:
    """`count` training faces of `source` (or all of fewer), spread over poses if their points show any.

    spec, layout, dtype: of the network and its input; layout None: the points are those of the faces. Raises
    EdgefkpError if an image among them is constant, a duplicate, or not in 0..255.
    """
    parts = split(source)
    faces = parts.train.take(spread(parts, count, seed)).framed_for(layout or source.layout, spec)
    poses = f" over {BINS**3} poses" if find_conversion(faces.layout, _POSE) else ""
    name = f"{source.name}, {len(faces)} training faces{poses}, seed {seed}"
    require_images(faces.images, name)
    return CalibrationSet(name, (images_as_input(faces.images, spec).astype(dtype),), always=1)


def spread(parts: Split, count: int = COUNT, seed: int = SEED) -> np.ndarray:
    """(count or fewer,) sorted rows of the training faces: one pose after the other, in each a new person first."""
    faces = parts.train
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(faces))
    flat = faces.images.reshape(len(faces), -1)
    # No image twice: two equal ones show nothing that one does not.
    _, first = np.unique(flat[order], axis=0, return_index=True)
    order = order[np.sort(first)]
    order = order[flat[order].std(1) >= LEAST_CONTRAST]
    order = order[np.argsort(_rank(faces.groups[order]), kind="stable")]
    turn = _rank(_poses(faces)[order])
    return np.sort(order[np.argsort(turn, kind="stable")[:count]])


def _rank(labels: np.ndarray) -> np.ndarray:
    """(N,): how many equal labels stand before each."""
    rank = np.zeros(len(labels), int)
    seen: dict[Any, int] = {}
    for position, label in enumerate(labels.tolist()):
        rank[position] = seen[label] = seen.get(label, -1) + 1
    return rank


def _poses(faces: TrainingFaces) -> np.ndarray:
    """(N,) which of BINS**3 poses each face has, by thirds of turn, tilt and nod; -1 for what is not labeled.

    All faces have the same pose in a layout without the points that show it.
    """
    convert = find_conversion(faces.layout, _POSE)
    if convert is None:
        return np.zeros(len(faces), int)
    left, right, nose, mouth = np.moveaxis(convert(faces.keypoints.astype(float)), 1, 0)
    across, middle = left - right, (left + right) / 2
    width = np.maximum(np.linalg.norm(across, axis=1), 1e-6)
    turn = ((nose - middle) * across).sum(1) / width**2
    tilt = np.arctan2(across[:, 1], across[:, 0])
    nod = (nose[:, 1] - middle[:, 1]) / np.maximum(mouth[:, 1] - middle[:, 1], 1e-6)
    return sum(_thirds(angle) * (BINS + 1) ** place for place, angle in enumerate((turn, tilt, nod)))


def _thirds(values: np.ndarray) -> np.ndarray:
    present = ~np.isnan(values)
    if not present.any():
        return np.full(len(values), BINS)
    edges = np.quantile(values[present], np.arange(1, BINS) / BINS)
    return np.where(present, np.searchsorted(edges, values), BINS)


def _scaled(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    """(N, *spec.shape) pixels, in the network's order of channels -> float32."""
    step = -1 if spec.order == "bgr" else 1
    mean, deviation = (numbers.astype(np.float32)[::step] for numbers in spec.mean_and_deviation)
    if spec.axes == "CHW":
        mean, deviation = mean[:, None, None], deviation[:, None, None]
    return (pixels.astype(np.float32) - mean) / deviation


class NetworkInput(NamedTuple):
    """One input of a network, as samples for it are judged."""

    name: str
    shape: tuple[int, ...]  # without the batch
    dtype: str = "float32"
    scaling: str = ""  # one of SCALINGS, as the network's first layers show it; "" if they do not

    @property
    def takes_images(self) -> bool:
        return len(self.shape) > 1 and self.dtype in (*_FLOATS, "uint8")


def from_file(path: Path, inputs: Sequence[tuple[Any, ...]], spec: InputSpec | None = None) -> CalibrationSet:
    """The samples in a .npy or .npz file, for `inputs`: the fields of a NetworkInput each.

    Pixels (uint8) for an input of floats are scaled by `spec`; without it, as its layers show, else divided by 255.
    Other values are taken as they are, in the type of the input.
    Raises EdgefkpError for arrays that are missing, of another shape or type, wrongly scaled, for images that are
    constant, and for samples that are there twice.
    """
    known = [NetworkInput(*one) for one in inputs]
    arrays = _read(path, [one.name for one in known])
    samples = [_samples(path, array, one, spec) for array, one in zip(arrays, known, strict=True)]
    if len({len(array) for array in samples}) != 1:
        raise EdgefkpError(f"{path}: the inputs have different numbers of samples")
    _require_different(np.concatenate([one.reshape(len(one), -1).astype(np.float64) for one in samples], 1), str(path))
    return CalibrationSet(f"{path.name}, {counted(len(samples[0]), 'sample')}", tuple(samples))


def _samples(path: Path, array: np.ndarray, input: NetworkInput, spec: InputSpec | None) -> np.ndarray:
    """The samples for one input, in its type."""
    if array.shape[1:] == input.shape[:-1] and input.shape[-1:] == (1,):
        array = array[..., None]
    if array.shape[1:] != input.shape:
        raise EdgefkpError(
            f"{path}: samples of shape {array.shape[1:]}, and the network's input {input.name} takes {input.shape}",
            "save them as an array (samples, *input shape)",
        )
    floats, pixels = input.dtype in _FLOATS, array.dtype == np.uint8 and input.takes_images
    if pixels:
        require_images(array, str(path), different=False)
        if floats:
            array = _scaled(array, spec or InputSpec(scaling=input.scaling or InputSpec.scaling))
    elif array.dtype.kind not in "fiub" or (array.dtype.kind != "f" and input.takes_images):
        raise EdgefkpError(f"{path}: samples are {array.dtype}", "save uint8 pixels, or float inputs as trained on")
    elif not floats and array.dtype.kind == "f" and (array != np.rint(array)).any():
        raise EdgefkpError(f"{path}: samples are fractions, and the input {input.name} takes {input.dtype}")
    else:
        _require_inputs(array, str(path), input, spec)
    return array.astype(input.dtype)


def _read(path: Path, names: list[str]) -> list[np.ndarray]:
    """One array for each of `names`; the only array of a file whatever its name."""
    arrays = read_arrays(path, "save it with numpy.save or numpy.savez")
    if len(arrays) == len(names) == 1:
        found = list(arrays.values())
    else:
        missing = [name for name in names if name not in arrays]
        if missing:
            held = ", ".join(name for name in arrays if name) or "one array without a name"
            raise EdgefkpError(f"{path} has no array '{missing[0]}'", f"it holds: {held}")
        found = [arrays[name] for name in names]
    if any(array.ndim < 2 or not len(array) for array in found):
        raise EdgefkpError(f"{path} holds no samples", "save an array (samples, *input shape)")
    return found


def require_images(images: np.ndarray, name: str, different: bool = True) -> None:
    """Raise EdgefkpError if (N, ...) uint8 images are constant or were scaled to 0..1 before, or if some are
    duplicates that should be `different`."""
    images = images.reshape(len(images), -1)
    if not len(images):
        raise EdgefkpError(f"calibration ({name}) has no images", "give --data with faces")
    if images.max() <= LEAST_RANGE:
        raise EdgefkpError(
            f"calibration ({name}): the brightest pixel of {counted(len(images), 'image')} is {images.max()} of 255",
            "the images seem to be divided by 255 already: give pixels 0..255 as uint8",
        )
    _require_varied(images.std(1) < LEAST_CONTRAST, name)
    if different:
        _require_different(images, name)


def _require_inputs(samples: np.ndarray, name: str, input: NetworkInput, spec: InputSpec | None) -> None:
    flat = samples.reshape(len(samples), -1)
    if not np.isfinite(flat).all():
        raise EdgefkpError(f"calibration ({name}) has values that are not numbers", "give finite inputs")
    expected = spec.scaling if spec else input.scaling
    if input.takes_images and expected in ("0..1", "-1..1") and np.abs(flat).max() > MOST:
        raise EdgefkpError(
            f"calibration ({name}): values up to {np.abs(flat).max():.4g} in float samples, and the network is taken "
            f"to expect {expected}",
            "if it takes pixels as they are: --input-range 0..255; else scale them as in training, or save uint8",
        )
    if input.takes_images:
        _require_varied(np.ptp(flat, axis=1) == 0, name)


_OTHERS = (
    "calibrate with different images, as the network will see them; without --calibration training faces are taken"
)


def _require_varied(constant: np.ndarray, name: str) -> None:
    if constant.any():
        message = f"calibration ({name}): {constant.sum()} of {counted(len(constant), 'sample')} are one plain gray"
        raise EdgefkpError(message, _OTHERS)


def _require_different(flat: np.ndarray, name: str) -> None:
    repeated = len(flat) - len(np.unique(flat, axis=0))
    if repeated:
        raise EdgefkpError(
            f"calibration ({name}): {repeated} of {counted(len(flat), 'sample')} are there twice", _OTHERS
        )


def images_as_input(images: np.ndarray, spec: InputSpec) -> np.ndarray:
    """(N, *image_shape) uint8 -> (N, side, side, channels) float32, scaled for the network, black and white among them.

    Two corner pixels of the first image become black and white, so that the input's step is exactly one gray level:
    then uint8 pixels are the quantized input, with nothing lost.
    """
    images = images.copy()
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return spec.to_network(images)
