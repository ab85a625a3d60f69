"""Numbers that are no pixels: codes for missing points, shares and percent, pixels of a copy of another size."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgefkp.data.labels.findings import LabelFinding
from edgefkp.data.labels.seen import Found, Seen

_TINY = 4  # pixels: no face that is less wide and high can be seen
_NEARLY_ALL = 0.98
_APART = 0.1  # of the mean shape's box: two points that far apart are not at one place
_OFTEN = 0.05  # of the faces
_LOOSE = 1.2  # times the face: an image that is no crop along its outermost points
_BOXES, _MOST_BOXES = 5, 0.9  # faces, and their share
_ROUND = 100  # what percent go up to
# The middle of a face as a share of its image: the median is 0.5 of every data set at hand, and 0.3 of no face.
_CENTRAL = (0.3, 0.7)
_CORNER = 0.4
_LARGER = 1.2  # times: what a copy has to be larger or smaller to be distinguished from a sloppy crop
_CLEARLY = 0.1  # log of a face's proportions, that one reading is nearer to the mean shape than another
# A copy's size is mostly one of these times the image's.
_FACTORS = (1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
_NEAR = 0.13  # log
_USUAL, _EXACT = 6, 0.03  # larger factors are taken as one of these only if they are that near, log
_PERMILLE = 1000  # what shares of width and height go up to there
_ALIKE = 0.4  # log of the factors across and down: faces are not that far from the middle of all their images


def missing(seen: Seen) -> Found:
    """A number v with points at (v, v): apart from all other numbers, or at points of one face that lie apart."""
    points = seen.points
    same = np.equal(points[..., 0], points[..., 1])
    others = points[~same & ~np.isnan(points).any(-1)]
    usual = np.percentile(others, (0.5, 99.5)) if len(others) else np.array([np.inf, -np.inf])
    numbers, counts = np.unique(points[same][:, 0], return_counts=True)
    often = (counts >= 2) & (numbers == np.round(numbers))
    findings, codes = [], list(seen.options.missing)
    for code in numbers[often].tolist():
        at = same & np.equal(points[..., 0], code)
        if _is_code(seen, code, at, usual):
            own = seen.having(missing=(*seen.options.missing, code))
            what = f"have points at ({code:g}, {code:g}), {int(at.sum())} in all, as if that meant missing"
            findings.append(seen.finding("missing", at.any(1), what, "if it does", own, refused=True))
            codes.append(code)
    return findings, seen.having(missing=tuple(codes)) if findings else seen


def _is_code(seen: Seen, value: float, at: np.ndarray, usual: np.ndarray) -> bool:
    """at: (N, K) bool, the points at (value, value). usual: (2,) the range of what the other points have."""
    rows = np.any(at, 1)
    if not usual[0] <= value <= usual[1] and (value <= 0 or _outside_of_all(seen, value, rows)):
        return int(at.sum()) >= 3 or int(rows.sum()) >= 2
    several = np.flatnonzero(at.sum(axis=1) >= 2)
    least = max(2, _OFTEN * len(rows))
    if len(several) < least:
        return False
    shape = np.array(seen.raw.layout.mean_shape)
    return sum(np.ptp(shape[at[row]], axis=0).max() > _APART for row in several.tolist()) >= least


def _outside_of_all(seen: Seen, value: float, rows: np.ndarray) -> bool:
    sizes = seen.raw.sizes[rows].max(1)
    return bool((value > sizes).all() and sizes.any())


def unit(seen: Seen) -> Found:
    """Shares of the image, -1..1, or percent."""
    extents = seen.fit.extents
    judged = extents > 0
    if box := _own_box(seen, judged):
        return [box], seen
    if seen.options.unit or not judged.any():
        return [], seen
    tiny = judged & (extents < _TINY)
    if tiny.sum() <= 0.5 * judged.sum():
        return _percent(seen)
    values = seen.points[tiny]
    values = values[~np.isnan(values)]
    what = f"lie within {values.min():.3g} and {values.max():.3g}, which are no pixels"
    if _within(values, -0.1, 1.1):
        name, kind = "share", "shares of the image's width and height"
    elif _within(values, -1.2, 1.2) and np.percentile(values, 1) < -0.1:
        name, kind = "centered", "-1..1 from edge to edge"
    else:
        cure = "give pixels of the images, or shares of their width and height (--unit share)"
        no_sizes = replace(seen.raw, sizes=np.zeros_like(seen.raw.sizes))  # nothing can be compared with them
        return [seen.finding("unit", tiny, what, cure, refused=True)], Seen(no_sizes, seen.options)
    cured = seen.having(unit=name)
    return [seen.finding("unit", tiny, f"{what} but perhaps {kind}", "if so", cured, refused=True)], cured


def _own_box(seen: Seen, judged: np.ndarray) -> LabelFinding | None:
    """Points that count from the box of each face's own points: the lowest x and y of every face are 0."""
    lowest = np.where(np.isnan(seen.points), np.inf, seen.points).min(1)
    sizes = seen.raw.sizes.max(1)
    of = judged & (lowest == 0).all(1) & (seen.fit.extents >= _TINY) & (sizes > _LOOSE * seen.fit.extents)
    if of.sum() < max(_BOXES, _MOST_BOXES * judged.sum()):
        return None
    what = "have points that begin at 0 in x and in y, as if they counted from the box of each face"
    return seen.finding("unit", of, what, "give them for the whole image", refused=True)


def _within(values: np.ndarray, low: float, high: float) -> bool:
    return bool(np.mean((values >= low) & (values <= high)) >= _NEARLY_ALL)


def _percent(seen: Seen) -> Found:
    values = seen.points[~np.isnan(seen.points)]
    if not seen.sized.any() or not _within(values, -2, _ROUND + 2) or seen.options.scale != 1:
        return [], seen
    cured = seen.having(unit="percent")
    sizes = seen.raw.sizes[seen.sized]
    as_pixels, as_percent = (np.median(one.fit.middles[seen.sized] / sizes, 0) for one in (seen, cured))
    central = (as_percent > _CENTRAL[0]).all() and (as_percent < _CENTRAL[1]).all()
    in_corner = (as_pixels < _CORNER).all() and central
    better = np.subtract(*(abs(np.log(one.fit.proportion())) for one in (seen, cured)))
    distorted = better > _CLEARLY and central
    if not (in_corner or distorted) or better < -_CLEARLY:
        return [], seen
    why = "in the upper left of their images" if in_corner else "too wide or too high for faces"
    what = f"lie within 0 and {values.max():.4g}, {why}: perhaps percent of width and height"
    found = seen.finding("unit", seen.sized, what, "if so", cured, refused=True)
    return [found], cured


def scale(seen: Seen) -> Found:
    """Pixels of a copy that is larger (points far outside) or smaller (all in the upper left)."""
    options, sized = seen.options, seen.sized
    if options.unit not in ("", "pixels") or options.scale != 1 or not sized.any():
        return [], seen
    sizes = seen.raw.sizes[sized]
    shares = seen.fit.middles[sized] / sizes
    away = sized & (seen.fit.beyond(seen.raw.sizes) > 0.25 * seen.fit.extents)
    if away.sum() > 0.5 * sized.sum():
        return _larger(seen, away, shares)
    highest = np.nanmax((seen.points[sized] / sizes[:, None]).reshape(-1, 2), 0)
    if (np.median(shares, 0) < _CENTRAL[0]).all() and (highest < 1 / _LARGER**2).all() and len(sizes) >= 5:
        what = f"lie in the upper left of their images, up to {100 * highest.max():.0f} % of the side"
        cure = "if they were placed on smaller copies, add --scale (width of the image / width of the copy)"
        return [seen.finding("scale", sized, what, cure, refused=False)], seen
    return [], seen


def _larger(seen: Seen, away: np.ndarray, shares: np.ndarray) -> Found:
    sized = seen.sized
    what = "have points far outside of their images"
    absolute = seen.fit.middles[sized]
    spread, spread_absolute = (np.median(np.abs(np.log(m / np.median(m, 0)))) for m in (shares, absolute))
    sizes = seen.raw.sizes[sized]
    sizes_differ = np.ptp(sizes, axis=0).max() > 0
    of_one_size = bool(sizes_differ and spread_absolute < 0.5 * spread)
    if of_one_size or not sizes_differ:
        middle = 2 * np.median(absolute, 0)
        if found := _of_a_known_size(seen, away, middle, what, of_one_size):
            return found
        width, height = middle.round(-1).astype(int)
        if of_one_size:
            cure = "if they were placed on copies of one size, add --unit WIDTHxHEIGHT of these copies"
            what += f" of several sizes, as if placed on copies of about {width}x{height}"
            return [seen.finding("scale", away, what, cure, refused=True)], seen
    factor = 2 * float(np.median(shares))
    if factor < _LARGER:
        return [], seen
    nearest = min(_FACTORS, key=lambda one: abs(math.log(one / factor)))
    if abs(math.log(nearest / factor)) > (_NEAR if nearest <= _USUAL else _EXACT):
        nearest = factor
    cured = seen.having(scale=float(f"{1 / nearest:.6g}" if nearest in _FACTORS else f"{1 / nearest:.2g}"))
    across, down = np.median(shares, 0)
    if abs(np.log(across / down)) >= _ALIKE or not _inside(cured):
        return [], seen
    what += f", as if placed on copies about {nearest:.3g} times as large"
    what += " (by where faces lie; --unit WIDTHxHEIGHT of the copies is exact)"
    return [seen.finding("scale", away, what, "if so", cured, refused=True)], cured


def _of_a_known_size(seen: Seen, away: np.ndarray, size: np.ndarray, what: str, differ: bool) -> Found | None:
    """Permille, or pixels of copies of a usual size: `size` is twice where faces are, which is near the copies'."""
    sizes = seen.raw.sizes[seen.sized]
    highest = np.nanpercentile(seen.points[seen.sized].reshape(-1, 2), 99.9, 0)
    square = abs(math.log(size[0] / size[1])) < _NEAR if (size > 0).all() else False
    if square and highest.max() <= _PERMILLE and abs(np.log(size / _PERMILLE)).max() < _NEAR:
        of_images = seen.having(unit=f"{_PERMILLE}x{_PERMILLE}")
        whole = sizes.max() * min(_FACTORS, key=lambda one: abs(one - _PERMILLE / sizes.max()))
        oblong = abs(math.log(np.divide(*np.median(sizes, 0)))) > _NEAR
        if _inside(of_images) and (differ or oblong or highest.max() > whole):
            what += f" and up to {highest.max():.4g}, as if they were permille of width and height"
            return [seen.finding("scale", away, what, "if so", of_images, refused=True)], of_images
    return None


def _inside(seen: Seen) -> bool:
    """Nearly all faces are within their images."""
    sizes = seen.raw.sizes[seen.sized]
    beyond = seen.fit.beyond(seen.raw.sizes)[seen.sized]
    return bool(len(sizes) and np.mean(beyond <= 0.1 * seen.fit.extents[seen.sized]) > 0.9)
