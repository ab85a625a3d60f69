"""Faces that do not lie upright: sides of the viewer, x and y swapped, y from below, EXIF turns, turned photos."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgefkp.data.labels.findings import LabelFinding
from edgefkp.data.labels.fit import UNCLEAR
from edgefkp.data.labels.options import EXIF, UPRIGHT
from edgefkp.data.labels.seen import MOST, Found, Seen

_MIRRORED = 2
_TURN = "turn the images and their points"


class _Way(NamedTuple):
    """A way in which faces can lie."""

    kind: str  # of the finding
    what: str  # is seen
    cure: str  # in words
    option: str = ""  # the field of LabelOptions that cures it
    # Two fields that would cure it together, and the cause: it looks like a turned image.
    both: tuple[str, ...] = ()
    cause: str = ""


# By the EXIF orientation that would lay an upright face so.
_WAYS = {
    2: _Way(
        "sides",
        "have left and right as the viewer sees them (left is the subject's, on the right of the image)",
        "if so",
        "mirror_names",
    ),
    3: _Way("upside down", "are upside down", _TURN, "", ("flip_y", "mirror_names"), "y counts from the lower edge"),
    4: _Way("upside down", "are upside down and mirrored, as if y counted from the lower edge", "if so", "flip_y"),
    5: _Way("axes", "lie on their side and are mirrored, as if x and y were swapped", "if so", "swap_xy"),
    6: _Way("lying", "lie on their side", _TURN, "", ("swap_xy", "mirror_names"), "x and y are swapped"),
    7: _Way("lying", "lie on their side and are mirrored", _TURN),
    8: _Way("lying", "lie on their side", _TURN, "", ("swap_xy", "mirror_names"), "x and y are swapped"),
}


def exif(seen: Seen) -> Found:
    """Photo by photo: points that are upright only with the photo's own EXIF turn, or only without it."""
    wrong, right, cured = _by_turn(seen)
    if not wrong.any():
        return [], seen
    turned, other = int((seen.raw.turns != UPRIGHT).sum()), cured.options.exif
    what = f"are upright only in their image as it is {other}, of {turned} with an EXIF turn"
    if wrong.sum() > right.sum():
        cure = "if their points were placed on such images"
        return [seen.finding("exif", wrong, what, cure, cured, refused=True)], cured
    doubt = f"look at them: the points of {int(right.sum())} fit the image as it is {seen.options.exif}"
    return [seen.finding("exif", wrong, what, doubt, refused=False)], seen


def _by_turn(seen: Seen) -> tuple[np.ndarray, np.ndarray, Seen]:
    """(N,) bool: upright only if EXIF is taken the other way, or only as it is taken; and the labels the other way."""
    turned = (seen.raw.turns != UPRIGHT) & seen.sized
    cured = seen.having(exif=next(name for name in EXIF if name != seen.options.exif))
    if not turned.any():
        return turned, turned, cured
    upright = [np.isin(one.ways, (UPRIGHT, _MIRRORED)) & turned for one in (seen, cured)]
    only_mirrored = turned & (seen.raw.turns == _MIRRORED)  # then both look upright: the exact way decides
    for one, fits in zip((seen, cured), upright, strict=True):
        fits[only_mirrored] = one.ways[only_mirrored] == UPRIGHT
    return upright[1] & ~upright[0], upright[0] & ~upright[1], cured


def ways(seen: Seen) -> Found:
    """What most faces have in common is a cause, with the option that cures it; what a few have is a doubt of these."""
    lies = np.where(_by_turn(seen)[0], UNCLEAR, seen.ways)  # those have a finding
    judged = int((lies != UNCLEAR).sum())
    findings: list[LabelFinding] = []
    for number, way in _WAYS.items():
        of = lies == number
        if of.sum() > MOST * judged:
            return [_of_most(seen, way, of)], seen.toggled(way.option) if way.option else seen
        if of.any():
            doubt = "are the names swapped?" if way.kind == "sides" else "are these images or points turned?"
            findings.append(seen.finding(way.kind, of, way.what, f"look at them: {doubt}", refused=False))
    return findings, seen


def _of_most(seen: Seen, way: _Way, of: np.ndarray) -> LabelFinding:
    if way.option:
        return seen.finding(way.kind, of, way.what, way.cure, seen.toggled(way.option), refused=True)
    cure, both = way.cure, seen.toggled(*way.both)
    if way.both and np.mean(both.ways[of] == UPRIGHT) > MOST:
        cure += f"; or, if {way.cause} and left and right are the viewer's, {both.options.typed(seen.options)}"
    return seen.finding(way.kind, of, way.what, cure, refused=True)
