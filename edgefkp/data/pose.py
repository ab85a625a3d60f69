"""Which way a head faces, from its points alone.

The points are fitted to a generic head by weak perspective (a rotation, a scale, a shift; no lens). One head stands for
all heads: a face whose proportions differ, or an open mouth, shifts the angles by some degrees, the nod most.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from edgefkp.layout import PointLayout


class Pose(NamedTuple):
    """Degrees. The signs are those of ML Kit's Euler angles Y, Z and X; a mirrored face has the negative turn and tilt.

    The head's rotation is first the nod, then the turn, then the tilt (R = Rz @ Ry @ Rx).
    """

    turn: float  # yaw; positive: to the subject's left, which is the right side of the image
    tilt: float  # roll; positive: counter-clockwise in the image
    nod: float  # pitch; positive: up; 0 is that of people who pose for a passport photo


# Where the points lie on the generic head: x to the subject's left, y up, z towards the camera, in units of the
# distance between the outer eye corners. Factored out of the points of 7,002 LFW faces (training persons), both sides
# made equal, by `python -m bench.fit_pose`.
HEAD: dict[str, tuple[float, float, float]] = {
    "left_eye_center": (0.341, 0.022, 0.036),
    "right_eye_center": (-0.341, 0.022, 0.036),
    "left_eye_inner_corner": (0.191, 0.002, 0.053),
    "left_eye_outer_corner": (0.500, 0.000, 0.000),
    "right_eye_inner_corner": (-0.191, 0.002, 0.053),
    "right_eye_outer_corner": (-0.500, 0.000, 0.000),
    "left_eyebrow_inner_end": (0.133, 0.178, 0.168),
    "left_eyebrow_outer_end": (0.633, 0.099, -0.080),
    "right_eyebrow_inner_end": (-0.133, 0.178, 0.168),
    "right_eyebrow_outer_end": (-0.633, 0.099, -0.080),
    "nose_tip": (0.000, -0.370, 0.334),
    "mouth_left_corner": (0.288, -0.702, 0.019),
    "mouth_right_corner": (-0.288, -0.702, 0.019),
    "mouth_center_top_lip": (0.000, -0.627, 0.175),
    "mouth_center_bottom_lip": (0.000, -0.852, 0.140),
}
FEWEST = 4  # points, below which three angles cannot be separated
DEPTH = 0.05  # units that points have to stand out of their plane (root mean square), to show a turn
_STEPS = 20
_DAMPING = 1e-3
_LONGEST_STEP = 0.5  # radians


@lru_cache(maxsize=16)
def _head(layout: PointLayout) -> tuple[np.ndarray, np.ndarray]:
    """(rows of the layout that the head has, their (n, 3) places)."""
    rows = [row for row, name in enumerate(layout.points) if name in HEAD]
    return np.array(rows, int), np.array([HEAD[layout.points[row]] for row in rows]).reshape(-1, 3)


def shows_pose(layout: PointLayout) -> bool:
    """Whether the pose follows from the points of a whole face of this layout."""
    return _is_deep(_head(layout)[1])


def _is_deep(places: np.ndarray) -> bool:
    if len(places) < FEWEST:
        return False
    smallest = np.linalg.svd(places - places.mean(0), compute_uv=False)[-1]
    return bool(smallest >= DEPTH * np.sqrt(len(places)))


def pose_of(keypoints: np.ndarray, layout: PointLayout) -> Pose | None:
    """The pose of one face with (K, 2) points; None where its points do not show one."""
    turn, tilt, nod = poses(np.asarray(keypoints)[None], layout)[0].tolist()
    return None if np.isnan(turn) else Pose(turn, tilt, nod)


def poses(keypoints: np.ndarray, layout: PointLayout) -> np.ndarray:
    """(N, 3) turn, tilt and nod of (N, K, 2) points (degrees, see `Pose`); NaN where the points do not show them.

    Points that are missing (NaN) do not count; at least FEWEST others, not all in one plane, have to be there.
    """
    rows, head = _head(layout)
    points = np.asarray(keypoints, np.float64)[:, rows] * (1, -1)  # y up
    present = np.isfinite(points).all(-1)
    found = np.full((len(points), 3), np.nan)
    for pattern in np.unique(present, axis=0):
        faces = np.flatnonzero((present == pattern).all(1))
        if _is_deep(head[pattern]):
            rotations, _ = fitted(points[faces][:, pattern], head[pattern])
            found[faces] = angles(rotations)
    return found


def angles(rotations: np.ndarray) -> np.ndarray:
    """(N, 3) degrees of turn, tilt and nod of (N, 3, 3) rotations: the inverse of `rotation`."""
    turn = np.arcsin(np.clip(-rotations[:, 2, 0], -1, 1))
    tilt = np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0])
    nod = -np.arctan2(rotations[:, 2, 1], rotations[:, 2, 2])
    return np.degrees(np.stack([turn, tilt, nod], 1))


def rotation(pose: Pose) -> np.ndarray:
    """(3, 3) float64: what moves the head from facing the camera to this pose; see `Pose` for the axes."""
    (a, b, c), (d, e, f) = np.cos(np.radians(pose)), np.sin(np.radians(pose))
    nod = np.array([[1, 0, 0], [0, c, f], [0, -f, c]])
    turn = np.array([[a, 0, d], [0, 1, 0], [-d, 0, a]])
    tilt = np.array([[b, -e, 0], [e, b, 0], [0, 0, 1]])
    moved: np.ndarray = tilt @ turn @ nod
    return moved


def fitted(points: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The (N, 3, 3) rotations and (N,) scales that bring (n, 3) places of a head closest to (N, n, 2) points, y up.

    Least squares by damped Gauss-Newton steps, from an upright face onwards: a face seen from the front, not the one
    with all depths turned round that fits almost as well.
    """
    points, head = points - points.mean(1, keepdims=True), head - head.mean(0)
    rotations = _upright(points, head)
    for _ in range(_STEPS):
        turned = head @ rotations.transpose(0, 2, 1)
        flat, scales = turned[..., :2], _scales(turned, points)
        x, y, z = scales[:, None] * turned.transpose(2, 0, 1)
        zero = np.zeros_like(x)
        # What a small rotation about each axis, and a change of scale, do to x and to y.
        change = np.stack(
            [np.stack([zero, z, -y, flat[..., 0]], -1), np.stack([-z, zero, x, flat[..., 1]], -1)], 2
        ).reshape(len(points), -1, 4)
        left = (points - scales[:, None, None] * flat).reshape(len(points), -1, 1)
        normal = change.transpose(0, 2, 1) @ change
        normal += _DAMPING * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(4) + 1e-12 * np.eye(4)
        step = np.linalg.solve(normal, change.transpose(0, 2, 1) @ left)[:, :3, 0]
        rotations = _small_rotations(step) @ rotations
        if np.abs(step).max(initial=0) < 1e-6:
            break
    return rotations, _scales(head @ rotations.transpose(0, 2, 1), points)


def _upright(points: np.ndarray, head: np.ndarray) -> np.ndarray:
    """(N, 3, 3): the head turned in the image alone."""
    cos = (points * head[:, :2]).sum((1, 2))
    sin = (points[..., 1] * head[:, 0] - points[..., 0] * head[:, 1]).sum(1)
    return np.stack([rotation(Pose(0, tilt, 0)) for tilt in np.degrees(np.arctan2(sin, cos))])


def _scales(turned: np.ndarray, points: np.ndarray) -> np.ndarray:
    flat = turned[..., :2]
    scales: np.ndarray = (flat * points).sum((1, 2)) / (flat**2).sum((1, 2))
    return scales


def _small_rotations(steps: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations about (N, 3) axes by their lengths in radians (Rodrigues), bounded by _LONGEST_STEP."""
    lengths = np.maximum(np.linalg.norm(steps, axis=1), 1e-15)
    x, y, z = (steps / lengths[:, None]).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    angles = np.minimum(lengths, _LONGEST_STEP)[:, None, None]
    rotations: np.ndarray = np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * cross @ cross
    return rotations
