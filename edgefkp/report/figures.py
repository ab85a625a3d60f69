"""Figures as values: what a page shows is registered where it is drawn, and is rendered from what was stored.

A new figure is one function:

    @FIGURES.figure("sizes", "Size against RMSE", "Further down and to the left is better.")
    def sizes(result: RunResult) -> Any: ...
"""

import base64
import io
import re
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
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#707070"
COLORS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
LINE = "#e5e5e5"  # of a grid
DARK = "#1a1a1a"  # text on a bright patch, which stays dark on a dark page
DPI = 130
# What a drawing's colors are on a page, which is light or dark; all others stay.
_ON_PAGE = {"#000000": "currentColor", GRAY: "var(--quiet)", LINE: "var(--line)"}
_BACKGROUND = 'style="fill: #ffffff"'
_HALO = "stroke: #ffffff"

Draw = Callable[[Any], Any]


@dataclass(frozen=True)
class Drawn:
    """One drawing of a figure."""

    title: str  # of the figure
    caption: str
    content: bytes  # of a .svg or .png file
    suffix: str  # ".svg" or ".png"

    def html(self) -> str:
        """The drawing itself, to stand inside a page, in the page's colors and with its title for screen readers."""
        name = escape(f"{self.title}. {self.caption}".strip(), quote=True)
        if self.suffix == ".svg":
            return on_page(self.content.decode(), name)
        data = base64.b64encode(self.content).decode()
        return f'<img alt="{name}" src="data:image/png;base64,{data}">'


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
            Drawn(self.title, caption, png(figure), ".png")
            if self.photographs
            else Drawn(self.title, caption, svg(figure).encode(), ".svg")
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


def color_at(number: int) -> str:
    return COLORS[number % len(COLORS)]


def halo() -> Any:
    """Of text that crosses lines: a border in the color of the ground."""
    from matplotlib.patheffects import withStroke

    return withStroke(linewidth=2, foreground="#ffffff")


def lighten(panel: Any) -> None:
    panel.grid(color=LINE, linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def svg(figure: Any) -> str:
    """The figure as an <svg> element to stand inside HTML; the same figure gives the same text.

    Parts with a gid are given the title that the figure's `hover` has for it, which browsers show under the pointer.
    """
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "edgefkp", "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    for name, hover in getattr(figure, "hover", {}).items():
        text = text.replace(f'<g id="{name}">', f"<g><title>{escape(hover)}</title>", 1)
    return text[text.index("<svg") :]


def on_page(text: str, name: str) -> str:
    """An <svg> element as a page shows it: its colors by the names of the page's style sheet, and `name`, which is
    escaped, as its title."""
    for color, named in _ON_PAGE.items():
        text = re.sub(rf"(fill|stroke): {color}\b", rf"\1: {named}", text, flags=re.IGNORECASE)
    text = text.replace(_BACKGROUND, 'style="fill: none"').replace(_HALO, "stroke: var(--card)")
    return re.sub(r"<svg ([^>]*)>", rf'<svg role="img" \1><title>{name}</title>', text, count=1)


def png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()
