"""Drawn faces: 100 images to time a network on without data.

A cartoon of a face is drawn around known points: shapes with soft edges, in gray, no two alike. A network trained on
photos finds the points only roughly, so no RMSE is given for these images.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgefkp.data.faces import Faces, faces_of
from edgefkp.geometry import move_points, similarity
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec

COUNT = 100
SEED = 96
SHIPPED = Path(__file__).with_name("drawn_faces.npz")
# What is drawn, and on which canvas; other points and inputs come from it by the face's pose and by resampling.
_LAYOUT, _INPUT = KAGGLE15, InputSpec()
_SIDE = _INPUT.side
_ROWS, _COLUMNS = np.mgrid[:_SIDE, :_SIDE].astype(float)


class Drawing(NamedTuple):
    image: np.ndarray  # (96, 96) uint8
    points: np.ndarray  # (15, 2) float32 pixels
    pose: np.ndarray  # (2, 3), moves the mean face to where this one is


def draw(random: np.random.Generator) -> Drawing:
    """One face."""
    # The expression moves single points, the pose all of them.
    shape = _LAYOUT.mean_points(_SIDE)
    points = shape + random.normal(0, 1, shape.shape)
    pose = similarity(
        _INPUT.center, random.uniform(-12, 12), random.uniform(0.85, 1.1), tuple(random.uniform(-4, 4, 2))
    )
    points = move_points(pose, points)
    canvas = _background(random)
    skin = random.uniform(110, 220)
    _head(canvas, points, skin, random.uniform(10, 90))
    _eyes(canvas, points, skin)
    _brows(canvas, points, skin * random.uniform(0.25, 0.6))
    _nose(canvas, points, skin * 0.72)
    _mouth(canvas, points, skin * random.uniform(0.45, 0.65))
    light = (
        1 + random.uniform(-0.25, 0.25) * (_COLUMNS / _SIDE - 0.5) + random.uniform(-0.2, 0.2) * (_ROWS / _SIDE - 0.5)
    )
    return Drawing(np.clip(np.rint(canvas * light), 0, 255).astype(np.uint8), points.astype(np.float32), pose)


def draw_all(count: int = COUNT, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """(count, 96, 96) uint8 and (count, 15, 2) float32; the same for the same seed."""
    random = np.random.default_rng(seed)
    images, points, _ = zip(*(draw(random) for _ in range(count)), strict=True)
    return np.stack(images), np.stack(points)


def drawn_faces(count: int, spec: ModelSpec, seed: int = 0) -> Faces:
    """Drawn faces for a network of this kind; the same for the same seed, and each a person of its own.

    Points of another layout than the drawn one are its mean shape, moved by the face's pose.
    """
    random = np.random.default_rng(seed)
    drawings = [draw(random) for _ in range(count)]
    if spec.layout == _LAYOUT:
        points = [drawing.points for drawing in drawings]
    else:
        shape = spec.layout.mean_points(_SIDE).astype(float)
        points = [move_points(drawing.pose, shape) for drawing in drawings]
    return faces_of(np.stack([one.image for one in drawings]), np.stack(points), layout=spec.layout).at(spec.input)


def _at(points: np.ndarray, *names: str) -> np.ndarray:
    """The middle of the named points: (2,)."""
    middle: np.ndarray = points[_LAYOUT.rows(*names)].mean(0)
    return middle


def _paint(canvas: np.ndarray, distance: np.ndarray, level: float, softness: float = 1.0) -> None:
    """Blend `level` in where `distance` (pixels from the shape's edge, negative inside) is small."""
    alpha = np.clip(0.5 - distance / softness, 0, 1)
    canvas += alpha * (level - canvas)


def _ellipse(center: np.ndarray, radii: tuple[float, float], degrees: float = 0.0) -> np.ndarray:
    angle = np.deg2rad(degrees)
    x, y = _COLUMNS - center[0], _ROWS - center[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (np.hypot(along / radii[0], across / radii[1]) - 1) * min(radii)


def _stroke(start: np.ndarray, end: np.ndarray, thickness: float) -> np.ndarray:
    step = end - start
    x, y = _COLUMNS - start[0], _ROWS - start[1]
    along = np.clip((x * step[0] + y * step[1]) / (step @ step), 0, 1)
    return np.hypot(x - along * step[0], y - along * step[1]) - thickness / 2


def _tilt(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.rad2deg(np.arctan2(left[1] - right[1], left[0] - right[0])))


def _background(random: np.random.Generator) -> np.ndarray:
    level, slope_x, slope_y = random.uniform(40, 200), *random.uniform(-40, 40, 2)
    return level + slope_x * (_COLUMNS / _SIDE - 0.5) + slope_y * (_ROWS / _SIDE - 0.5)


def _head(canvas: np.ndarray, points: np.ndarray, skin: float, hair: float) -> None:
    left, right = _at(points, "left_eye_center"), _at(points, "right_eye_center")
    width, tilt = float(np.hypot(*(left - right))), _tilt(left, right)
    nose = _at(points, "nose_tip")
    up = (left + right) / 2 - nose
    _paint(canvas, _ellipse(nose + 0.55 * up, (1.18 * width, 1.5 * width), tilt), hair, 3)
    _paint(canvas, _ellipse(nose + 0.15 * up, (1.02 * width, 1.35 * width), tilt), skin, 2)


def _eyes(canvas: np.ndarray, points: np.ndarray, skin: float) -> None:
    for side in ("left", "right"):
        inner, outer = _at(points, f"{side}_eye_inner_corner"), _at(points, f"{side}_eye_outer_corner")
        center = _at(points, f"{side}_eye_center")
        half = float(np.hypot(*(outer - inner))) / 2
        opening = _ellipse(center, (half, 0.45 * half), _tilt(outer, inner))
        _paint(canvas, opening - 0.8, skin * 0.5)
        _paint(canvas, opening, 235)
        _paint(canvas, np.maximum(_ellipse(center, (0.42 * half, 0.42 * half)), opening), 45)
        for corner in (inner, outer):
            _paint(canvas, _ellipse(corner, (1, 1)), skin * 0.5)


def _brows(canvas: np.ndarray, points: np.ndarray, level: float) -> None:
    for side in ("left", "right"):
        inner, outer = _at(points, f"{side}_eyebrow_inner_end"), _at(points, f"{side}_eyebrow_outer_end")
        top = (inner + outer) / 2 + (0, -2.5)
        _paint(canvas, np.minimum(_stroke(inner, top, 3.2), _stroke(top, outer, 2.6)), level)


def _nose(canvas: np.ndarray, points: np.ndarray, level: float) -> None:
    tip, bridge = _at(points, "nose_tip"), _at(points, "left_eye_inner_corner", "right_eye_inner_corner")
    _paint(canvas, _stroke(bridge + np.array((2, 6)), tip + np.array((4, 1)), 1.2), level, 2)
    _paint(canvas, _ellipse(tip + np.array((0, 2.5)), (6, 2)), level, 3)


def _mouth(canvas: np.ndarray, points: np.ndarray, level: float) -> None:
    left, right = _at(points, "mouth_left_corner"), _at(points, "mouth_right_corner")
    top, bottom = _at(points, "mouth_center_top_lip"), _at(points, "mouth_center_bottom_lip")
    middle = (top + bottom) / 2
    half, height = float(np.hypot(*(left - right))) / 2, max(2.0, float(np.hypot(*(bottom - top))) / 2)
    _paint(canvas, _ellipse(middle, (half, height), _tilt(left, right)), level)
    _paint(canvas, _stroke(right, middle, 1.2), level * 0.5)
    _paint(canvas, _stroke(middle, left, 1.2), level * 0.5)
