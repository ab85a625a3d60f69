"""The files that both pages are made of, and the legend of their colors."""

from __future__ import annotations

from pathlib import Path

from edgefkp.demo.answers import KINDS, Answer, Get
from edgefkp.layout import SIDE_COLORS

FOLDER = Path(__file__).with_name("static")
_WORDS = {"left": "the subject's left", "right": "the subject's right", "middle": "middle"}


def page_files(page: str, *others: str) -> dict[str, Get]:
    """`page` at "/", and the other files of FOLDER under their own names."""
    return {"/": page_file(page), **{f"/{name}": page_file(name) for name in others}}


def page_file(name: str) -> Get:
    path = FOLDER / name
    return lambda rest: Answer(path.read_bytes(), KINDS[path.suffix])


def legend() -> list[dict[str, str]]:
    """Each side of a face and its color."""
    return [{"name": _WORDS[side], "color": css_color(color)} for side, color in SIDE_COLORS.items()]


def css_color(color: tuple[int, int, int]) -> str:
    """Red, green, blue as pages write it."""
    return "#{:02x}{:02x}{:02x}".format(*color)
