"""The library's front door: an image goes in, faces with their 15 keypoints come out."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgefkp.detect import finders
from edgefkp.detect.presence import FACE_THRESHOLD
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, invert, move_points
from edgefkp.layout import KAGGLE15, SIZE, InputSpec

if TYPE_CHECKING:
    from edgefkp.detect.finders.base import FaceFinder

# The first answer says where the face is better than the finder's box does; the second look is cut by it, as the
# tracker cuts the next frame.
LOOKS = 2


@dataclass(frozen=True, eq=False)
class Face:
    """box: centre and side of the square that was cut, image pixels. score: 0 to 1, how sure it is that the
    keypoints lie on a face. keypoints: (15, 2) float32 image pixels in the order of `edgefkp.layout.NAMES`.
    """

    box: Box
    score: float
    keypoints: np.ndarray


@dataclass(frozen=True, eq=False)
class Look:
    """One crop and what the network says of it. crop: (96, 96) uint8. raw: (15, 2) float32 pixels of the crop."""

    crop: np.ndarray
    raw: np.ndarray
    face: Face


class KeypointDetector:
    """Finds the faces of an image and their 15 keypoints.

        detector = KeypointDetector()
        for face in detector(cv2.imread("photo.jpg")):
            print(face.box, face.score, face.keypoints)

    model: a .tflite (or .keras) file or the name of a shipped one; None = the shipped default.
    finder: "haar", "blazeface", "blazeface:FILE", "yunet:FILE", "whole-image", or an object with `name` and `find`.
    min_score: faces below it are dropped; None = 0.5, and 0 for whole-image, where the caller knows.
    max_faces: of one image, the surest boxes; None = all. runtime, threads: see edgefkp.runtime.interpreters.

    Calls may come from several threads: a lock lets one through at a time. For work in parallel give each thread a
    detector of its own.
    Raises EdgefkpError for a model that is missing, damaged or no keypoint network.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        finder: "str | FaceFinder" = finders.DEFAULT,
        *,
        min_score: float | None = None,
        max_faces: int | None = None,
        runtime: str | None = None,
        threads: int = 1,
    ) -> None:
        from edgefkp.detect.presence import fitted
        from edgefkp.runtime.predictor import open_predictor
        from edgefkp.runtime.shipped import find_model

        self.model = find_model(model)
        limit = finders.finder_kind(finder).min_score if isinstance(finder, str) else FACE_THRESHOLD
        self.finder = finders.open_finder(finder) if isinstance(finder, str) else finder
        self.predictor = open_predictor(self.model, runtime, threads)
        # Says here and now if this is no network for faces; the first real picture then finds it warm.
        self.predictor.predict(np.zeros((1, SIZE, SIZE), np.uint8))
        self.min_score = limit if min_score is None else min_score
        self.max_faces = max_faces
        self._presence = fitted()
        self._lock = threading.Lock()

    def __call__(self, image: np.ndarray) -> list[Face]:
        """The faces of a uint8 image of any size: gray (H, W) or (H, W, 1), BGR (H, W, 3) or BGRA (H, W, 4).

        Raises EdgefkpError for another shape or type.
        """
        image = as_picture(image)
        with self._lock:
            boxes = [found.box for found in self.finder.find(image)[: self.max_faces]]
            faces = [self.settle(image, box).face for box in boxes]
        return [face for face in faces if face.score >= self.min_score]

    def batch(self, images: Iterable[np.ndarray]) -> list[list[Face]]:
        """The faces of each image, in order: what calling it with one after the other gives."""
        return [self(image) for image in images]

    def look(self, image: np.ndarray, box: Box) -> Look:
        """Cut `box` out of an image as `as_picture` gives it, and ask the network. The caller sees to threads."""
        crop = crop_face(image, box, InputSpec())
        raw = self.predictor.predict(crop[None])[0]
        keypoints = move_points(invert(crop_matrix(box, SIZE)), raw)
        return Look(crop, raw, Face(box, self._presence(crop, raw), keypoints))

    def settle(self, image: np.ndarray, box: Box) -> Look:
        """`look` at a finder's box, then again where the first look saw the face."""
        look = self.look(image, box)
        for _ in range(LOOKS - 1):
            again = self.look(image, sane_box(look.face.keypoints, look.face.box))
            # Where the second look wandered off, the first one stands.
            look = again if again.face.score >= min(look.face.score, FACE_THRESHOLD) else look
        return look


def sane_box(keypoints: np.ndarray, before: Box) -> Box:
    """The box of these points, or `before` where they have shrunk to nothing or burst: no picture to cut then."""
    box = box_of_keypoints(keypoints, KAGGLE15)
    return box if np.isfinite(box).all() and before.side / 3 < box.side < before.side * 3 else before


def as_picture(image: np.ndarray) -> np.ndarray:
    """The image as (H, W) gray or (H, W, 3) BGR uint8, without copying where it is one already."""
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
