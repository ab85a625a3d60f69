"""The library's front door: an image goes in, faces with their keypoints come out."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgefkp.data.pose import Pose, pose_of
from edgefkp.detect import finders
from edgefkp.detect.presence import FACE_THRESHOLD
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.geometry import Box, crop_face, crop_matrix, invert, move_points, reframed, roll_of, turned_box
from edgefkp.layout import KAGGLE15, PointLayout
from edgefkp.layouts.maps import conversion
from edgefkp.runtime.engine import RuntimeChoice

if TYPE_CHECKING:
    from edgefkp.detect.finders import FaceFinder
    from edgefkp.runtime.predictor import Predictor

# The keypoints show where the face lies better than the finder's box does: each refinement cuts the box of the
# keypoints, as the tracker does for the next frame, and predicts again.
REFINEMENTS = 1
# Degrees. Networks are trained on faces that are turned by up to this; others are cut out upright. A crop keeps its
# turn while the face in it stays within, so that points do not jump from frame to frame.
MAX_ROLL = 20.0
SURE = 0.8  # score
SAME_FACE = 0.5  # two boxes whose middles are closer than this share of the larger side lie on one face

# (crop, its keypoints in pixels of the crop, their layout) -> 0 to 1
PresenceCheck = Callable[[np.ndarray, np.ndarray, PointLayout], float]


@dataclass(frozen=True, eq=False)
class Face:
    """One face in an image. Points and box are in image pixels, with pixel centers at whole numbers."""

    box: Box  # center, side and turn of the square that was cut for the network
    score: float  # 0 to 1: how likely the keypoints lie on a face
    keypoints: np.ndarray  # (K, 2) float32, x before y; keypoints[i] is the point layout.points[i]
    layout: PointLayout  # names and order of the points, as the model has them
    # (K,) float32 image pixels: the model's own standard deviation of each point, that of x and of y; None for a model
    # that does not have this output (docs/EVALUATION.md).
    sigma: np.ndarray | None = field(default=None, kw_only=True)

    @cached_property
    def pose(self) -> Pose | None:
        """Turn, tilt and nod of the head in degrees, from the keypoints alone; see `Pose` for signs and accuracy.

        None for a layout whose points do not show it.
        """
        return pose_of(self.keypoints, self.layout)

    def in_layout(self, layout: PointLayout) -> "Face":
        """With the points of `layout`. Raises EdgefkpError where these do not follow from the face's."""
        convert, sigma = conversion(self.layout, layout), self.sigma
        if sigma is not None:  # of a mean of points: at most the mean of theirs
            sigma = convert(np.stack([sigma, sigma], -1))[..., 0]
        return replace(self, keypoints=convert(self.keypoints), layout=layout, sigma=sigma)


@dataclass(frozen=True, eq=False)
class CropPrediction:
    """One crop and the network's prediction for it."""

    crop: np.ndarray  # uint8 of the model's input.image_shape
    raw: np.ndarray  # (K, 2) float32 pixels of the crop
    face: Face


class KeypointDetector:
    """Finds the faces of an image and their keypoints.

        detector = KeypointDetector()
        for face in detector(cv2.imread("photo.jpg")):
            print(face.box, face.score, face.pose, dict(zip(face.layout.points, face.keypoints)))

    Calls may come from several threads: a lock lets one through at a time. For work in parallel give each thread a
    detector of its own.

    Args:
        model: A .tflite (or .keras) file or the name of a shipped one; None: the shipped default.
        finder: As `edgefkp predict --finder` takes it ("haar", "yunet:FILE.onnx"), or an object with `name` and `find`.
        min_score: Faces below it are dropped; None: the finder's own limit, 0.35, and 0 for whole-image.
        max_faces: Of one image, those with the best boxes; None: all.
        min_face: Smallest side of a face, below 1 as a share of the image's short side, else in pixels; None: as far
            as the finder searches.
        runtime: Of .tflite files, "litert" or "tflite-runtime"; None: the first that is installed.
        threads: Of the runtime.
        predictor: The model, where it is open already.
        presence: Another check than the fitted one, whether a face is there.
        free: Use only files that were taught by data with clean terms, for products: a model, a finder and a presence
            check of the free set. `credits` names whom to credit.

    Raises:
        EdgefkpError: The model is missing, damaged or no keypoint network; with `free`, it is not free, or a
            part of the free set is missing.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        finder: "str | FaceFinder" = finders.DEFAULT,
        *,
        min_score: float | None = None,
        max_faces: int | None = None,
        min_face: float | None = None,
        runtime: RuntimeChoice = None,
        threads: int = 1,
        predictor: "Predictor | None" = None,
        presence: PresenceCheck | None = None,
        free: bool = False,
    ) -> None:
        from edgefkp.detect.free import free_set
        from edgefkp.detect.presence import fitted
        from edgefkp.runtime.predictor import open_predictor
        from edgefkp.runtime.shipped import find_model

        if min_face is not None and not min_face > 0:
            raise UsageError(
                f"no face is as small as {min_face}", "give a share of the short side, or pixels from 1 on"
            )
        self.credits: tuple[str, ...] = ()
        if free:
            chosen = free_set(model, finder)
            model, finder, self.credits = chosen.model, chosen.finder, chosen.credits
            presence = presence or chosen.presence
        self.model = find_model(model)
        limit = finders.finder_kind(finder).min_score if isinstance(finder, str) else FACE_THRESHOLD
        self.finder = finders.open_finder(finder) if isinstance(finder, str) else finder
        self.predictor = predictor or open_predictor(self.model, runtime, threads)
        self.spec = self.predictor.spec
        # A file that is no keypoint network fails here; the first real image then finds the network warm.
        self.predictor.predict(np.zeros((1, *self.spec.input.image_shape), np.uint8))
        self.min_score = limit if min_score is None else min_score
        self.max_faces, self.min_face = max_faces, min_face
        if min_face is not None and hasattr(self.finder, "min_face"):
            self.finder.min_face = min_face
        self._presence = presence or fitted()
        self._lock = threading.Lock()

    def __call__(self, image: np.ndarray) -> list[Face]:
        """The faces of a uint8 image of any size: gray (H, W) or (H, W, 1), BGR (H, W, 3) or BGRA (H, W, 4).

        Raises EdgefkpError for another shape or type.
        """
        image = as_image(image)
        with self._lock:
            boxes = self.boxes(image, still=True)[: self.max_faces]
            faces = [self.refine(image, box).face for box in boxes]
        return without_doubles([face for face in faces if face.score >= self.min_score])

    def boxes(self, image: np.ndarray, still: bool) -> list[Box]:
        """What the finder sees in a still or in a frame, as `as_image` returns it. Not for several threads."""
        found = finders.find_in_still(self.finder, image) if still else self.finder.find(image)
        least = 0.0 if self.min_face is None else finders.least_side(self.min_face, image)
        return [face.box for face in found if face.box.side >= least]

    def batch(self, images: Iterable[np.ndarray]) -> list[list[Face]]:
        """The faces of each image, in order: the same as calling the detector with each."""
        return [self(image) for image in images]

    def predict_box(self, image: np.ndarray, box: Box) -> CropPrediction:
        """Cut `box` out of an image as `as_image` returns it, and predict its keypoints. Not for several threads.

        Raises EdgefkpError for a model that predicts NaN or infinity.
        """
        crop = crop_face(image, box, self.spec.input)
        raw, deviations = self._predicted(crop)
        if not np.isfinite(raw).all():
            raise EdgefkpError(
                f"{self.model.name} predicts values that are no numbers", "choose another file, or export it again"
            )
        keypoints = move_points(invert(crop_matrix(box, self.spec.input.side)), raw)
        score = self._presence(crop, raw, self.spec.layout)
        sigma = None if deviations is None else deviations * np.float32(box.side / self.spec.input.side)
        return CropPrediction(crop, raw, Face(box, score, keypoints, self.spec.layout, sigma=sigma))

    def _predicted(self, crop: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(K, 2) points of the crop, and (K,) deviations where the model has them."""
        if not self.spec.output.deviation:
            return self.predictor.predict(crop[None])[0], None
        points, deviations = self.predictor.predict_with_deviation(crop[None])
        return points[0], None if deviations is None else deviations[0]

    def refine(self, image: np.ndarray, box: Box) -> CropPrediction:
        """`predict_box` on a finder's box, then on the box of the keypoints. Not for several threads.

        box: as a training crop of KAGGLE15 lies on the face, which finders are fitted to. One that seems turned is
        looked at upright as well, unless its points are surely good: finders err about that now and then.
        """
        best = self._refined(image, box._replace(roll=next_roll(box.roll, 0)))
        if best.face.score < SURE and next_roll(box.roll, 0):
            upright = self._refined(image, box._replace(roll=0.0))
            best = max(best, upright, key=lambda predicted: predicted.face.score)
        return best

    def _refined(self, image: np.ndarray, box: Box) -> CropPrediction:
        best = self.predict_box(image, reframed(box, KAGGLE15, self.spec.layout))
        for _ in range(REFINEMENTS):
            refined = self.predict_box(image, next_box(best.face.keypoints, best.face.layout, best.face.box))
            # A refinement that lost the face does not count.
            best = refined if refined.face.score >= min(best.face.score, FACE_THRESHOLD) else best
        return best


def without_doubles(faces: list[Face]) -> list[Face]:
    """Without those whose box has come to lie on that of a face with a better score; in their order.

    A small face before or behind a large one is another face.
    """
    best: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        near = [other.box.side / face.box.side for other in best if is_same(face.box, other.box)]
        if not any(1 / 2 < ratio < 2 for ratio in near):
            best.append(face)
    return [face for face in faces if any(face is other for other in best)]


def is_same(one: Box, other: Box, sides: float = SAME_FACE) -> bool:
    """Whether the middles of two boxes are closer than that share of the larger side."""
    return max(abs(one.x - other.x), abs(one.y - other.y)) < sides * max(one.side, other.side)


def next_box(keypoints: np.ndarray, layout: PointLayout, before: Box) -> Box:
    """The box of (K, 2) keypoints; `before` where they have collapsed, spread over the image or are not numbers."""
    if np.isnan(keypoints).any(-1).sum() > layout.count - 2:
        return before
    box = turned_box(keypoints, layout, next_roll(roll_of(keypoints, layout), before.roll))
    return box if np.isfinite(box).all() and before.side / 3 < box.side < before.side * 3 else before


def next_roll(face: float, before: float) -> float:
    """The turn of the crop for a face that is turned by `face` degrees, after a crop that was turned by `before`."""
    beyond = (face - before + 180) % 360 - 180
    if abs(beyond) <= MAX_ROLL:
        return before
    return 0.0 if abs(face) <= MAX_ROLL else face


def as_image(image: np.ndarray) -> np.ndarray:
    """The image as (H, W) gray or (H, W, 3) BGR uint8; not copied if it has this form already.

    Raises EdgefkpError for another shape or type.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise EdgefkpError(
            f"the image is {found}; a uint8 array (H, W) gray or (H, W, 3) BGR was expected",
            "cv2.imread gives such an array, and None for a file that it cannot read",
        )
    if image.ndim == 2:
        return image
    channels = image.shape[2]
    if channels == 1:
        return image[..., 0]
    if channels == 4:
        return np.ascontiguousarray(image[..., :3])
    if channels != 3:
        raise EdgefkpError(f"the image has {channels} channels; 1 (gray), 3 (BGR) or 4 (BGRA) were expected")
    return image
