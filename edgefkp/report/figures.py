"""Figures as values: what a page shows is registered where it is drawn, and is rendered from what was stored.

A new figure is one function:

    @FIGURES.figure("sizes", "Size against RMSE", "Further down and to the left is better.")
    def sizes(result: RunResult) -> Any: ...
"""

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EnvironmentProblem
from edgefkp.files import write_bytes
from edgefkp.records import Registry

# Okabe and Ito's colors, which color-blind people can tell apart.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#777777"
COLORS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
TRUE_POINT, PREDICTED_POINT = "#00E5A0", "#FF7A00"
DPI = 130
MANY = 30  # points, from which on their marks are smaller

Draw = Callable[[Any], Any]


@dataclass(frozen=True)
class Drawn:
    """One drawing of a figure."""

    caption: str
    content: bytes  # of a .svg or .png file
    suffix: str  # ".svg" or ".png"

    def html(self) -> str:
        """The drawing itself, to stand inside a page."""
        if self.suffix == ".svg":
            return self.content.decode()
        data = base64.b64encode(self.content).decode()
        return f'<img alt="{escape(self.caption, quote=True)}" src="data:image/png;base64,{data}">'


@dataclass(frozen=True)
class Figure:
    """One section of a page."""

    name: str  # of its files, without suffix
    title: str
    caption: str
    draw: Draw  # evidence -> a matplotlib figure, several by caption, or None where nothing is known
    photographs: bool = False  # kept as PNG; drawings as SVG

    def drawn(self, evidence: Any) -> list[Drawn]:
        made = self.draw(evidence)
        if made is None:
            return []
        several = made if isinstance(made, Mapping) else {self.caption: made}
        return [
            Drawn(caption, png(figure), ".png") if self.photographs else Drawn(caption, svg(figure).encode(), ".svg")
            for caption, figure in several.items()
        ]


@dataclass(frozen=True)
class Section:
    """A figure as a page shows it."""

    title: str
    caption: str  # of all drawings together; "" where each has its own
    drawings: list[Drawn]


class Figures(Registry[Figure]):
    """The figures of one page, in its order."""

    def figure(self, name: str, title: str, caption: str = "", photographs: bool = False) -> Callable[[Draw], Draw]:
        """Register the decorated function as a figure; see `Figure`."""

        def register(draw: Draw) -> Draw:
            self.add(Figure(name, title, caption, draw, photographs))
            return draw

        return register

    def sections(self, evidence: Any, folder: Path | None = None) -> Iterator[Section]:
        """Each figure drawn; those with one drawing are written into `folder` on the way."""
        for one in self.values():
            drawings = one.drawn(evidence)
            alone = len(drawings) == 1
            if folder is not None and alone:
                write_bytes(folder / f"{one.name}{drawings[0].suffix}", drawings[0].content)
            yield Section(one.title, "" if alone else one.caption, drawings)


def panels(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, np.ndarray]:
    """A figure of that many inches and its (rows, columns) axes, without pyplot's global state and without a screen.

    Raises EnvironmentProblem without matplotlib.
    """
    try:
        from matplotlib.figure import Figure as MatplotlibFigure
    except ImportError:
        raise EnvironmentProblem("figures need matplotlib", "pip install 'edgefkp[train]'") from None
    figure = MatplotlibFigure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def lighten(panel: Any) -> None:
    panel.grid(color="#e5e5e5", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def plain_log(axis: Any) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5 times a power of ten."""
    axis.set_major_formatter(_plain)
    axis.set_minor_formatter(lambda value, place: _plain(value, place) if f"{value:e}"[0] in "25" else "")


def _plain(value: float, place: int | None = None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def show_face(
    panel: Any, image: np.ndarray, points: np.ndarray, predicted: np.ndarray | None = None, size: float = 12
) -> None:
    """An image in `panel` with its (K, 2) points: dots, or rings of `size` beside the crosses of predicted ones."""
    panel.set_axis_off()
    panel.imshow(image, cmap="gray", vmin=0, vmax=255)
    share, width = (1.0, 0.9) if len(points) < MANY else (0.3, 0.5)
    if predicted is None:
        panel.scatter(*points.T, s=9 * share, c=TRUE_POINT, linewidths=0)
    else:
        panel.scatter(*points.T, s=size * share, facecolors="none", edgecolors=TRUE_POINT, linewidths=width)
        panel.scatter(*predicted.T, s=0.75 * size * share, c=PREDICTED_POINT, marker="x", linewidths=width)
    # A wild prediction must not shrink the face.
    panel.set_xlim(-0.5, image.shape[1] - 0.5)
    panel.set_ylim(image.shape[0] - 0.5, -0.5)


def svg(figure: Any) -> str:
    """The figure as an <svg> element to stand inside HTML; the same figure gives the same text."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "edgefkp", "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()
