"""Faces in a figure: points in the color of their side, one color for each side in all images of the project."""

from typing import Any

import numpy as np

from edgefkp.layout import SIDE_COLORS, PointLayout, side_of
from edgefkp.report.figures import DARK

_SHAPE = "#505050"  # of a legend's ring and cross, which stand for points of all sides
SIZE = 12.0  # of a ring
MANY = 30  # points, from which on their marks are smaller
NAMES = {"left": "the subject's left", "right": "the subject's right", "middle": "middle"}


def side_color(point: str) -> str:
    """ "#rrggbb" by the side of the point's name."""
    return _hex(side_of(point))


def _hex(side: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*SIDE_COLORS[side])


def show_face(
    panel: Any,
    image: np.ndarray,
    layout: PointLayout,
    points: np.ndarray,
    predicted: np.ndarray | None = None,
    size: float = SIZE,
) -> None:
    """An image in `panel` with its (K, 2) points: dots, or rings of `size` (an area, in square points of type) beside
    the crosses of predicted ones."""
    from matplotlib.patheffects import withStroke

    panel.set_axis_off()
    panel.imshow(image, cmap="gray", vmin=0, vmax=255)
    share, width = (1.0, 1.1 * (size / SIZE) ** 0.5) if layout.count < MANY else (0.3, 0.6)
    colors = [side_color(name) for name in layout.points]
    edge = {"path_effects": [withStroke(linewidth=width + 1, foreground=DARK)]}
    if predicted is None:
        panel.scatter(*points.T, s=9 * share, c=colors, linewidths=0.4, edgecolors=DARK)
    else:
        panel.scatter(*points.T, s=size * share, facecolors="none", edgecolors=colors, linewidths=width, **edge)
        panel.scatter(*predicted.T, s=0.75 * size * share, c=colors, marker="x", linewidths=width, **edge)
    # A wild prediction must not shrink the face.
    panel.set_xlim(-0.5, image.shape[1] - 0.5)
    panel.set_ylim(image.shape[0] - 0.5, -0.5)


def face_legend(figure: Any, panel: Any, layout: PointLayout, predicted: bool = True) -> None:
    """What shapes and colors mean, below a figure of faces."""
    handles = []
    if predicted:
        ring = {"facecolors": "none", "edgecolors": _SHAPE, "linewidths": 1.1}
        handles = [
            panel.scatter([], [], s=28, label="labeled", **ring),
            panel.scatter([], [], s=22, c=_SHAPE, marker="x", label="predicted"),
        ]
    for side in dict.fromkeys(side_of(name) for name in layout.points):
        handles.append(panel.scatter([], [], s=28, c=_hex(side), edgecolors=DARK, linewidths=0.6, label=NAMES[side]))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
